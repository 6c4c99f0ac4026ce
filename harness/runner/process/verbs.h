/*
 * verbs.h - the verbs of growbench that are Python's: a file each in scripts/growbench/cli, whose
 * name and first line the build takes into a table.
 */
#ifndef GROWBENCH_HARNESS_VERBS_H
#define GROWBENCH_HARNESS_VERBS_H

#include "harness/common/error.h"

struct verb {
	const char *name;
	const char *help; /* one line */
};

/* In alphabetical order, then one whose name is NULL. */
extern const struct verb python_verbs[];

/* The interpreter that is taken: $PYTHON, or else the one that the build found. */
const char *verb_python(void);

/* Goes on as that interpreter with the verb argv[0] and its arguments, to a NULL. Returns only if
 * that cannot be done: false, with the error set. */
bool verb_execute(char **argv, struct error *error);

/* Runs a verb on a path in a process of its own, its output on standard error. Did it succeed? */
bool verb_run(const char *name, const char *path);

#endif
