/* Which cells' instructions are counted, and what that takes. */
#include "harness/runner/plan/plan.h"

#include <string.h>

#include "harness/common/constants.h"
#include "harness/worker/instructions.h"

/* Valgrind's start, and the worker's until it builds, as seen on one CPU of a VM. */
static const double start_ns = 350e6;

/* Instructions that Callgrind runs in a ns, as seen there. */
static const double instructions_per_ns = 0.19;

/* What takes no longer is counted whatever the budget is: the article's own size is among it. */
static const double always_ns = 6e9;

/* What takes longer is counted once, as is what is not in C: that counts are the same each time is
 * up to the allocator, and seen by the others. */
static const double repeated_ns = 2e9;

static bool is_among(uint64_t value, const struct counts *counts)
{
	for (size_t i = 0; i < counts->count; i++)
		if (counts->values[i] == value)
			return true;
	return counts->count == 0;
}

bool plan_counts(const struct plan *plan, const struct block *block)
{
	return plan->request->passes[PASS_INSTRUCTIONS] && block->implementation == NULL &&
	       block->size.threads == 1 &&
	       is_among(block->size.rows, &plan->request->instruction_rows);
}

bool plan_has_counts(const struct plan *plan)
{
	for (size_t b = 0; b < plan->block_count; b++)
		if (plan_counts(plan, &plan->blocks[b]))
			return true;
	return false;
}

/* Of one build and release: of calls, appends, rows that are written, and blocks that are copied
 * (glibc's loop for vectors of 32 bytes). Of what realloc may move a tenth, as allocators seldom
 * do. */
static double instructions_of(const struct strategy_cost *cost, const struct block *block)
{
	const double bytes = (double)block->size.rows * (double)block->size.row_bytes;
	const double copied =
		(double)cost->copied_bytes + 0.1 * (double)cost->realloc_moved_bytes + bytes;
	const double calls = (double)cost->malloc_count + (double)cost->calloc_count +
			     (double)cost->realloc_count + (double)cost->free_count;

	return 150 * calls + 40 * (double)block->size.rows + 0.1 * copied;
}

double plan_counting_ns(const struct block *block)
{
	struct strategy_cost cost;

	strategy_cost_of(block->strategy, block->size.rows, block->size.row_bytes, &cost);
	return start_ns + instructions_of(&cost, block) / instructions_per_ns *
				  (cost.copied_bytes > INSTRUCTIONS_MOST_COPIED_BYTES ? 2 : 3);
}

uint64_t plan_counting_rounds(const struct plan *plan, const struct block *block)
{
	const struct request *request = plan->request;

	if (!plan_counts(plan, block))
		return 0;
	if (request->repeats_long_counts || request->instruction_rounds < 2)
		return request->instruction_rounds;
	return plan_counting_ns(block) > repeated_ns ||
			       strcmp(block->strategy->implementation, "c") != 0
		       ? 1
		       : request->instruction_rounds;
}

bool plan_counting_is_affordable(const struct plan *plan, const struct block *block)
{
	const double ns = plan_counting_ns(block);

	return ns <= always_ns ||
	       ns <= (double)plan->request->budget_s * 1e7 * BUDGET_SHARE_PERCENT;
}
