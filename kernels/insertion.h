/*
 * insertion.h - an array in one block, doubled when it is full, into which rows are inserted: what
 * lies behind the place moves up by one row. Shared by the strategies that insert at some place.
 */
#ifndef GROWBENCH_KERNELS_INSERTION_H
#define GROWBENCH_KERNELS_INSERTION_H

#include <string.h>

#include "contiguous.h"
#include "growth.h"

/* Inserts `row` before row number `place`, which is at most array->rows. */
static ALWAYS_INLINE enum build_status insertion_append(struct array *array, size_t place,
							const void *row)
{
	unsigned char *gap;

	if (array->rows == array->capacity) {
		const enum build_status status =
			contiguous_grow(array, growth_doubling(array_capacity(array)));

		if (status != BUILD_OK)
			return status;
	}
	gap = array->data + place * array->row_bytes;
	memmove(gap + array->row_bytes, gap, (array->rows - place) * array->row_bytes);
	copy_row(gap, row, array->row_bytes);
	array->rows++;
	return BUILD_OK;
}

#endif
