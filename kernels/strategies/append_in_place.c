/*
 * append_in_place - realloc to one row more, for every row.
 *
 * The same number of growths as loop_and_append, but it is the allocator that decides whether a
 * growth is a copy: where the block lies at the end of its heap, or in pages that can be remapped,
 * it is not. So this is the strategy that depends most on the allocator. For n rows of b bytes:
 *
 *     calls      n realloc
 *     copied     nothing by the strategy, at most b n (n - 1) / 2 bytes by realloc: quadratic
 *     peak       b n bytes, at most b (2 n - 1) while realloc moves the block
 *
 * From: the obvious first attempt in C; also what a growth by a constant comes down to.
 */
#include "../build.h"
#include "../contiguous.h"
#include "../saturating.h"

static inline size_t next_capacity(struct capacity full)
{
	return full.count + 1;
}

static inline enum build_status append(struct array *array, const void *row)
{
	return contiguous_append(array, row, next_capacity);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

/* Not contiguous_cost, which would walk through each capacity. */
static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t moving_rows = rows > 0 ? saturating_add(rows, rows - 1) : 0;

	*cost = (struct strategy_cost){
		.realloc_count = rows,
		.realloc_moved_bytes = saturating_multiply(saturating_sum_below(rows), row_bytes),
		.peak_bytes = saturating_multiply(rows, row_bytes),
		.peak_moving_bytes = saturating_multiply(moving_rows, row_bytes),
		.final_bytes = saturating_multiply(rows, row_bytes),
	};
}

const struct strategy strategy_append_in_place = {
	.name = "append_in_place",
	.implementation = "c",
	.help = "Resize the array with realloc to one row more for every row",
	.order = GROWTH_QUADRATIC,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
};
