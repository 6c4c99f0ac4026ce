/* What a plan's cells take: memory and time. */
#include "harness/runner/plan/plan.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "harness/common/constants.h"
#include "harness/common/median.h"
#include "harness/worker/measure.h"
#include "kernels/saturating.h"

/* A worker's own time beside the measurement: exec, libraries, exit. */
static const double worker_overhead_ns = 6e6;
/* The same of one in another language, with its interpreter and libraries to load. Not measured, so
 * that a plan is the same each time. */
static const double foreign_overhead_ns = 150e6;

/* Warm values last about this long, if one build and release is not longer; */
static const double value_ns = 1e6;
/* less, where the slowest allocator's would last longer than this; */
static const double longest_value_ns = 50e6;
/* and a worker takes as many as fit into this, */
static const double warm_ns_wanted = 3e6;
/* but at least so many where they fit into that, as a median needs them, and so many builds, of
 * which each is timed, as a quartile does. */
enum {
	FEWEST_VALUES = 3,
	FEWEST_BUILDS = 5,
	MOST_VALUES = 25
};
static const double warm_ns_allowed = 60e6;

/* What a probe takes, worker included. */
static const double probe_ns = 50e6;

/* Memory of a worker that is not the array's. */
static const uint64_t worker_own_bytes = 16 << 20;

double plan_start_ns(const struct block *block)
{
	return block->implementation == NULL ? worker_overhead_ns : foreign_overhead_ns;
}

uint64_t plan_needed_bytes(const struct block *block)
{
	struct strategy_cost cost;
	uint64_t blocks;
	uint64_t all;

	// NOLINTNEXTLINE(clang-analyzer-core.NullDereference): every block has a strategy
	strategy_cost_of(block->strategy, block->size.rows, block->size.row_bytes, &cost);
	blocks = cost.live_block_count > 0             ? cost.live_block_count
		 : cost.malloc_count > cost.free_count ? cost.malloc_count - cost.free_count
						       : 0;
	/* What allocators put around small blocks: up to 32 bytes each. */
	all = saturating_add(cost.peak_moving_bytes, saturating_multiply(blocks, 32));
	return saturating_add(saturating_multiply(all, block->size.threads), worker_own_bytes);
}

uint64_t plan_trace_bytes(const struct block *block)
{
	/* A table of blocks that is at most half full, of 24 bytes each. */
	const uint64_t block_bytes = 64;
	struct strategy_cost cost;

	strategy_cost_of(block->strategy, block->size.rows, block->size.row_bytes, &cost);
	if (block->strategy->order >= GROWTH_QUADRATIC)
		return plan_needed_bytes(block);
	if (cost.live_block_count > 0)
		return saturating_add(saturating_multiply(cost.live_block_count,
							  block_bytes * block->size.threads),
				      plan_needed_bytes(block));
	return saturating_add(
		saturating_multiply(cost.malloc_count, block_bytes * block->size.threads),
		plan_needed_bytes(block));
}

double plan_model_ns(const struct block *block, uint64_t rows, bool cold)
{
	const double call_ns = 25;
	const double row_ns = 6;
	const double write_byte_ns = 0.05;
	const double copy_byte_ns = 0.04;
	const double page_ns = cold ? 1000 : 100;
	const double bytes = (double)block->size.row_bytes * block->size.threads;
	struct strategy_cost cost;
	double calls;

	strategy_cost_of(block->strategy, rows, block->size.row_bytes, &cost);
	calls = (double)cost.malloc_count + (double)cost.calloc_count +
		2 * (double)cost.realloc_count + (double)cost.free_count +
		20 * (double)cost.mprotect_count;
	return calls * call_ns + (double)rows * row_ns + (double)rows * bytes * write_byte_ns +
	       ((double)cost.copied_bytes + 0.1 * (double)cost.realloc_moved_bytes) * copy_byte_ns +
	       (double)cost.peak_moving_bytes / (double)sysconf(_SC_PAGESIZE) * page_ns;
}

static uint64_t choose_iterations(double median_ns, double largest_ns)
{
	double wanted = value_ns / median_ns;

	if (wanted * largest_ns > longest_value_ns)
		wanted = longest_value_ns / largest_ns;
	return wanted < 1 ? 1 : wanted > 1e7 ? (uint64_t)1e7 : (uint64_t)round(wanted);
}

static unsigned choose_values(double value, uint64_t iterations)
{
	/* Beside a warm-up as long as one of them. */
	const double fitting = floor(warm_ns_allowed / value) - 1;
	double fewest = ceil(FEWEST_BUILDS / (double)iterations);
	double wanted = round(warm_ns_wanted / value);

	if (fewest < FEWEST_VALUES)
		fewest = FEWEST_VALUES;
	if (wanted < fewest && fitting >= FEWEST_VALUES)
		wanted = fewest < fitting ? fewest : fitting;
	return wanted < 1 ? 1 : wanted > MOST_VALUES ? MOST_VALUES : (unsigned)wanted;
}

/* Might the cell be measured? Once it has been decided, is it? */
static bool may_be_measured(const struct plan *plan, const struct block *block,
			    const struct cell *cell, bool decided)
{
	if (decided)
		return cell->skip == CELL_MEASURED;
	if (!plan_is_open(cell) || !plan_may_measure(plan, block->size.rows))
		return false;
	return plan_affords(plan, block, cell->cold_ns + cell->warm_ns) ||
	       (plan_is_named(plan, block) &&
		cell->cold_ns + cell->warm_ns <= (double)plan->request->budget_s * 1e9);
}

