/*
 * build.h - the loop that is timed.
 *
 * It is compiled as a program would be that holds one array of one type, for else the C++
 * containers beside our strategies, which are compiled like that, would be ahead for no reason of
 * theirs:
 *
 * - The fields of the array (all but a container) are local variables while the loop runs. In
 *   memory they would be loaded and stored for each row, since a row may be written to any address.
 *   So the address of the array must not leave the loop: what append calls with it is ALWAYS_INLINE
 *   too.
 * - Rows of a few common sizes have a loop in which the size is a constant, so that a row is copied
 *   without a call of memcpy.
 *
 * Together they are worth a factor of up to two for rows that are in the cache.
 */
#ifndef GROWBENCH_KERNELS_BUILD_H
#define GROWBENCH_KERNELS_BUILD_H

#include "strategy.h"

/* For functions that take another function as an argument and have to melt into their caller, so
 * that the argument becomes a direct call and is inlined in its turn; and for what append calls. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Not the row's size, and not a container, which may not be moved. */
static ALWAYS_INLINE void build_copy_fields(struct array *array, const struct array *from)
{
	array->rows = from->rows;
	array->capacity = from->capacity;
	array->data = from->data;
	array->index = from->index;
	array->reserved_bytes = from->reserved_bytes;
	array->copied_bytes = from->copied_bytes;
}

/* `rows` times append of rows that have row_bytes bytes. */
static ALWAYS_INLINE enum build_status
build_append_rows(struct array *array, size_t row_bytes, size_t rows, struct row_source *source,
		  enum build_status (*append)(struct array *array, const void *row))
{
	struct array local = array_init(row_bytes);
	enum build_status status = BUILD_OK;

	local.parameter = array->parameter;
	build_copy_fields(&local, array);
	for (size_t row = 0; row < rows && status == BUILD_OK; row++)
		status = append(&local, row_source_next(source));
	build_copy_fields(array, &local);
	return status;
}

/*
 * begin, `rows` times append, finish, as strategy.h says of `build`. A strategy's build is one call
 * of this, with its own callbacks; begin and finish may be NULL.
 */
static ALWAYS_INLINE enum build_status
build_with(struct array *array, size_t rows, struct row_source *source,
	   enum build_status (*begin)(struct array *array, size_t rows),
	   enum build_status (*append)(struct array *array, const void *row),
	   enum build_status (*finish)(struct array *array))
{
	enum build_status status = BUILD_OK;

	if (begin != NULL)
		status = begin(array, rows);
	if (status != BUILD_OK)
		return status;
	switch (array->row_bytes) {
	case 8:
		status = build_append_rows(array, 8, rows, source, append);
		break;
	case 16:
		status = build_append_rows(array, 16, rows, source, append);
		break;
	case 24:
		status = build_append_rows(array, 24, rows, source, append);
		break;
	case 32:
		status = build_append_rows(array, 32, rows, source, append);
		break;
	case 64:
		status = build_append_rows(array, 64, rows, source, append);
		break;
	case 80:
		status = build_append_rows(array, 80, rows, source, append);
		break;
	case 128:
		status = build_append_rows(array, 128, rows, source, append);
		break;
	default:
		status = build_append_rows(array, array->row_bytes, rows, source, append);
		break;
	}
	if (status == BUILD_OK && finish != NULL)
		status = finish(array);
	return status;
}

#endif
