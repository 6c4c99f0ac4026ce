/*
 * realloc_go - realloc by the rule of Go's slices: twice the capacity, later a quarter more.
 *
 * Below 256 rows the capacity doubles; from there it grows by a quarter and 192 rows, so that the
 * factor slides from 2 towards 1.25. For n rows of b bytes, and the capacities c1 < c2 < ... < ck
 * of the rule, ck being the first that is not below n:
 *
 *     calls      k realloc, about 9 + log(n / 1024) / log(1.25) for a large n
 *     copied     nothing by the strategy, at most b (c1 + ... + c(k-1)) < 4 b n bytes by realloc
 *     peak       b ck bytes, at most b (c(k-1) + ck) while realloc moves the block
 *
 * From: nextslicecap in Go's runtime/slice.go since version 1.18 (before, 1.25 at once from 1024
 * on). Go then rounds up to a size class of its own allocator, which is left out here.
 */
#include "../build.h"
#include "../contiguous.h"

#define THRESHOLD 256

/* 0, 1, 2, 4, ..., 256, 512, 832, 1232, 1732, ... */
static inline size_t next_capacity(struct capacity full)
{
	if (full.count < THRESHOLD)
		return growth_doubling(full);
	return full.count + (full.count / 4 + 3 * THRESHOLD / 4);
}

static inline enum build_status append(struct array *array, const void *row)
{
	return contiguous_append(array, row, next_capacity);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost(rows, row_bytes, next_capacity, cost);
}

const struct strategy strategy_realloc_go = {
	.name = "realloc_go",
	.implementation = "c",
	.help = "Double the capacity with realloc, from 256 rows on ever less, down to a quarter",
	.counterpart = "Go's append",
	.order = GROWTH_LINEAR,
	.on_request = true,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
};
