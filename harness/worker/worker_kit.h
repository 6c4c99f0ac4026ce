/*
 * worker_kit.h - for workers in other languages: all of a worker but the strategies.
 *
 * libgrowbench-worker.so measures, traces, verifies and reports as growbench-worker does, with the
 * same code, and calls back for what a strategy does. A program loads it (in Python by ctypes),
 * describes its strategies in tables of struct strategy (kernels/strategy.h), and calls
 * worker_command (command.h) with its command line. scripts/workers/kit.py is an example.
 *
 * The library supplies no malloc, and takes none of its own while something is measured. Callbacks
 * are called in the thread that called worker_command: several threads are `unsupported`. What a
 * callback returns or does in an error is as strategy.h says; a callback must not unwind through
 * the caller.
 */
#ifndef GROWBENCH_HARNESS_WORKER_KIT_H
#define GROWBENCH_HARNESS_WORKER_KIT_H

#include <stddef.h>
#include <stdint.h>

#include "harness/worker/command.h"

/* Which version of the structures below the library was compiled for. */
enum {
	WORKER_KIT_VERSION = 2
};

/* For the caller to check that it describes them alike: the version, and the sizes in bytes of
 * struct strategy, struct strategy_cost and struct worker_program. */
struct worker_kit_layout {
	size_t version;
	size_t strategy_bytes;
	size_t cost_bytes;
	size_t program_bytes;
};

void worker_kit_layout(struct worker_kit_layout *layout);

/* The checksum (checksum.h) of rows that lie one behind the other; of the same rows in pieces:
 * sums[2] begins with zeros, each piece adds to it, and the value is taken at the end. */
void worker_kit_checksum_add(uint64_t sums[2], const void *rows, size_t count, size_t row_bytes);
uint64_t worker_kit_checksum_value(const uint64_t sums[2]);

/* What a copying pattern starts from (kernels/pattern.h), once it is prepared: rows x columns
 * doubles, as many again or NULL, and a number for each row or NULL. Belongs to the source. */
struct worker_kit_input {
	double *a;
	double *b;
	ptrdiff_t *index;
};

/* The copying pattern in C of that name, or NULL: another language's does well to start from the
 * same input, and to be held to the same checksum, by its prepare, dispose, rewind and expected. */
const struct strategy *worker_kit_pattern(const char *name);
void worker_kit_input(const struct row_source *source, struct worker_kit_input *input);

#endif
