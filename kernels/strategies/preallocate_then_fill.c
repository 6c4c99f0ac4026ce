/*
 * preallocate_then_fill - one malloc of the whole array, then fill it.
 *
 * The lower bound for an array whose length is known: nothing is copied, and each page is touched
 * once, when its rows are written. For n rows of b bytes:
 *
 *     calls      1 malloc (none for n = 0)
 *     copied     nothing
 *     peak       b n bytes
 *
 * From: `arr = np.empty((n, m)); arr[i] = row`.
 */
#include <stdlib.h>

#include "../build.h"
#include "../contiguous.h"
#include "../saturating.h"

static inline enum build_status begin(struct array *array, size_t rows)
{
	size_t bytes;

	if (rows == 0)
		return BUILD_OK;
	if (!contiguous_bytes(array, rows, &bytes))
		return BUILD_OUT_OF_MEMORY;
	array->data = malloc(bytes);
	if (array->data == NULL)
		return BUILD_OUT_OF_MEMORY;
	array->capacity = rows;
	return BUILD_OK;
}

static inline enum build_status append(struct array *array, const void *row)
{
	if (array->rows == array->capacity)
		return BUILD_OUT_OF_MEMORY;
	contiguous_write(array, row);
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, begin, append, NULL);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t bytes = saturating_multiply(rows, row_bytes);

	*cost = (struct strategy_cost){
		.malloc_count = rows > 0 ? 1 : 0,
		.peak_bytes = bytes,
		.peak_moving_bytes = bytes,
		.final_bytes = bytes,
	};
}

const struct strategy strategy_preallocate_then_fill = {
	.name = "preallocate_then_fill",
	.implementation = "c",
	.help = "Allocate the whole array with malloc, then fill it",
	.counterpart = "np.empty",
	.order = GROWTH_LINEAR,
	.begin = begin,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
};
