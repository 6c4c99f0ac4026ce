/*
 * realloc_doubling - realloc to twice the capacity when the array is full.
 *
 * Growing by a factor makes n appends cost O(n) altogether: each row is moved less than twice on
 * average. For n rows of b bytes, and C = the smallest power of two that is not below n:
 *
 *     calls      log2(C) + 1 realloc (none for n = 0)
 *     copied     nothing by the strategy, at most b (C - 1) bytes by realloc: linear
 *     peak       b C bytes, at most b (C + C / 2) while realloc moves the block
 *
 * From: std::vector of libstdc++ (vector::_M_check_len) and libc++.
 */
#include "../build.h"
#include "../contiguous.h"

static inline enum build_status append(struct array *array, const void *row)
{
	return contiguous_append(array, row, growth_doubling);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost(rows, row_bytes, growth_doubling, cost);
}

const struct strategy strategy_realloc_doubling = {
	.name = "realloc_doubling",
	.implementation = "c",
	.help = "Double the capacity with realloc when the array is full",
	.counterpart = "std::vector (libstdc++)",
	.order = GROWTH_LINEAR,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
};
