/*
 * list_of_pointers_packed - a list of pointers to rows, copied into one array at the end.
 *
 * The usual advice for NumPy: append to a list, make the array once. Each row is copied exactly
 * once more, and at the end both copies are live. For n rows of b bytes, and the capacities
 * c1 < ... < ck of CPython's rule (growth.h), ck being the first that is not below n:
 *
 *     calls      n + 1 malloc, k realloc, n + 1 free (none for n = 0)
 *     copied     b n bytes, and at most 8 (c1 + ... + c(k-1)) bytes by realloc
 *     peak       2 b n + 8 ck bytes; while realloc moves the pointers at most
 *                b c(k-1) + 8 (c(k-1) + ck), if that is more
 *
 * From: `np.array(rows)` after `rows.append(row)`.
 */
#include <stdlib.h>

#include "../build.h"
#include "../contiguous.h"
#include "../pointer_list.h"
#include "../saturating.h"

static inline enum build_status finish(struct array *array)
{
	size_t bytes;
	unsigned char *data;

	if (array->rows == 0)
		return BUILD_OK;
	if (!contiguous_bytes(array, array->rows, &bytes))
		return BUILD_OUT_OF_MEMORY;
	data = malloc(bytes);
	if (data == NULL)
		return BUILD_OUT_OF_MEMORY;
	for (size_t row = 0; row < array->rows; row++)
		copy_row(data + row * array->row_bytes, array->index[row], array->row_bytes);
	block_index_free(array, array->rows);
	array->data = data;
	array->capacity = array->rows;
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, pointer_list_append, finish);
}

/* The array is a list until finish has succeeded. */
static uint64_t scan(const struct array *array)
{
	return array->data != NULL ? contiguous_scan(array) : pointer_list_scan(array);
}

static void release(struct array *array)
{
	if (array->data != NULL)
		contiguous_release(array);
	else
		pointer_list_release(array);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t bytes = saturating_multiply(rows, row_bytes);

	block_index_cost(rows, row_bytes, growth_cpython, cost);
	if (rows == 0)
		return;
	cost->malloc_count = saturating_add(cost->malloc_count, 1);
	cost->free_count = saturating_add(rows, 1);
	cost->copied_bytes = bytes;
	cost->peak_bytes = saturating_add(cost->final_bytes, bytes);
	cost->peak_moving_bytes = larger(cost->peak_moving_bytes, cost->peak_bytes);
	cost->final_bytes = bytes;
}

const struct strategy strategy_list_of_pointers_packed = {
	.name = "list_of_pointers_packed",
	.implementation = "c",
	.help = "Keep a list of pointers to rows, then copy all into one array",
	.counterpart = "np.array(list)",
	.order = GROWTH_LINEAR,
	.append = pointer_list_append,
	.finish = finish,
	.build = build,
	.scan = scan,
	.release = release,
	.cost = cost,
};
