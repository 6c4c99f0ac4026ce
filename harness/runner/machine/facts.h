/*
 * facts.h - what small files of the system say, as JSON.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_FACTS_H
#define GROWBENCH_HARNESS_RUNNER_FACTS_H

#include <jansson.h>

/* A fact that stands in a file of its own, or on a line of one. */
struct fact {
	const char *name;
	const char *path;
	const char *key; /* NULL: the whole file; "key|key": what other architectures call it */
};

/* What a file says, without the white space at its end, for g_free; NULL if it is absent or empty.
 */
char *facts_file(const char *path);

/* The value of the first line "key : value" or "key=value" of a file, with one of the keys
 * "key|other key", for g_free; NULL if there is none. */
char *facts_line(const char *path, const char *keys);

/* Sets a fact to a value, which it takes over; without one (NULL) to null, and its reason in
 * `absent`. */
void facts_set(json_t *object, json_t *absent, const char *name, json_t *value,
	       const char *why_absent);

/* Sets the facts of a table, whose last one has no name. */
void facts_add(json_t *object, json_t *absent, const struct fact *facts);

#endif
