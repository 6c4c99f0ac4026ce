/*
 * contiguous.h - what strategies share that keep their rows in one block from malloc, calloc or
 * realloc, at array->data, with room for array->capacity rows.
 */
#ifndef GROWBENCH_KERNELS_CONTIGUOUS_H
#define GROWBENCH_KERNELS_CONTIGUOUS_H

#include <stdbool.h>
#include <stdlib.h>

#include "build.h"
#include "copy_row.h"
#include "growth.h"
#include "strategy.h"

/* The bytes of `rows` rows; false if they do not fit in a size_t. */
static inline bool contiguous_bytes(const struct array *array, size_t rows, size_t *bytes)
{
	return !__builtin_mul_overflow(rows, array->row_bytes, bytes);
}

/* What a growth rule looks at. */
static inline struct capacity array_capacity(const struct array *array)
{
	return (struct capacity){array->capacity, array->row_bytes, array->parameter};
}

/* Makes room for `capacity` rows by realloc. `capacity` has to be more than there is; one that is
 * not comes from a growth rule that wrapped around, and is out of memory. On failure the array is
 * as before. */
static ALWAYS_INLINE enum build_status contiguous_grow(struct array *array, size_t capacity)
{
	size_t bytes;
	unsigned char *data;

	if (capacity <= array->capacity || !contiguous_bytes(array, capacity, &bytes))
		return BUILD_OUT_OF_MEMORY;
	data = realloc(array->data, bytes);
	if (data == NULL)
		return BUILD_OUT_OF_MEMORY;
	array->data = data;
	array->capacity = capacity;
	return BUILD_OK;
}

/* Writes `row` behind the last one, where there has to be room. */
static ALWAYS_INLINE void contiguous_write(struct array *array, const void *row)
{
	copy_row(array->data + array->rows * array->row_bytes, row, array->row_bytes);
	array->rows++;
}

/* The append of a strategy that is told by its growth rule (growth.h) alone. */
static ALWAYS_INLINE enum build_status contiguous_append(struct array *array, const void *row,
							 size_t (*next)(struct capacity full))
{
	if (array->rows == array->capacity) {
		const enum build_status status =
			contiguous_grow(array, next(array_capacity(array)));

		if (status != BUILD_OK)
			return status;
	}
	contiguous_write(array, row);
	return BUILD_OK;
}

/* The cost of such a strategy, and of one with a parameter. */
void contiguous_cost(size_t rows, size_t row_bytes, size_t (*next)(struct capacity full),
		     struct strategy_cost *cost);
void contiguous_cost_at(uint64_t parameter, size_t rows, size_t row_bytes,
			size_t (*next)(struct capacity full), struct strategy_cost *cost);

/* `scan` and `release` of struct strategy. */
uint64_t contiguous_scan(const struct array *array);
void contiguous_release(struct array *array);

#endif
