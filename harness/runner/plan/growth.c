#include "harness/runner/plan/growth.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* How much steeper than it was seen to be growth may become on the way to the next size. */
static const double steeper_by = 0.5;
/* A power below this is that of a start that costs the same at each size, above that of a disturbed
 * look: the work of no strategy grows so. */
static const double least_power = 0.8;
static const double most_power = 2.1;

/* The interval of a prediction reaches this far to each side, as a factor. */
static const double shape_factor = 1.6;
/* How far a shape may be off at the size that was seen, */
static const double most_off = 2;
/* and how many times as long fine rows may take as coarse ones, which are 4 times as large. */
static const double least_of_appends = 1.5;
static const double most_of_appends = 5;

double growth_bound(struct growth_point before, struct growth_point last, uint64_t rows)
{
	double power = 2;

	if (before.ns > 0) {
		power = log(last.ns / before.ns) / log((double)last.rows / (double)before.rows);
		power = fmin(fmax(power + steeper_by, least_power), most_power);
	}
	return last.ns * pow((double)rows / (double)last.rows, power);
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

struct growth_range growth_by_shape(double ns, const struct growth_shape *shape)
{
	const struct growth_range none = {0};
	double predicted_ns;
	double seen[2];
	double wanted[2];

	for (size_t i = 0; i < 2; i++)
		if (!(shape->fine_ns[i] > 0) || !(shape->coarse_ns[i] > 0) || !(ns > 0))
			return none;
	split(shape, 0, seen);
	split(shape, 1, wanted);
	if (!is_within(fmax(seen[0], 0) + fmax(seen[1], 0), ns, most_off) || !shows_appends(shape))
		return none;
	predicted_ns = ns + fmax(wanted[0] - seen[0], 0) + fmax(wanted[1] - seen[1], 0);
	return (struct growth_range){predicted_ns, predicted_ns / shape_factor,
				     predicted_ns * shape_factor};
}
