/*
 * realloc_usable - realloc by a factor, then take all that the allocator has given.
 *
 * After each growth malloc_usable_size tells how much the block really has. If that is enough for
 * more rows, a second realloc asks for them. It stays in place in all allocators that were seen,
 * and without it the rows may not be written (allocator.h). For a factor f, n rows of b bytes, and
 * the capacities c1 < c2 < ... < ck of realloc_factor:f, ck being the first that is not below n,
 * with an allocator that gives what it is asked for:
 *
 *     calls      k realloc
 *     copied     nothing by the strategy, at most b (c1 + ... + c(k-1)) bytes by realloc
 *     peak       b ck bytes, at most b (c(k-1) + ck) while realloc moves the block
 *
 * One that gives more makes the array grow k times at most, each in one or two calls of realloc,
 * and end with as many rows as its block has room for: less than f n and what is given above that.
 *
 * From: systemd's GREEDY_REALLOC (src/basic/alloc-util.c), which reads malloc_usable_size and,
 * since its pull request 25688, tells the compiler by a function that is declared as a realloc.
 * What the second call is for: to glibc's maintainers the usable size is no promise (systemd's
 * issue 22801).
 */
#include <malloc.h>

#include "../build.h"
#include "../contiguous.h"

/* If it fails, the rows that were asked for first are there. */
static ALWAYS_INLINE void take_the_rest(struct array *array)
{
	const size_t given = malloc_usable_size(array->data) / array->row_bytes;

	if (given > array->capacity)
		(void)contiguous_grow(array, given);
}

static inline enum build_status append(struct array *array, const void *row)
{
	if (array->rows == array->capacity) {
		const enum build_status status =
			contiguous_grow(array, growth_factor(array_capacity(array)));

		if (status != BUILD_OK)
			return status;
		take_the_rest(array);
	}
	contiguous_write(array, row);
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static void cost_at(uint64_t parameter, size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost_at(parameter, rows, row_bytes, growth_factor, cost);
}

const struct strategy strategy_realloc_usable = {
	.name = "realloc_usable",
	.implementation = "c",
	.help = "Grow by a factor with realloc, then take all that is usable",
	.counterpart = "systemd's GREEDY_REALLOC",
	.order = GROWTH_LINEAR,
	.allocator_decides = true,
	.on_request = true,
	.parameter = &parameter_factor,
	.value = 2000,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost_at = cost_at,
};
