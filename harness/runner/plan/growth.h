/*
 * growth.h - what a larger array takes, by the growth that was seen at smaller ones.
 *
 * Two models are held against each other, both of the largest GROWTH_POINTS sizes that were seen:
 *
 *     power   through the largest, with the median of the slopes between all pairs (Theil and Sen:
 *             one disturbed look does not turn it), on logarithms
 *     sum     a + b n + c n^2, none of them negative, by least squares of relative errors: a start
 *             that costs the same at each size, and a quadratic part that small sizes do not show
 *
 * The prediction is their geometric mean. Its interval reaches over both, over what they miss of the
 * sizes that were seen, and further the further away the size is; growth.c has the factors, which
 * were chosen on measured sizes that took no part (growbench validate prediction measures how often
 * it holds). The declared order of a strategy is not asked.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_GROWTH_H
#define GROWBENCH_HARNESS_RUNNER_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Sizes that a prediction is made of, at most and at least. */
	GROWTH_POINTS = 4,
	GROWTH_FEWEST_POINTS = 2
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
 * and above 0 ns. False, with a range of zeros, if there are fewer than GROWTH_FEWEST_POINTS.
 */
bool growth_predict(const struct growth_point *points, size_t count, uint64_t rows,
		    struct growth_range *range);

/* What is `fine` times ns, where a rougher look says `coarse` times: the range reaches over both and
 * what a look may be off. ns of 0 gives a range of zeros. */
void growth_scale(double ns, double fine, double coarse, struct growth_range *range);

/* What a next size may well take: for whether it can be afforded. 0 if nothing was seen. */
double growth_bound(const struct growth_point *points, size_t count, uint64_t rows);

#endif
