/*
 * pilot_looks.h - looks at a cell: workers that build rows of its strategy, row size and threads
 * under its allocator, and what was seen of them.
 *
 * There is a look only where it takes little, by what was seen before and a margin, or no more than
 * a round in which the cell is measured in any case; each has a time limit.
 */
#ifndef GROWBENCH_HARNESS_PILOT_LOOKS_H
#define GROWBENCH_HARNESS_PILOT_LOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/runner/execute/worker.h"
#include "harness/runner/plan/plan.h"

struct look {
	uint64_t rows;  /* 0: there was none */
	unsigned times; /* how often: the least is kept */
	double cold_ns;
	double warm_ns; /* 0: not seen */
};

/* The two largest sizes that were seen of one strategy under one allocator. */
struct series {
	struct look before;
	struct look last;
	/* Of a look that took longer than it may, so that there is no going up from there: its
	 * rows, and what it took at least. */
	uint64_t stuck_rows; /* 0: there was none */
	double stuck_ns;
};

/* The pilot, and the cell that it is at. */
struct pilot {
	struct plan *plan;
	struct worker_pool *pool;
	uint64_t start_ns;
	double allowed_ns; /* for looks beyond one at each cell that is measured anyway */
	const struct block *block;
	const struct allocator *allocator;
	struct series *series; /* of the cell, and of the smaller ones before it */
	struct cell *cell;
};

/* What the pilot has taken so far. */
double pilot_spent_ns(const struct pilot *pilot);

/* What a build and release of so many rows may well take: by the series, or by the model where that
 * is empty. */
double look_bound_ns(const struct pilot *pilot, uint64_t rows);

/* May there be a look at so many rows? Not any more after an interrupt. */
bool look_is_allowed(const struct pilot *pilot, uint64_t rows);

/* Looks at so many rows, for the series. False if there was nothing to see. */
bool look_at(struct pilot *pilot, uint64_t rows);

/* Looks, twice, at an array of as many bytes whose rows are so many times as large. False if there
 * was nothing to see, or no time for it. */
bool look_coarsely(struct pilot *pilot, uint64_t rows, uint64_t coarser, struct look *seen);

#endif
