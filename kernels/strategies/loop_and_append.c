/*
 * loop_and_append - a new array for every row, and the old one copied into it.
 *
 * What `arr = np.concatenate((arr, row))` does in a loop: NumPy's array is one block that cannot
 * grow, so an append is a new block, a copy of all that was there, the row, and the end of the old
 * block. For n rows of b bytes:
 *
 *     calls      n malloc, n - 1 free
 *     copied     b n (n - 1) / 2 bytes: quadratic
 *     peak       b (2 n - 1) bytes: the old block and the new one
 *
 * From: numpy.concatenate and numpy.append in a loop, the slow half of the comparison that this
 * project measures.
 */
#include <stdlib.h>
#include <string.h>

#include "../build.h"
#include "../contiguous.h"
#include "../saturating.h"

static inline enum build_status append(struct array *array, const void *row)
{
	unsigned char *const old = array->data;
	size_t bytes;
	unsigned char *data;

	if (!contiguous_bytes(array, array->rows + 1, &bytes))
		return BUILD_OUT_OF_MEMORY;
	data = malloc(bytes);
	if (data == NULL)
		return BUILD_OUT_OF_MEMORY;
	if (old != NULL)
		memcpy(data, old, bytes - array->row_bytes);
	array->data = data;
	array->capacity = array->rows + 1;
	contiguous_write(array, row);
	if (old != NULL)
		free(old);
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const size_t rows_before_last = rows > 0 ? rows - 1 : 0;
	const uint64_t peak_rows = saturating_add(rows, rows_before_last);

	*cost = (struct strategy_cost){
		.malloc_count = rows,
		.free_count = rows_before_last,
		.copied_bytes = saturating_multiply(saturating_sum_below(rows), row_bytes),
		.peak_bytes = saturating_multiply(peak_rows, row_bytes),
		.peak_moving_bytes = saturating_multiply(peak_rows, row_bytes),
		.final_bytes = saturating_multiply(rows, row_bytes),
	};
}

const struct strategy strategy_loop_and_append = {
	.name = "loop_and_append",
	.implementation = "c",
	.help = "Allocate a new array for every row and copy the old one",
	.counterpart = "np.concatenate, np.append",
	.order = GROWTH_QUADRATIC,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
};
