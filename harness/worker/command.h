/*
 * command.h - the command line of a worker: which pass, its options, and the report.
 *
 * The whole of what a worker does, for growbench-worker and for programs in other languages that
 * bring strategies of their own (worker_kit.h). The protocol is in harness/README.md.
 */
#ifndef GROWBENCH_HARNESS_WORKER_COMMAND_H
#define GROWBENCH_HARNESS_WORKER_COMMAND_H

#include <stddef.h>

#include "kernels/strategy.h"

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
};

/*
 * Does what the command line asks for: argv[1] is a pass (measure, pattern, trace, latency, probe,
 * list, resolution, peak-lasts, peak-over), its options follow. Returns the exit status: 0 if a
 * report was written, 1 if it could not be, 2 for wrong usage, with a message on stderr.
 */
int worker_command(const struct worker_program *program, int argc, char **argv);

#endif
