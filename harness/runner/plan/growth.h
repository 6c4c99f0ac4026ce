/*
 * growth.h - what a larger array takes, by what was seen of smaller ones.
 *
 * Where an array outgrows a cache, or the size from which an allocator gives memory back to the
 * kernel, times leap by as much as 60 times, and the price of a page changes with the machine's
 * load: so growth is what is planned with (growth_bound), and a figure is told only where the sizes
 * on the way were seen (growth_by_shape).
 *
 * The interval of growth_by_shape is meant to hold nine times out of ten: its factor is from trials
 * of sizes that growbench validate prediction does not use, and that measures how often it holds.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_GROWTH_H
#define GROWBENCH_HARNESS_RUNNER_GROWTH_H

#include <stdint.h>

/* A time of one build and release that was seen. */
struct growth_point {
	uint64_t rows;
	double ns; /* 0: it was not */
};

/* What `rows` rows may well take, in ns: as the last size, and from there by the growth since the
 * one before it, made half a power steeper, but by no more than the work of any strategy grows.
 * Where nothing was seen before the last, as its square. */
double growth_bound(struct growth_point before, struct growth_point last, uint64_t rows);

/* A time that was not seen, and where it probably lies. All 0: there is none. */
struct growth_range {
	double ns;
	double low_ns;
	double high_ns;
};

/*
 * Times of arrays of as many bytes whose rows are larger, so that there are fewer appends: [0] of
 * the largest size that was seen with the rows' own bytes, [1] of the size that is to be predicted.
 */
struct growth_shape {
	double coarser; /* the rows are so many times as large */
	double fine_ns[2];
	double coarse_ns[2]; /* of rows that are 4 times larger still */
};

/*
 * Predicts from the largest size that was seen, which took ns, and such a shape, which sees the
 * caches and thresholds on the way: a time is taken for the sum of a part that goes with the bytes
 * and one that goes with the appends at these sizes, which two kinds of rows tell apart. The
 * difference of that sum is added. That is right of a strategy that copies its array for each
 * append by itself, and wrong where realloc may copy, at sizes of its own and as it happens.
 *
 * There is none where nothing can be told: a time is 0, the shape does not give the time of the
 * size that was seen, or the part of the appends is lost in the other, or more than all.
 */
struct growth_range growth_by_shape(double ns, const struct growth_shape *shape);

#endif
