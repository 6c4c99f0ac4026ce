/*
 * totals.h - what a process asked of its allocator, counted by size and by how long blocks lived.
 *
 * There is no clock in a profile: how long a block lived is told by how many events its process had
 * meanwhile, of all threads.
 */
#ifndef GROWBENCH_HARNESS_TOTALS_H
#define GROWBENCH_HARNESS_TOTALS_H

#include "harness/profile/profile.h"

enum {
	/* Class 0: sizes 0 and 1 (or lives of 0 and 1 events); class i: from 2^i to 2^(i+1) - 1. */
	TOTALS_CLASSES = 64
};

struct totals_class {
	uint64_t count;
	uint64_t bytes;
};

struct totals {
	struct totals_class sizes[TOTALS_CLASSES]; /* of new blocks, as they were made */
	struct totals_class
		lives[TOTALS_CLASSES]; /* of blocks that were freed; bytes: at the end */
	struct totals_class never_freed;
	struct totals_class freed_elsewhere; /* by another thread than the one that made it */
	struct totals_class enlarged;        /* reallocs; bytes: what it had before */
	struct totals_class not_enlarged;    /* the others; bytes: what it has then */
};

/* The class of a size, or of a number of events. */
static inline unsigned totals_class(uint64_t value)
{
	return value < 2 ? 0 : 63U - (unsigned)__builtin_clzll(value);
}

#endif