/* The median and the largest of the block's warm times over the allocators under which it is
 * measured. */
static void block_warm_ns(const struct plan *plan, const struct block *block,
			  const struct cell *cells, bool decided, double *median_ns,
			  double *largest_ns)
{
	size_t most = plan->request->allocator_count;
	double *times = g_new(double, most);
	size_t count = 0;

	*median_ns = value_ns;
	*largest_ns = value_ns;
	for (size_t i = 0; i < most; i++)
		if (cells[i].warm_ns > 0 && may_be_measured(plan, block, &cells[i], decided))
			times[count++] = cells[i].warm_ns;
	if (count > 0) {
		*median_ns = median(times, count);
		*largest_ns = times[count - 1]; /* median() has sorted them */
	}
	g_free(times);
}

bool plan_has_warm(const struct plan *plan, const struct cell *cell)
{
	return cell->warm_ns <= plan->request->warm_limit_ns;
}

/* What a worker will do for this cell. */
static void time_cell(const struct plan *plan, const struct block *block, struct cell *cell)
{
	double value = (double)block->iterations * cell->warm_ns;
	double warm_up;

	cell->values = choose_values(value, block->iterations);
	warm_up =
		cell->values > 1 || cell->cold_ns <= MEASURE_LONGEST_WARM_UP_NS ? cell->warm_ns : 0;
	if (!plan_has_warm(plan, cell)) {
		warm_up = 0;
		value = 0;
	}
	cell->worker_ns =
		plan_start_ns(block) + cell->cold_ns * 1.1 + warm_up + cell->values * value;
	/* The warm scans take as long again. */
	if (block->strategy->is_pattern)
		cell->worker_ns += warm_up + cell->values * value;
}

static void time_cells(struct plan *plan, bool decided)
{
	for (size_t b = 0; b < plan->block_count; b++) {
		struct block *block = &plan->blocks[b];
		double median_ns;
		double largest_ns;

		block_warm_ns(plan, block, plan_cell(plan, b, 0), decided, &median_ns, &largest_ns);
		block->iterations = choose_iterations(median_ns, largest_ns);
		for (size_t a = 0; a < plan->request->allocator_count; a++)
			time_cell(plan, block, plan_cell(plan, b, a));
	}
}

void plan_decide(struct plan *plan)
{
	time_cells(plan, false);
	plan_allocate(plan);
	/* What is not measured has no say in how long the others' values are. */
	time_cells(plan, true);
}

void plan_redo(struct plan *plan)
{
	time_cells(plan, true);
}

/* Why the cell cannot be measured; the budget is not asked yet. */
static enum cell_skip look_at_cell(const struct plan *plan, const struct block *block,
				   const struct allocator *allocator)
{
	if (block->implementation != NULL && strcmp(block->implementation->status, "ok") != 0)
		return CELL_NO_IMPLEMENTATION;
	if (!strategy_supports(block->strategy, block->size.row_bytes))
		return CELL_UNSUPPORTED;
	if (allocator->missing != NULL)
		return CELL_UNAVAILABLE;
	return plan_needed_bytes(block) <= plan->memory_bytes ? CELL_MEASURED : CELL_NO_MEMORY;
}

void plan_estimate(struct plan *plan)
{
	for (size_t b = 0; b < plan->block_count; b++) {
		const struct block *block = &plan->blocks[b];

		for (size_t a = 0; a < plan->request->allocator_count; a++)
			*plan_cell(plan, b, a) = (struct cell){
				.cold_ns = plan_model_ns(block, block->size.rows, true),
				.warm_ns = plan_model_ns(block, block->size.rows, false),
				.rounds = plan->request->rounds,
				.skip = look_at_cell(plan, block, &plan->request->allocators[a]),
			};
	}
	plan_decide(plan);
}

/* Of one worker of a pass of cells. */
static double pass_ns(const struct block *block, const struct cell *cell, enum pass pass)
{
	switch (pass) {
	case PASS_TRACE:
		return plan_start_ns(block) + 2 * cell->cold_ns;
	case PASS_LATENCY:
		return plan_start_ns(block) + cell->cold_ns + (double)block->size.rows * 50;
	default:
		return cell->worker_ns;
	}
}

double plan_other_passes_ns(const struct plan *plan, const struct block *block,
			    const struct cell *cell)
{
	const struct request *request = plan->request;
	double sum = 0;

	if (request->passes[PASS_TRACE])
		sum += pass_ns(block, cell, PASS_TRACE);
	if (request->passes[PASS_LATENCY])
		sum += (double)request->latency_rounds * pass_ns(block, cell, PASS_LATENCY);
	return sum;
}

double plan_visit_ns(const struct plan *plan, const struct visit *visit)
{
	const struct block *block;
	const struct cell *cell;

	if (visit->pass == PASS_PROBE)
		return probe_ns;
	block = &plan->blocks[visit->block];
	cell = plan_cell(plan, visit->block, visit->allocator);
	/* The pilot's times are not its. */
	if (visit->pass == PASS_INSTRUCTIONS)
		return plan_is_open(cell) && plan_counting_is_affordable(plan, block)
			       ? plan_counting_ns(block)
			       : 0;
	if (cell->skip != CELL_MEASURED ||
	    (visit->pass == plan_measuring_pass(block) && !plan_measures(plan, cell, visit->round)))
		return 0;
	return pass_ns(block, cell, visit->pass);
}
