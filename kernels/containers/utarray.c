/*
 * utarray - the dynamic array of uthash, one utarray_push_back a row.
 *
 * A header of macros: realloc to twice the capacity when the array is full, from 8 rows on. For n
 * rows of b bytes, and C = the smallest power of two that is not below n, at least 8:
 *
 *     calls      log2(C) - 2 realloc (none for n = 0)
 *     copied     nothing by the strategy, at most b (C - 8) bytes by realloc: linear
 *     peak       b C bytes, at most b (C + C / 2) while realloc moves the block
 *
 * Rows are counted by an unsigned: 2^31 of them are the most that there is room for.
 *
 * From: utarray.h of uthash 2.3.
 */
#include <assert.h>

#include "../contiguous.h"

/* In place of exit(-1), where memory is short: out of `push`, the array as it was. It was full. */
#define utarray_oom()                        \
	do {                                 \
		container->n = container->i; \
		return BUILD_OUT_OF_MEMORY;  \
	} while (0)

#include <utarray.h>

#define FIRST_ROWS 8
#define MOST_ROWS ((size_t)1 << 31)

/* 0, 8, 16, 32, ... */
static inline size_t next_capacity(struct capacity full)
{
	return full.count == 0 ? FIRST_ROWS : 2 * full.count;
}

/* Whether nothing overflows on the way to so many rows: the macros do not look. */
static bool fits(const struct array *array, size_t rows)
{
	size_t bytes;

	return rows <= MOST_ROWS && contiguous_bytes(array, 2 * rows + FIRST_ROWS, &bytes);
}

/* The array's container, made if there is none. */
static UT_array *container_of(struct array *array)
{
	const UT_icd rows = {.sz = array->row_bytes};
	UT_array *container = array->container;

	static_assert(sizeof *container <= sizeof array->container_storage, "it does not fit");
	if (container == NULL) {
		container = array->container = array->container_storage;
		utarray_init(container, &rows);
	}
	return container;
}

/* Tells what the container can be asked for. */
static void note(struct array *array, const UT_array *container)
{
	array->rows = container->i;
	array->capacity = container->n;
	array->data = (unsigned char *)container->d;
}

static inline enum build_status push(UT_array *container, const void *row)
{
	utarray_push_back(container, row);
	return BUILD_OK;
}

static enum build_status append(struct array *array, const void *row)
{
	enum build_status status;

	if (!fits(array, array->rows + 1))
		return BUILD_OUT_OF_MEMORY;
	status = push(container_of(array), row);
	note(array, array->container);
	return status;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	enum build_status status = BUILD_OK;
	UT_array *container;

	if (rows == 0)
		return BUILD_OK;
	if (!fits(array, rows))
		return BUILD_OUT_OF_MEMORY;
	container = container_of(array);
	for (size_t row = 0; row < rows && status == BUILD_OK; row++)
		status = push(container, row_source_next(source));
	note(array, container);
	return status;
}

static void release(struct array *array)
{
	if (array->container != NULL)
		utarray_done((UT_array *)array->container);
	array_forget(array);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost(rows, row_bytes, next_capacity, cost);
}

const struct strategy strategy_utarray = {
	.name = "utarray",
	.implementation = "uthash",
	.help = "Append to a utarray with utarray_push_back",
	.counterpart = "realloc_doubling",
	.order = GROWTH_LINEAR,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = release,
	.cost = cost,
};
