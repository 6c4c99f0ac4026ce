#include "harness/runner/plan/growth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A power below this is that of a start that costs the same at each size, above that of a disturbed
 * look: the work of no strategy grows so. */
static const double least_power = 0.8;
static const double most_power = 2.1;

/* How much steeper than it was seen to be growth may become on the way to the next size. */
static const double steeper_by = 0.5;

/* An interval reaches this far over the models' values, as a factor, even where they agree ... */
static const double least_factor = 1.55;
/* ... and so many powers of the ratio of the sizes further. */
static const double power_in_doubt = 0.1;
/* One that is wider, from end to end, says too little. */
static const double widest = 4;

/* The same of a shape that was seen. */
static const double shape_factor = 1.6;
/* How far a shape may be off at the size that was seen, */
static const double most_off = 2;
/* and how many times as long fine rows may take as coarse ones, which are 4 times as large. */
static const double least_of_appends = 1.5;
static const double most_of_appends = 5;

/* A sum that misses no more of what was seen is taken by itself. */
static const double good_fit = 0.03;

enum {
	TERMS = 3,
	MOST_PAIRS = GROWTH_POINTS * (GROWTH_POINTS - 1) / 2
};

static double term(size_t which, double rows)
{
	return which == 0 ? 1 : which == 1 ? rows : rows * rows;
}

