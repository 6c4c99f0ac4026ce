/*
 * check.h - what each allocator turns out to be, before anything is measured with it.
 */
#ifndef GROWBENCH_HARNESS_CHECK_H
#define GROWBENCH_HARNESS_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/runner/worker.h"

struct allocator_check {
	char status[32]; /* "ok", or as in worker.h */
	char detail[700];
	char version[128];
	char build_id[130];
	bool resolution_known;
	uint64_t resolution_bytes; /* of readings of peak memory */
};

/* Runs one worker, which must prove that the library that was asked for supplies malloc, and
 * measures the resolution of peak readings. */
struct allocator_check check_allocator(struct worker_pool *pool, const struct allocator *allocator);

#endif
