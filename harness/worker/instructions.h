/*
 * instructions.h - the instructions pass: the lifecycles whose instructions are counted by whoever
 * runs this process (the runner has Valgrind's Callgrind do it). It counts nothing by itself.
 *
 * One cold lifecycle: build, scan, release. Then one that brings the allocator into its steady
 * state (left out where a strategy itself copies more than INSTRUCTIONS_MOST_COPIED_BYTES, as these
 * take long), and one warm build and release. What is counted is what the functions of counted.def
 * call, and the few instructions that these are themselves: each is called once, in that order.
 */
#ifndef GROWBENCH_HARNESS_WORKER_INSTRUCTIONS_H
#define GROWBENCH_HARNESS_WORKER_INSTRUCTIONS_H

#include <stdint.h>

#include "harness/common/error.h"
#include "harness/worker/measure_request.h"

enum {
	INSTRUCTIONS_MOST_COPIED_BYTES = 1 << 30
};

/* What is counted: how a build ended, or BUILD_OK. */
#define COUNTED(function, column)                                                        \
	enum build_status function(const struct strategy *strategy, struct array *array, \
				   size_t rows, struct row_source *source);
#include "harness/common/counted.def"
#undef COUNTED

/* Builds, in one thread. *checksum is that of the cold build's rows, for MEASURE_OK; otherwise
 * *error says what happened. */
enum measure_status instructions(const struct measure_request *request, uint64_t *checksum,
				 struct error *error);

#endif
