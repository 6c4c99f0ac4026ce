/*
 * program.h - what a worker is: growbench-worker, or a program in another language (worker_kit.h).
 */
#ifndef GROWBENCH_HARNESS_WORKER_PROGRAM_H
#define GROWBENCH_HARNESS_WORKER_PROGRAM_H

#include <stddef.h>

#include "harness/common/error.h"
#include "kernels/strategy.h"

struct replay_choice;

enum {
	WORKER_TABLES = 2
};

struct worker_program {
	const char *name; /* for messages */
	/* What it can build: tables that each end with NULL; NULL after the last of them. */
	const struct strategy *const *tables[WORKER_TABLES];
	/* As the columns of these names (columns.h); NULL: nothing to tell. */
	const char *implementation_version;
	const char *layers_before_malloc;
	/* Why nothing can be built here, and what to do: then every row is `unavailable`. NULL: all
	 * is there. */
	const char *missing;
	/* What the statements of a build take, executed as often, on arrays that do not grow, in
	 * ns; negative if that cannot be told of this strategy. Called after the measurement. NULL:
	 * for a compiled program, which has no interpreter. */
	double (*interpreter_ns)(const struct strategy *strategy, size_t rows, size_t row_bytes);
	/* The strategy of a profile (replay.h), or NULL with a message. NULL: it has none. */
	const struct strategy *(*replay)(const struct replay_choice *choice, struct error *error);
};

#endif
