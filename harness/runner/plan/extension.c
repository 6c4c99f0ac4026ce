#include "harness/runner/plan/extension.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "harness/common/median.h"

/* An interval within +-2% is narrow enough: what a comparison calls a difference begins at 5%. */
static const double narrow_enough = 0.02;

/* ln of the probability that so many of `count` coins show heads. */
static double log_probability(uint64_t heads, uint64_t count)
{
	const double n = (double)count;
	const double k = (double)heads;

	return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * M_LN2;
}

uint64_t extension_rank(uint64_t count)
{
	double below = 0;
	uint64_t rank = 0;

	while (rank < count) {
		below += exp(log_probability(rank, count));
		if (below > 0.025)
			break;
		rank++;
	}
	return rank;
}

void extension_steps(uint64_t rounds, uint64_t steps[EXTENSION_STEPS])
{
	const uint64_t rank = extension_rank(rounds);
	uint64_t more = 0;

	for (uint64_t i = 0; i < EXTENSION_STEPS; i++) {
		do
			more++;
		while (extension_rank(rounds + more) <= rank + i);
		steps[i] = more;
	}
}

double extension_need(double *values, size_t count)
{
	const size_t rank = extension_rank(count);
	double middle;
	double half_width;

	if (rank == 0)
		return 0;
	middle = median(values, count); /* sorts them */
	half_width = (values[count - rank] - values[rank - 1]) / 2;
	return middle > 0 ? fmax(0, half_width / middle - narrow_enough) : 0;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct extension_candidate *x = a;
	const struct extension_candidate *y = b;
	/* need / round_ns, without a division by nothing. */
	const double of_x = x->need * y->round_ns;
	const double of_y = y->need * x->round_ns;

	if (of_x != of_y)
		return of_x < of_y ? 1 : -1;
	return (x->block > y->block) - (x->block < y->block);
}

void extension_choose(uint64_t rounds, double time_ns, struct extension_candidate *candidates,
		      size_t count)
{
	uint64_t steps[EXTENSION_STEPS];

	extension_steps(rounds, steps);
	qsort(candidates, count, sizeof *candidates, compare_candidates);
	for (size_t i = 0; i < count; i++) {
		struct extension_candidate *candidate = &candidates[i];

		candidate->extra_rounds = 0;
		for (size_t s = EXTENSION_STEPS; s-- > 0;) {
			const double taken_ns = (double)steps[s] * candidate->round_ns;

			if (candidate->need <= 0 || taken_ns > time_ns)
				continue;
			candidate->extra_rounds = steps[s];
			time_ns -= taken_ns;
			break;
		}
	}
}

uint64_t extension_row_count(const struct plan *plan)
{
	uint64_t rounds = 0;

	for (size_t b = 0; b < plan->block_count; b++)
		rounds += plan->extra_rounds[b];
	return rounds * plan->request->allocator_count;
}

void extension_order(const struct plan *plan, struct visit *visits)
{
	const size_t allocators = plan->request->allocator_count;
	const uint64_t count = extension_row_count(plan);
	struct visit *round_visits = g_new(struct visit, plan->cell_count);
	uint64_t added = 0;

	for (uint64_t extra = 0; added < count; extra++) {
		plan_round(plan, plan->request->rounds + extra, round_visits);
		for (size_t i = 0; i < plan->cell_count; i += allocators) {
			const size_t block = round_visits[i].block;

			if (plan->extra_rounds[block] <= extra)
				continue;
			for (size_t a = 0; a < allocators; a++) {
				visits[added] = round_visits[i + a];
				visits[added++].pass = plan_measuring_pass(&plan->blocks[block]);
			}
		}
	}
	g_free(round_visits);
}

double extension_expected_ns(const struct plan *plan)
{
	const struct request *request = plan->request;
	const double left_ns = (double)request->budget_s * 1e9 - plan_expected_ns(plan);
	double measured_ns = 0;

	for (size_t b = 0; b < plan->block_count; b++)
		for (size_t a = 0; a < request->allocator_count; a++) {
			const struct cell *cell = plan_cell(plan, b, a);

			if (cell->skip == CELL_MEASURED &&
			    request->passes[plan_measuring_pass(&plan->blocks[b])])
				measured_ns += cell->worker_ns * (double)cell->rounds;
		}
	return fmax(0, fmin(left_ns,
			    measured_ns / (double)request->rounds * (double)request->extra_rounds));
}
