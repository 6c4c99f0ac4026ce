#include "harness/runner/execute/pilot_prediction.h"

#include <math.h>

/* How many times as many rows as the largest that was seen. */
enum {
	FARTHEST = 10
};

/* Rows of a coarse look at least: each is a sample of what an append takes at its size. */
static const uint64_t fewest_coarse_rows = 8;

/* What the cell takes at least, by a look that was ended; 0 if none was. */
static double at_least_ns(const struct pilot *pilot)
{
	const struct series *series = pilot->series;

	return series->stuck_rows == 0 ? 0
				       : series->stuck_ns * (double)pilot->block->size.rows /
						 (double)series->stuck_rows;
}

void pilot_expect(const struct pilot *pilot)
{
	const struct look *before = &pilot->series->before;
	const struct look *last = &pilot->series->last;
	const uint64_t rows = pilot->block->size.rows;
	const double least_ns = at_least_ns(pilot);
	struct cell *cell = pilot->cell;

	if (last->rows > 0)
		cell->cold_ns = cell->warm_ns = look_bound_ns(pilot, rows);
	if (before->warm_ns > 0 && last->warm_ns > 0)
		cell->warm_ns =
			growth_bound((struct growth_point){before->rows, before->warm_ns},
				     (struct growth_point){last->rows, last->warm_ns}, rows);
	cell->cold_ns = fmax(cell->cold_ns, least_ns);
	cell->warm_ns = fmax(cell->warm_ns, least_ns);
}

/* A second look at a size, as far as the time allows: one that was disturbed is found out. */
static void look_again(struct pilot *pilot, const struct look *first)
{
	if (first->times == 1 && look_is_allowed(pilot, first->rows))
		(void)look_at(pilot, first->rows);
}

/* Does the strategy itself copy its array for each append? Where realloc may, it does at sizes of
 * its own, or where no room is left behind the array: nothing that other rows tell. */
static bool copies(const struct block *block)
{
	struct strategy_cost cost;

	strategy_cost_of(block->strategy, block->size.rows, block->size.row_bytes, &cost);
	return block->strategy->order >= GROWTH_QUADRATIC &&
	       cost.copied_bytes > cost.realloc_moved_bytes;
}

/*
 * Cold and warm shapes of the way from the size that was seen to the cell's own.
 *
 * Of a strategy that copies its array for each row, an append takes what an array of that many
 * bytes takes, whatever its rows are: with rows k times as large there are k times fewer appends at
 * the same sizes, in 1/k of the time. So the larger sizes' caches, pages and thresholds are seen
 * where all the appends would take too long; what is taken from there is how many times as much
 * time the larger array takes than the largest that was seen itself.
 */
static bool look_at_shapes(struct pilot *pilot, uint64_t coarser, struct growth_shape *cold,
			   struct growth_shape *warm)
{
	const struct block *block = pilot->block;
	const uint64_t sizes[2] = {pilot->series->last.rows, block->size.rows};

	if (sizes[0] / (4 * coarser) < fewest_coarse_rows ||
	    !strategy_supports(block->strategy, block->size.row_bytes * coarser * 4))
		return false;
	for (size_t i = 0; i < 2; i++) {
		struct look fine;
		struct look coarse;

		if (!look_coarsely(pilot, sizes[i], 4 * coarser, &coarse) ||
		    !look_coarsely(pilot, sizes[i], coarser, &fine))
			return false;
		cold->fine_ns[i] = fine.cold_ns;
		cold->coarse_ns[i] = coarse.cold_ns;
		warm->fine_ns[i] = fine.warm_ns;
		warm->coarse_ns[i] = coarse.warm_ns;
	}
	cold->coarser = warm->coarser = (double)coarser;
	return true;
}

/* With rows that are only so much coarser that there is time for them. */
static void predict_by_shape(struct pilot *pilot)
{
	const uint64_t rows = pilot->block->size.rows;
	const struct look *last = &pilot->series->last;
	const double longest_ns = plan_longest_look_ns(pilot->plan);
	const double expected_ns = look_bound_ns(pilot, rows);
	struct growth_shape cold;
	struct growth_shape warm;
	uint64_t coarser = 4;

	if (rows / FARTHEST > last->rows)
		return;
	while (2 * expected_ns / (double)coarser > longest_ns)
		coarser *= 2;
	if (!look_at_shapes(pilot, coarser, &cold, &warm))
		return;
	pilot->cell->cold = growth_by_shape(last->cold_ns, &cold);
	pilot->cell->warm = growth_by_shape(last->warm_ns, &warm);
}

/* A prediction that is less than what was seen to be exceeded is none. */
static void refute(double least_ns, struct growth_range *range)
{
	if (range->high_ns < least_ns)
		*range = (struct growth_range){0};
	else if (range->low_ns < least_ns)
		*range = (struct growth_range){fmax(range->ns, least_ns), least_ns, range->high_ns};
}

void pilot_predict(struct pilot *pilot)
{
	struct series *series = pilot->series;
	struct cell *cell = pilot->cell;
	const double least_ns = at_least_ns(pilot);

	if (series->before.rows == 0)
		return;
	look_again(pilot, &series->last);
	look_again(pilot, &series->before);
	pilot_expect(pilot);
	if (copies(pilot->block))
		predict_by_shape(pilot);
	refute(least_ns, &cell->cold);
	if (cell->cold.ns <= 0) {
		cell->warm = (struct growth_range){0};
		return;
	}
	cell->seen_rows = series->last.rows;
	cell->cold_ns = cell->cold.high_ns;
	cell->warm_ns = cell->warm.ns > 0 ? cell->warm.high_ns : cell->cold_ns;
}
