/*
 * preallocate_zeroed - one calloc of the whole array, then fill it.
 *
 * As preallocate_then_fill, but the memory is zeroed first. For a large array that is free, since
 * the pages come zeroed from the kernel and a good calloc knows it; for a small or reused block it
 * is one more pass over the memory. For n rows of b bytes:
 *
 *     calls      1 calloc (none for n = 0)
 *     copied     nothing
 *     peak       b n bytes
 *
 * From: `arr = np.zeros((n, m)); arr[i] = row`, the fast half of the comparison that this project
 * measures.
 */
#include <stdlib.h>

#include "../build.h"
#include "../contiguous.h"
#include "../saturating.h"

static inline enum build_status begin(struct array *array, size_t rows)
{
	if (rows == 0)
		return BUILD_OK;
	/* calloc checks the product by itself. */
	array->data = calloc(rows, array->row_bytes);
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
		.calloc_count = rows > 0 ? 1 : 0,
		.peak_bytes = bytes,
		.peak_moving_bytes = bytes,
		.final_bytes = bytes,
	};
}

const struct strategy strategy_preallocate_zeroed = {
	.name = "preallocate_zeroed",
	.implementation = "c",
	.help = "Allocate the whole array with calloc, then fill it",
	.counterpart = "np.zeros",
	.order = GROWTH_LINEAR,
	.begin = begin,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
};
