/*
 * realloc_factor - realloc to a factor of the capacity when the array is full: realloc_factor:1.5.
 *
 * Any factor above 1 makes n appends cost O(n) altogether. A small one wastes less at the end and
 * pays with more growths, of which each may move the array. For a factor f, n rows of b bytes, and
 * the capacities c1 < c2 < ... < ck of the rule, ck being the first that is not below n:
 *
 *     calls      k realloc, about log(n) / log(f)
 *     copied     nothing by the strategy, at most b (c1 + ... + c(k-1)) < b n / (f - 1) + b k bytes
 *                by realloc
 *     peak       b ck bytes, at most b (c(k-1) + ck) while realloc moves the block
 *
 * With 2 and 1.5 it grows as realloc_doubling and realloc_x1.5 do. The factor below which blocks
 * that were given back can add up to the next one, if they lie next to each other and nobody else
 * takes them, is the golden ratio, 1.618: then c(k+1) <= c1 + ... + c(k-1).
 *
 * From: the argument about the factor of std::vector (A. Koenig, "Why are vectors efficient?",
 * Journal of Object-Oriented Programming 11 (5), 1998), 2 in libstdc++ and libc++, 1.5 in
 * Microsoft's STL and Java's ArrayList, 1.125 in CPython.
 */
#include "../build.h"
#include "../contiguous.h"

static inline enum build_status append(struct array *array, const void *row)
{
	return contiguous_append(array, row, growth_factor);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static void cost_at(uint64_t parameter, size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost_at(parameter, rows, row_bytes, growth_factor, cost);
}

const struct strategy strategy_realloc_factor = {
	.name = "realloc_factor",
	.implementation = "c",
	.help = "Grow the capacity by a factor with realloc when the array is full",
	.counterpart = "std::vector (2; MSVC 1.5), Java's ArrayList (1.5)",
	.order = GROWTH_LINEAR,
	.on_request = true,
	.parameter = &parameter_factor,
	.value = 1500,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost_at = cost_at,
};
