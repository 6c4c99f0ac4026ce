/*
 * timings.h - how long each build of the warm part takes, taken inside of the benchmark's loop.
 *
 * A timing is of one build and release, or of a batch of them where one does not take
 * TIMINGS_CLOCK_COSTS times what reading the clock does. So the clock's cost, which a timing holds
 * once, is within 0.5% of it, and of the benchmark's own figure; that a reading holds up what the
 * processor would overlap costs about as much again. The batch is found while it runs, and no build
 * is made for that: it begins with one, and doubles (up to a whole value of the benchmark) whenever
 * one of the first TIMINGS_SETTLING timings is too short; those before are forgotten then.
 *
 * No timing is dropped after that: where there is no room left for another, each two neighbours
 * become one, and the batch doubles. The builds at the end of a value that fill no batch are in no
 * timing. Where a doubling at the very end leaves none, each value of the benchmark is one.
 *
 *	timings_begin_value(timings);
 *	BENCH_LOOP(state) {
 *		timings_begin_build(timings);
 *		...
 *		timings_end_build(timings);
 *	}
 *
 * A struct timings of zeros takes no timings, and is good where there is no memory for them.
 */
#ifndef GROWBENCH_HARNESS_TIMINGS_H
#define GROWBENCH_HARNESS_TIMINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/worker/clock.h"

enum {
	TIMINGS_CLOCK_COSTS = 200,
	TIMINGS_SETTLING = 8,
	TIMINGS_MOST = 1 << 13, /* an even number */
};

struct timings {
	uint64_t batch;      /* builds in one timing */
	uint64_t most;       /* builds in a value of the benchmark: the largest batch */
	uint64_t shortest;   /* ns; what a timing has to take at least */
	uint64_t left;       /* builds until the next timing */
	uint64_t started_ns; /* when the present batch began; 0: not yet */
	size_t count;
	size_t room;
	uint64_t *ns; /* count of them; mapped, as long as the process lives */
};

/* What one reading of the clock takes: the median of some batches of readings. */
double timings_clock_ns(void);

/* For a benchmark of `values` values of `iterations` builds (>= 1 each), under a clock of that
 * cost. Zeros, and false, if there is no memory. */
bool timings_prepare(struct timings *timings, uint64_t iterations, unsigned values,
		     double clock_ns);

/* Adds a batch that took so long. Part of timings_end_build(). */
void timings_add(struct timings *timings, uint64_t ns);

/* Before the first build of a value. */
static inline void timings_begin_value(struct timings *timings)
{
	timings->left = timings->batch;
	timings->started_ns = 0;
}

static inline void timings_begin_build(struct timings *timings)
{
	if (timings->started_ns == 0)
		timings->started_ns = clock_now_ns();
}

static inline void timings_end_build(struct timings *timings)
{
	uint64_t now;

	if (--timings->left != 0)
		return;
	now = clock_now_ns();
	timings_add(timings, now - timings->started_ns);
	timings->started_ns = now;
	timings->left = timings->batch;
}

/* When all values are there: takes them (ns of one build, of each value) where there are no timings
 * of builds. */
void timings_end(struct timings *timings, const double *value_ns, unsigned values);

/* Ascending; in place, and without allocating: before any quantile is asked for. */
void timings_sort(struct timings *timings);

/*
 * The quantile (0 to 1) of one build and release in ns, from count >= 1 sorted timings: by linear
 * interpolation between the two timings around place share x (count - 1), from 0 (type 7 of Hyndman
 * and Fan, Sample quantiles in statistical packages, 1996; NumPy's default).
 */
double timings_quantile(const struct timings *timings, double share);

#endif
