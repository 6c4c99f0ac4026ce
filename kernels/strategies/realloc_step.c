/*
 * realloc_step - realloc to a fixed step more when the array is full: realloc_step:4144B.
 *
 * A step makes the growths rarer, but no growth is cheaper for it: where realloc moves the block
 * each time, n appends cost O(n^2) as without. For n rows of b bytes, s rows in a step (of a step
 * in bytes as many as it has room for, at least one), and k = n / s rounded up:
 *
 *     calls      k realloc
 *     copied     nothing by the strategy, at most b s k (k - 1) / 2 bytes by realloc: quadratic
 *     peak       b s k bytes, at most b s (2 k - 1) while realloc moves the block
 *
 * From: buffers that grow "by a page or so"; realloc(p, size + 4096) in a loop.
 */
#include "../build.h"
#include "../contiguous.h"
#include "../saturating.h"

static const char *const examples[] = {"64rows", "4144B", NULL};

static const struct strategy_parameter step = {
	.name = "step",
	.range = "a step from 1 to 2^40, in bytes or rows",
	.examples = examples,
	.read = parameter_read_step,
	.write = parameter_write_step,
};

static inline size_t next_capacity(struct capacity full)
{
	return full.count + parameter_step_rows(full.parameter, full.row_bytes);
}

static inline enum build_status append(struct array *array, const void *row)
{
	return contiguous_append(array, row, next_capacity);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

/* Not contiguous_cost_at, which would walk through each capacity. */
static void cost_at(uint64_t parameter, size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const size_t step_rows = parameter_step_rows(parameter, row_bytes);
	const uint64_t step_bytes = saturating_multiply(step_rows, row_bytes);
	const uint64_t steps = rows / step_rows + (rows % step_rows != 0);
	const uint64_t moving_steps = steps > 0 ? saturating_add(steps, steps - 1) : 0;

	*cost = (struct strategy_cost){
		.realloc_count = steps,
		.realloc_moved_bytes = saturating_multiply(saturating_sum_below(steps), step_bytes),
		.peak_bytes = saturating_multiply(steps, step_bytes),
		.peak_moving_bytes = saturating_multiply(moving_steps, step_bytes),
		.final_bytes = saturating_multiply(steps, step_bytes),
	};
}

const struct strategy strategy_realloc_step = {
	.name = "realloc_step",
	.implementation = "c",
	.help = "Grow the capacity by a fixed step with realloc when the array is full",
	.counterpart = "realloc(p, size + 4096) in a loop",
	.order = GROWTH_QUADRATIC,
	.on_request = true,
	.parameter = &step,
	.value = 4144,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost_at = cost_at,
};
