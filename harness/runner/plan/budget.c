/* Which of a plan's cells the budget has room for, and in how many rounds. */
#include "harness/runner/plan/plan.h"

#include <math.h>
#include <stdlib.h>

#include <glib.h>

#include "harness/common/constants.h"

/* A build and release of less is always measured: whatever the budget is, most of its worker's time
 * is the worker's own. */
static const double cheap_ns = 20e6;

bool plan_is_open(const struct cell *cell)
{
	return cell->skip == CELL_MEASURED || cell->skip == CELL_PREDICTED ||
	       cell->skip == CELL_NO_BUDGET;
}

bool plan_may_measure(const struct plan *plan, uint64_t rows)
{
	const uint64_t most = plan->request->given.predict_above;

	return most == 0 || rows <= most;
}

bool plan_is_named(const struct plan *plan, const struct block *block)
{
	const struct arguments *given = &plan->request->given;

	return given->profile != NULL || given->strategies != NULL ||
	       given->implementations != NULL || given->rows != NULL || given->row_bytes != NULL ||
	       given->shapes != NULL || given->threads != NULL ||
	       (block->implementation != NULL && !block->implementation->is_known);
}

/* What one cell may take of the budget, over all rounds. */
static double share_ns(const struct plan *plan)
{
	return (double)plan->request->budget_s * 1e7 * BUDGET_SHARE_PERCENT;
}

static bool within_share(const struct plan *plan, double worker_ns)
{
	return worker_ns * (double)plan->request->rounds <= share_ns(plan);
}

double plan_longest_look_ns(const struct plan *plan)
{
	return fmax(cheap_ns, share_ns(plan) / (double)plan->request->rounds);
}

/* Does the preset want the cell in any case? A program that takes long to start has no room to take
 * long as well, but in a preset that is about it. */
static bool is_wanted(const struct plan *plan, const struct block *block)
{
	const struct preset *preset = plan->request->preset;

	if (plan_is_slow_to_start(block) && preset->slow_strategies != NULL)
		return false;
	return preset->always_article && block->size.rows <= ARTICLE_ROWS &&
	       block->size.row_bytes <= ARTICLE_ROW_BYTES && block->size.threads == ARTICLE_THREADS;
}

bool plan_affords(const struct plan *plan, const struct block *block, double worker_ns)
{
	return plan_may_measure(plan, block->size.rows) &&
	       (is_wanted(plan, block) || within_share(plan, worker_ns));
}

static bool is_affordable(const struct plan *plan, const struct block *block,
			  const struct cell *cell)
{
	return plan_affords(plan, block, cell->worker_ns) ||
	       (plan_may_measure(plan, block->size.rows) &&
		cell->cold_ns + cell->warm_ns <= cheap_ns);
}

/* A slow cell that is measured in any case is measured in as many rounds as an interval needs. */
static uint64_t affordable_rounds(const struct plan *plan, const struct cell *cell)
{
	const uint64_t rounds = plan->request->rounds;

	if (rounds <= PLAN_ROUNDS_FOR_INTERVAL || within_share(plan, cell->worker_ns) ||
	    cell->cold_ns + cell->warm_ns <= cheap_ns)
		return rounds;
	return PLAN_ROUNDS_FOR_INTERVAL;
}

/* A cell that waits for what is left of the budget. */
struct candidate {
	const struct block *block;
	struct cell *cell;
};

static int compare_candidates(const void *a, const void *b)
{
	const struct cell *x = ((const struct candidate *)a)->cell;
	const struct cell *y = ((const struct candidate *)b)->cell;

	/* Of the same time: in the plan's order, in which the cells lie. */
	if (x->worker_ns < y->worker_ns || x->worker_ns > y->worker_ns)
		return x->worker_ns < y->worker_ns ? -1 : 1;
	return (x > y) - (x < y);
}

/* What it takes to measure a candidate in `rounds` rounds instead of as it stands. */
static double more_ns(const struct plan *plan, const struct candidate *candidate, uint64_t rounds)
{
	const struct cell *cell = candidate->cell;

	if (cell->skip == CELL_MEASURED)
		return (double)(rounds - cell->rounds) * cell->worker_ns;
	return (double)rounds * cell->worker_ns +
	       plan_other_passes_ns(plan, candidate->block, cell);
}

/* Measures candidates in `most` rounds, as far as what is left goes. */
static void allocate_rounds(const struct plan *plan, const struct candidate *candidates,
			    size_t count, uint64_t most, double *left_ns)
{
	for (size_t i = 0; i < count; i++) {
		struct cell *cell = candidates[i].cell;
		const uint64_t all = plan->request->rounds;
		const uint64_t rounds = most < all ? most : all;
		double more;

		if (!plan_is_named(plan, candidates[i].block) ||
		    !plan_may_measure(plan, candidates[i].block->size.rows) ||
		    (cell->skip == CELL_MEASURED && cell->rounds >= rounds))
			continue;
		more = more_ns(plan, &candidates[i], rounds);
		if (more > *left_ns)
			continue;
		*left_ns -= more;
		cell->skip = CELL_MEASURED;
		cell->rounds = rounds;
	}
}

/* The --budget that would measure the cell: once where it was named, else within its share. */
static uint64_t needed_budget_s(const struct plan *plan, const struct candidate *candidate,
				double left_ns)
{
	const struct request *request = plan->request;
	const double most = 31536000;
	double seconds;

	if (plan_is_named(plan, candidate->block))
		seconds = (double)request->budget_s +
			  (more_ns(plan, candidate, 1) - left_ns) * 1.1 / 1e9;
	else
		seconds = candidate->cell->worker_ns * (double)request->rounds / 1e7 /
			  BUDGET_SHARE_PERCENT;
	seconds = ceil(fmax(seconds, (double)request->budget_s + 1));
	return seconds > most ? (uint64_t)most : (uint64_t)seconds;
}

void plan_allocate(struct plan *plan)
{
	g_autofree struct candidate *candidates = g_new(struct candidate, plan->cell_count);
	double left_ns = (double)plan->request->budget_s * 1e9 - plan->pilot_ns;
	size_t count = 0;

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct block *block = &plan->blocks[i / plan->request->allocator_count];
		struct cell *cell = &plan->cells[i];

		cell->rounds = affordable_rounds(plan, cell);
		cell->needed_budget_s = 0;
		if (!plan_is_open(cell))
			continue;
		if (is_affordable(plan, block, cell)) {
			cell->skip = CELL_MEASURED;
			continue;
		}
		cell->skip = cell->cold.ns > 0 ? CELL_PREDICTED : CELL_NO_BUDGET;
		candidates[count++] = (struct candidate){block, cell};
	}
	/* The others come first: they are cheap, or the preset is about them. */
	left_ns -= plan_expected_ns(plan);
	qsort(candidates, count, sizeof *candidates, compare_candidates);
	allocate_rounds(plan, candidates, count, 1, &left_ns);
	allocate_rounds(plan, candidates, count, PLAN_ROUNDS_FOR_INTERVAL, &left_ns);
	allocate_rounds(plan, candidates, count, plan->request->rounds, &left_ns);
	for (size_t i = 0; i < count; i++)
		if (candidates[i].cell->skip != CELL_MEASURED)
			candidates[i].cell->needed_budget_s =
				needed_budget_s(plan, &candidates[i], left_ns);
}
