/*
 * allocators.h - the libraries that can supply malloc in a worker.
 *
 * To add one: a row in the table in allocators.c. Everything else derives from it.
 */
#ifndef GROWBENCH_HARNESS_ALLOCATORS_H
#define GROWBENCH_HARNESS_ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"

/* An allocator that growbench knows by name. */
struct known_allocator {
	const char *name;
	const char *package; /* Debian's */
	/* As for library_find; empty for the C library's own malloc. */
	const char *patterns[4];
	/* "NAME=value" that its workers get, unless the user's environment or --allocator sets that
	 * variable; NULL: none. */
	const char *environment;
};

/* All of them, then one whose name is NULL. */
extern const struct known_allocator known_allocators[];

/* An allocator as a run uses it: a label, a library, an environment, and whose worker it is
 * measured with. */
struct allocator {
	char *name;
	char *library;       /* what is preloaded, links resolved; NULL: nothing */
	char *expected_path; /* the file that must supply malloc; NULL if missing */
	char **environment;  /* "NAME=value", NULL-terminated */
	char *build;         /* another build, as it was given; NULL: the run's own */
	char *worker;        /* that build's worker program, links resolved; NULL: the run's own */
	char *missing;       /* why it cannot be used and what to do; NULL if it can */
};

/* The known allocator of that name, as found on this machine; `missing` says if it was not. False
 * with a message if the name is unknown. */
bool allocator_find(const char *name, struct allocator *allocator, struct error *error);

/*
 * Reads NAME=BASE[@BUILD][,VARIABLE=VALUE]..., where BASE is a known allocator or the path of a
 * library, and BUILD is as in program.h. A comma belongs to the value unless VARIABLE= follows
 * (capital letters, digits, '_'), since values such as MALLOC_CONF's hold commas. An '@' belongs to
 * BASE where there is a file of that name. False with a message for what cannot be an allocator,
 * and for a build without a worker that can be run; a library that cannot be loaded is `missing`.
 */
bool allocator_parse(const char *text, struct allocator *allocator, struct error *error);

/* Makes *aged the same allocator on a heap that is aged by this seed (worker/aged.h): NAME-aged. */
void allocator_age(const struct allocator *allocator, uint64_t seed, struct allocator *aged);

/* The seed by which its heap is aged; 0: it is fresh. */
uint64_t allocator_aged_seed(const struct allocator *allocator);

/* Frees what it holds. Harmless on a zeroed one. */
void allocator_release(struct allocator *allocator);

/* Variables that change how an allocator works: may one of this name pass from our environment to a
 * worker? They are recorded in machine.json. */
bool allocator_variable(const char *entry);

#endif
