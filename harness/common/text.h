/*
 * text.h - reading numbers and names that a person typed.
 */
#ifndef GROWBENCH_HARNESS_TEXT_H
#define GROWBENCH_HARNESS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"

/*
 * Reads a whole number >= 1 into *value: decimal digits, then nothing, an exponent as in 1e6, or
 * one of k, M, G (thousands, millions, billions). Anything else, and what does not fit in 64 bits,
 * is an error; `what` names the value in the message ("--rows").
 */
bool parse_count(const char *text, const char *what, uint64_t *value, struct error *error);

/* The same for a number >= 0 without suffix, as a seed is. */
bool parse_seed(const char *text, const char *what, uint64_t *value, struct error *error);

/* The same for a number of bytes >= 1: a count, or one with KiB, MiB, GiB or TiB behind it. */
bool parse_size(const char *text, const char *what, uint64_t *bytes, struct error *error);

/* Reads a comma-separated list of counts; *values is malloc'ed and belongs to the caller. An empty
 * item or a value given twice is an error. */
bool parse_count_list(const char *text, const char *what, uint64_t **values, size_t *count,
		      struct error *error);

/* The name among `names` (NULL-terminated) that is most like `word` by edit distance, or NULL if
 * none is near. */
const char *nearest_name(const char *word, const char *const *names);

/* Sets the error for a `word` that is none of `names`: the nearest if there is one, and all valid
 * ones. `what` is what the word should have been ("strategy"). Returns false. */
bool unknown_name(const char *what, const char *word, const char *const *names,
		  struct error *error);

/* Is the name an item of a comma-separated list? Nothing is one of NULL. */
bool is_in_list(const char *name, const char *list);

/* Is every item of the list one of `names`? Sets the error as unknown_name does if one is not. */
bool check_list(const char *what, const char *list, const char *const *names, struct error *error);

#endif
