/*
 * array_of_arrays - arrays of K rows, each grown by doubling, in an array of them that doubles.
 *
 * The inner array that is not full grows, and now and then the outer one: many small arrays instead
 * of a large one, so most reallocs are of a few rows. The lengths are no part of it, as all inner
 * arrays but the last have K. For n rows of b bytes, m = n / K rounded up, C the smallest power of
 * two that is not below m, and l = n - K (m - 1) rows in the last array, which has capacity c:
 *
 *     calls      (m - 1) (log2(K) + 1) + log2(c) + 1 realloc, and log2(C) + 1 of the outer array
 *     copied     nothing by the strategy; at most b ((m - 1) (K - 1) + c - 1) + 8 (C - 1) bytes by
 *                realloc: linear
 *     peak       8 C + b (K (m - 1) + c) bytes; while realloc moves an array, that one more: the
 *                last one, one that is full, or the outer one
 *
 * K is a power of two, so that a row is found by a shift and a mask.
 *
 * From: `std::vector<std::vector<T>>`, adjacency lists.
 */
#include <stdlib.h>

#include "../block_index.h"
#include "../build.h"
#include "../checksum.h"
#include "../copy_row.h"
#include "../growth.h"
#include "../power_of_two.h"
#include "../saturating.h"

static const char *const examples[] = {"1", "16", "128", NULL};

static const struct strategy_parameter inner_length = {
	.name = "rows",
	.range = POWER_OF_TWO_RANGE,
	.examples = examples,
	.read = power_of_two_read,
	.write = parameter_write_count,
};

/* How many inner arrays hold `rows` rows. */
static inline size_t arrays_for(size_t rows, uint64_t inner_rows)
{
	return rows / inner_rows + (rows % inner_rows != 0);
}

/* Doubles inner array number `inner`, which has `rows` rows and no room for more, or none yet. */
static ALWAYS_INLINE enum build_status grow_inner(struct array *array, size_t inner, size_t rows)
{
	unsigned char *const old = rows == 0 ? NULL : array->index[inner];
	unsigned char *data;
	size_t bytes;

	if (rows == 0 && inner == array->capacity) {
		const enum build_status status =
			block_index_grow(array, growth_doubling(block_index_capacity(array)));

		if (status != BUILD_OK)
			return status;
	}
	if (__builtin_mul_overflow(growth_doubling((struct capacity){.count = rows}),
				   array->row_bytes, &bytes))
		return BUILD_OUT_OF_MEMORY;
	data = realloc(old, bytes);
	if (data == NULL)
		return BUILD_OUT_OF_MEMORY;
	array->index[inner] = data;
	return BUILD_OK;
}

static inline enum build_status append(struct array *array, const void *row)
{
	const size_t inner = array->rows >> __builtin_ctzll(array->parameter);
	const size_t place = array->rows & (array->parameter - 1);

	/* Full with 1, 2, 4, ... rows. */
	if ((place & (place - 1)) == 0) {
		const enum build_status status = grow_inner(array, inner, place);

		if (status != BUILD_OK)
			return status;
	}
	copy_row(array->index[inner] + place * array->row_bytes, row, array->row_bytes);
	array->rows++;
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static uint64_t scan(const struct array *array)
{
	struct checksum checksum = {0};
	size_t inner = 0;

	for (size_t left = array->rows; left > 0; inner++) {
		const size_t count = left < array->parameter ? left : array->parameter;

		checksum_rows(&checksum, array->index[inner], count, array->row_bytes);
		left -= count;
	}
	return checksum_value(&checksum);
}

static void release(struct array *array)
{
	block_index_free(array, arrays_for(array->rows, array->parameter));
	array_forget(array);
}

/* Rows of the inner arrays while one grows for the last time, which `arrays` full ones precede. */
static uint64_t moving_rows(uint64_t arrays, uint64_t inner_rows, const struct growth *growth)
{
	return saturating_add(saturating_multiply(arrays, inner_rows),
			      saturating_add(growth->previous, growth->capacity));
}

static uint64_t bytes_of(uint64_t rows, size_t row_bytes, uint64_t slots)
{
	return saturating_add(saturating_multiply(rows, row_bytes),
			      saturating_multiply(slots, sizeof(unsigned char *)));
}

static void cost_at(uint64_t inner_rows, size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const struct capacity empty = {.row_bytes = row_bytes};
	const size_t arrays = arrays_for(rows, inner_rows);
	const uint64_t full = arrays > 0 ? arrays - 1 : 0;
	const struct growth outer = growth_to(arrays, empty, growth_doubling);
	const struct growth inner = growth_to(inner_rows, empty, growth_doubling);
	const struct growth last = growth_to(rows - full * inner_rows, empty, growth_doubling);
	const uint64_t final_rows =
		saturating_add(saturating_multiply(full, inner_rows), last.capacity);
	uint64_t moving;

	*cost = (struct strategy_cost){0};
	if (rows == 0)
		return;
	/* The last inner array, the last of those that are full, the outer one. */
	moving = bytes_of(moving_rows(full, inner_rows, &last), row_bytes, outer.capacity);
	if (full > 0)
		moving = larger(moving,
				bytes_of(moving_rows(full - 1, inner_rows, &inner), row_bytes,
					 growth_to(full, empty, growth_doubling).capacity));
	moving = larger(moving, bytes_of(saturating_multiply(outer.previous, inner_rows), row_bytes,
					 saturating_add(outer.previous, outer.capacity)));
	cost->realloc_count = saturating_add(saturating_multiply(full, inner.count),
					     saturating_add(last.count, outer.count));
	cost->realloc_moved_bytes =
		bytes_of(saturating_add(saturating_multiply(full, inner.moved), last.moved),
			 row_bytes, outer.moved);
	cost->peak_bytes = bytes_of(final_rows, row_bytes, outer.capacity);
	cost->peak_moving_bytes = moving;
	cost->final_bytes = cost->peak_bytes;
}

const struct strategy strategy_array_of_arrays = {
	.name = "array_of_arrays",
	.implementation = "c",
	.help = "Keep arrays of K rows, each doubled with realloc, in a growing array of them",
	.counterpart = "a vector of vectors",
	.order = GROWTH_LINEAR,
	.parameter = &inner_length,
	.value = 16,
	.on_request = true,
	.append = append,
	.build = build,
	.scan = scan,
	.release = release,
	.cost_at = cost_at,
};
