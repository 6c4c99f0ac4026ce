/*
 * check.h - what each allocator turns out to be, before anything is measured with it.
 */
#ifndef GROWBENCH_HARNESS_CHECK_H
#define GROWBENCH_HARNESS_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/common/build_id.h"
#include "harness/runner/execute/worker.h"

struct allocator_check {
	char status[32]; /* "ok", or as in worker.h */
	char detail[700];
	char version[128];
	char build_id[130];
	/* Of the program that it is measured with; empty with the reason if there is none. */
	char worker_build_id[BUILD_ID_SIZE];
	char no_worker_build_id[256];
	bool resolution_known;
	uint64_t resolution_bytes; /* of readings of peak memory */
	/* Why the interposer cannot be put in front of it; empty if it can, or was not tried. */
	char untraced[700];
	/* Why calls of the system are not counted then; empty if they are. */
	char syscalls_unavailable[256];
	/* Why instructions cannot be counted under it; empty if they can, or it was not tried. */
	char uncounted[700];
};

/* Runs one worker, which must prove that the library that was asked for supplies malloc, and
 * measures the resolution of peak readings. */
struct allocator_check check_allocator(struct worker_pool *pool, const struct allocator *allocator);

/* Runs one worker with the interposer in front of the allocator, and sets untraced and
 * syscalls_unavailable. */
void check_trace(struct worker_pool *pool, const struct allocator *allocator,
		 struct allocator_check *check);

/* Runs one worker of the instructions pass under the allocator, and sets uncounted. */
void check_counting(struct worker_pool *pool, const struct allocator *allocator,
		    struct allocator_check *check);

#endif
