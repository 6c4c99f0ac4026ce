/*
 * pointer_list.h - a list of rows that lie apart, as a Python list of objects: one malloc a row,
 * and an index of their addresses that grows as CPython's list does. Shared by the strategies that
 * stop there and that pack the rows afterwards.
 */
#ifndef GROWBENCH_KERNELS_POINTER_LIST_H
#define GROWBENCH_KERNELS_POINTER_LIST_H

#include <stdlib.h>

#include "block_index.h"
#include "copy_row.h"
#include "growth.h"
#include "strategy.h"

/* `append` of struct strategy. */
static ALWAYS_INLINE enum build_status pointer_list_append(struct array *array, const void *row)
{
	unsigned char *copy;

	/* The index first: then a failure leaves no row that nothing points to. */
	if (array->rows == array->capacity) {
		const enum build_status status =
			block_index_grow(array, growth_cpython(block_index_capacity(array)));

		if (status != BUILD_OK)
			return status;
	}
	copy = malloc(array->row_bytes);
	if (copy == NULL)
		return BUILD_OUT_OF_MEMORY;
	copy_row(copy, row, array->row_bytes);
	array->index[array->rows++] = copy;
	return BUILD_OK;
}

/* `scan` and `release` of struct strategy. */
uint64_t pointer_list_scan(const struct array *array);
void pointer_list_release(struct array *array);

#endif
