/*
 * realloc_cpython - realloc to about 9/8 of the capacity when the array is full.
 *
 * The rule of CPython's list, applied to the rows themselves: 0, 4, 8, 16, 24, 32, 40, 52, 64, 76,
 * ... It wastes at most an eighth or so, and counts on realloc to grow most blocks in place. For n
 * rows of b bytes, and the capacities c1 < c2 < ... < ck of the rule, ck being the first that is
 * not below n:
 *
 *     calls      k realloc, about log(n) / log(9/8) for a large n
 *     copied     nothing by the strategy, at most b (c1 + ... + c(k-1)) < 9 b n bytes by realloc
 *     peak       b ck bytes, at most b (c(k-1) + ck) while realloc moves the block
 *
 * From: list_resize in CPython's Objects/listobject.c.
 */
#include "../build.h"
#include "../contiguous.h"
#include "../growth.h"

static inline enum build_status append(struct array *array, const void *row)
{
	return contiguous_append(array, row, growth_cpython);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost(rows, row_bytes, growth_cpython, cost);
}

const struct strategy strategy_realloc_cpython = {
	.name = "realloc_cpython",
	.implementation = "c",
	.help = "Grow the capacity by an eighth with realloc, as a Python list does",
	.counterpart = "CPython list",
	.order = GROWTH_LINEAR,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
};