static double slope(const struct growth_point *from, const struct growth_point *to)
{
	return log(to->ns / from->ns) / log((double)to->rows / (double)from->rows);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double clamped(double power)
{
	return power < least_power ? least_power : power > most_power ? most_power : power;
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof *values, compare_doubles);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static double by_power(const struct growth_point *points, size_t count, double rows)
{
	double slopes[MOST_PAIRS] = {0};
	double levels[GROWTH_POINTS] = {0};
	size_t pairs = 0;
	double power;

	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			slopes[pairs++] = slope(&points[i], &points[j]);
	power = clamped(median(slopes, pairs));
	for (size_t i = 0; i < count; i++)
		levels[i] = points[i].ns * pow(rows / (double)points[i].rows, power);
	return median(levels, count);
}

/* Solves the symmetric equations of the terms in `set` by Gauss and Jordan; false if they have no
 * one solution. */
static bool solve(double equations[TERMS][TERMS + 1], unsigned set)
{
	for (size_t i = 0; i < TERMS; i++) {
		const double pivot = equations[i][i];

		if ((set >> i & 1) == 0)
			continue;
		if (!(fabs(pivot) > 1e-12))
			return false;
		for (size_t k = 0; k <= TERMS; k++)
			equations[i][k] /= pivot;
		for (size_t j = 0; j < TERMS; j++) {
			const double factor = equations[j][i];

			if (j == i || (set >> j & 1) == 0)
				continue;
			for (size_t k = 0; k <= TERMS; k++)
				equations[j][k] -= factor * equations[i][k];
		}
	}
	return true;
}

/* The least squares of relative errors with the terms in `set`: sum over the points of
 * (sum over terms of weight x term / ns - 1)^2. The terms are in units of the largest size's. False
 * if one of the weights is negative. */
static bool fit(const struct growth_point *points, size_t count, unsigned set,
		double weights[TERMS], double *error)
{
	double equations[TERMS][TERMS + 1] = {{0}};
	const struct growth_point *last = &points[count - 1];

	for (size_t p = 0; p < count; p++)
		for (size_t i = 0; i < TERMS; i++) {
			const double rows = (double)points[p].rows / (double)last->rows;
			const double of_i = term(i, rows) * last->ns / points[p].ns;

			for (size_t j = 0; j < TERMS; j++)
				equations[i][j] += of_i * term(j, rows) * last->ns / points[p].ns;
			equations[i][TERMS] += of_i;
		}
	if (!solve(equations, set))
		return false;
	for (size_t i = 0; i < TERMS; i++) {
		weights[i] = (set >> i & 1) != 0 ? equations[i][TERMS] : 0;
		if (weights[i] < 0)
			return false;
	}
	*error = 0;
	for (size_t p = 0; p < count; p++) {
		double sum = 0;

		for (size_t i = 0; i < TERMS; i++)
			sum += weights[i] * term(i, (double)points[p].rows / (double)last->rows);
		*error += pow(sum * last->ns / points[p].ns - 1, 2);
	}
	return true;
}

/* The non-negative sum: the best of all sets of terms whose weights are not negative. *rms: the
 * root of its mean squared relative error. */
static double by_sum(const struct growth_point *points, size_t count, double rows, double *rms)
{
	const struct growth_point *last = &points[count - 1];
	double best_error = HUGE_VAL;
	double best = last->ns;

	for (unsigned set = 1; set < 1U << TERMS; set++) {
		double weights[TERMS];
		double error;
		double sum = 0;

		if ((size_t)__builtin_popcount(set) > count ||
		    !fit(points, count, set, weights, &error) || error >= best_error - 1e-12)
			continue;
		for (size_t i = 0; i < TERMS; i++)
			sum += weights[i] * term(i, rows / (double)last->rows);
		best_error = error;
		best = sum * last->ns;
	}
	*rms = sqrt(best_error / (double)count);
	return best;
}

bool growth_predict(const struct growth_point *points, size_t count, uint64_t rows,
		    struct growth_range *range)
{
	double power;
	double sum;
	double rms;
	double factor;

	*range = (struct growth_range){0};
	if (count < GROWTH_FEWEST_POINTS || rows / GROWTH_FARTHEST > points[count - 1].rows)
		return false;
	if (count > GROWTH_POINTS) {
		points += count - GROWTH_POINTS;
		count = GROWTH_POINTS;
	}
	power = by_power(points, count, (double)rows);
	sum = by_sum(points, count, (double)rows, &rms);
	factor = least_factor * pow((double)rows / (double)points[count - 1].rows, power_in_doubt);
	range->ns = count > GROWTH_FEWEST_POINTS && rms < good_fit ? sum : sqrt(power * sum);
	range->low_ns = fmin(power, sum) / factor;
	range->high_ns = fmax(power, sum) * factor;
	if (range->high_ns > widest * range->low_ns) {
		*range = (struct growth_range){0};
		return false;
	}
	return true;
}

static bool is_within(double value, double expected, double factor)
{
	return value <= expected * factor && value * factor >= expected;
}

/* Of the appends of fine rows, less of coarse ones: do they make up enough, and no more than all?
 */
static bool shows_appends(const struct growth_shape *shape)
{
	for (size_t i = 0; i < 2; i++)
		if (shape->fine_ns[i] > most_of_appends * shape->coarse_ns[i])
			return false;
	return shape->fine_ns[1] >= least_of_appends * shape->coarse_ns[1];
}

/* What takes how long of the rows' own bytes at [i]: the parts of the appends and of the bytes. */
static void split(const struct growth_shape *shape, size_t i, double parts[2])
{
	parts[0] = (shape->fine_ns[i] - shape->coarse_ns[i]) * 4 / 3 * shape->coarser;
	parts[1] = (4 * shape->coarse_ns[i] - shape->fine_ns[i]) / 3;
}

bool growth_by_shape(double ns, const struct growth_shape *shape, struct growth_range *range)
{
	double seen[2];
	double wanted[2];

	*range = (struct growth_range){0};
	for (size_t i = 0; i < 2; i++)
		if (!(shape->fine_ns[i] > 0) || !(shape->coarse_ns[i] > 0) || !(ns > 0))
			return false;
	split(shape, 0, seen);
	split(shape, 1, wanted);
	if (!is_within(fmax(seen[0], 0) + fmax(seen[1], 0), ns, most_off))
		return false;
	if (!shows_appends(shape))
		return false;
	range->ns = ns + fmax(wanted[0] - seen[0], 0) + fmax(wanted[1] - seen[1], 0);
	range->low_ns = range->ns / shape_factor;
	range->high_ns = range->ns * shape_factor;
	return true;
}

double growth_bound(const struct growth_point *points, size_t count, uint64_t rows)
{
	const struct growth_point *last = &points[count - 1];
	double power = 2;

	if (count == 0)
		return 0;
	if (count >= GROWTH_FEWEST_POINTS)
		power = clamped(slope(&points[count - 2], last) + steeper_by);
	return last->ns * pow((double)rows / (double)last->rows, power);
}
