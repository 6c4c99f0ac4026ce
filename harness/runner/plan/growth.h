/*
 * growth.h - what a larger array takes, by the growth that was seen at smaller ones.
 *
 * Two models are held against each other, both of the largest GROWTH_POINTS sizes that were seen:
 *
 *     power   on logarithms, with the median of the slopes between all pairs and the median level
 *             (Theil and Sen: one disturbed look does not turn it)
 *     sum     a + b n + c n^2, none of them negative, by least squares of relative errors: a start
 *             that costs the same at each size, and a quadratic part that small sizes do not show
 *
 * The prediction is their geometric mean, or the sum alone where it fits three sizes and more
 * almost exactly. Its interval reaches over both, and further the further away the size is
 * (growth.c has the factors). There is none where that is wider than a factor of 2 each way, or
 * where the size is further away than GROWTH_FARTHEST.
 *
 * Where an array outgrows a cache, or the size from which an allocator gives memory back to the
 * kernel, times leap by as much as 60 times, and the price of a page changes with the machine's
 * load: so this growth is what is planned with, and a figure is told only where the sizes
 * on the way were seen (growth_by_shape).
 *
 * The interval of growth_by_shape is meant to hold nine times out of ten: its factor is from trials
 * of sizes that growbench validate prediction does not use, and that measures how often it holds.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_GROWTH_H
#define GROWBENCH_HARNESS_RUNNER_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Sizes that a prediction is made of, at most and at least. */
	GROWTH_POINTS = 4,
	GROWTH_FEWEST_POINTS = 2,
	/* How many times as many rows as the largest that was seen. */
	GROWTH_FARTHEST = 10
};

/* A time of one build and release that was seen. */
struct growth_point {
	uint64_t rows;
	double ns;
};

/* A time that was not, and where it probably lies. All 0: there is none. */
struct growth_range {
	double ns;
	double low_ns;
	double high_ns;
};

/*
 * Predicts the time at `rows` from `count` points in ascending order of rows, each of another size
 * and above 0 ns. False, with a range of zeros, if there are fewer than GROWTH_FEWEST_POINTS, or if
 * they do not tell well enough.
 */
bool growth_predict(const struct growth_point *points, size_t count, uint64_t rows,
		    struct growth_range *range);

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
 * False, with a range of zeros, where nothing can be told: a time is 0, the shape does not give the
 * time of the size that was seen, or the part of the appends is lost in the other, or more than
 * all.
 */
bool growth_by_shape(double ns, const struct growth_shape *shape, struct growth_range *range);

/* What a next size may well take: for whether it can be afforded. 0 if nothing was seen. */
double growth_bound(const struct growth_point *points, size_t count, uint64_t rows);

#endif
