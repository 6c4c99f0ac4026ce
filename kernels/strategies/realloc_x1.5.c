/*
 * realloc_x1.5 - realloc to one and a half times the capacity when the array is full.
 *
 * A smaller factor than two wastes less at the end, and lets the blocks that were given back add
 * up to the next one; the price is more growths. For n rows of b bytes, and the capacities
 * c1 < c2 < ... < ck of the rule, ck being the first that is not below n:
 *
 *     calls      k realloc, about log(n) / log(1.5)
 *     copied     nothing by the strategy, at most b (c1 + ... + c(k-1)) < 3 b n bytes by realloc
 *     peak       b ck bytes, at most b (c(k-1) + ck) while realloc moves the block
 *
 * From: std::vector of Microsoft's STL (vector::_Calculate_growth); folly's fbvector has the same
 * factor in its middle range.
 */
#include "../build.h"
#include "../contiguous.h"

/* 0, 1, 2, 3, 4, 6, 9, 13, 19, ... The half of 0 and of 1 is 0: these grow by one. */
static inline size_t next_capacity(struct capacity full)
{
	return full.count <= 1 ? full.count + 1 : full.count + full.count / 2;
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

const struct strategy strategy_realloc_x1_5 = {
	.name = "realloc_x1.5",
	.implementation = "c",
	.help = "Grow the capacity by half with realloc when the array is full",
	.counterpart = "std::vector (MSVC), folly::fbvector",
	.order = GROWTH_LINEAR,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
};
