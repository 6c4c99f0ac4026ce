/*
 * grow_and_shrink - push all rows on a stack, then move them to a second one, as the first shrinks.
 *
 * A stack doubles when it is full and gives half of its room back when it is filled to a quarter,
 * so that a row more and a row less in turn cost nothing. While the second grows, the first
 * shrinks: where a realloc to less moves the block or keeps its pages, it shows. For n rows of b
 * bytes, and C = the smallest power of two that is not below n:
 *
 *     calls      log2(C) + 1 realloc for each of the two stacks, log2(C) - 1 (not below 0) that
 *                shrink the first, and 1 free
 *     copied     b n bytes by the strategy, from one stack to the other; at most b (4 C - 6) by
 *                realloc, for C > 1
 *     peak       b 2 C bytes, while realloc moves a block at most b 5/2 C; b 3/2 C and b 2 C where
 *                n is at most 3/4 C
 *
 * The rows can be taken from the second stack in the order in which they came.
 *
 * From: a queue that is made of two stacks; the table that contracts at a quarter of its size of
 * Cormen, Leiserson, Rivest and Stein, "Introduction to Algorithms".
 */
#include <assert.h>
#include <stdlib.h>

#include "../build.h"
#include "../checksum.h"
#include "../contiguous.h"
#include "../growth.h"
#include "../saturating.h"

/* In array->container_storage, from the beginning of finish on. array->rows is of both stacks. */
struct second_stack {
	unsigned char *data;
	size_t rows;
	size_t capacity;
};

static_assert(sizeof(struct second_stack) <= sizeof((struct array *)NULL)->container_storage,
	      "there is room for it");

static inline enum build_status append(struct array *array, const void *row)
{
	return contiguous_append(array, row, growth_doubling);
}

/* Sets the capacity of a stack whose block is at *data. */
static enum build_status resize(unsigned char **data, size_t *capacity, size_t rows,
				size_t row_bytes)
{
	size_t bytes;
	unsigned char *resized;

	if (__builtin_mul_overflow(rows, row_bytes, &bytes))
		return BUILD_OUT_OF_MEMORY;
	resized = realloc(*data, bytes);
	if (resized == NULL)
		return BUILD_OUT_OF_MEMORY;
	*data = resized;
	*capacity = rows;
	return BUILD_OK;
}

/* Moves the uppermost row of the first stack, of which `left` are left, to the second one. */
static enum build_status move_row(struct array *array, struct second_stack *second, size_t left)
{
	const size_t row_bytes = array->row_bytes;
	enum build_status status = BUILD_OK;

	if (left <= array->capacity / 4)
		status = resize(&array->data, &array->capacity, array->capacity / 2, row_bytes);
	if (status == BUILD_OK && second->rows == second->capacity)
		status = resize(&second->data, &second->capacity,
				growth_doubling((struct capacity){.count = second->capacity}),
				row_bytes);
	if (status != BUILD_OK)
		return status;
	copy_row(second->data + second->rows * row_bytes, array->data + (left - 1) * row_bytes,
		 row_bytes);
	second->rows++;
	return BUILD_OK;
}

static enum build_status finish(struct array *array)
{
	struct second_stack *const second = (void *)array->container_storage;
	enum build_status status = BUILD_OK;

	if (array->rows == 0)
		return BUILD_OK;
	if (array->container == NULL) {
		*second = (struct second_stack){0};
		array->container = second;
	}
	while (second->rows < array->rows && status == BUILD_OK)
		status = move_row(array, second, array->rows - second->rows);
	if (status != BUILD_OK)
		return status;
	free(array->data);
	array->data = NULL;
	array->capacity = 0;
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, finish);
}

/* The first stack from below, then the second from above. */
static uint64_t scan(const struct array *array)
{
	const struct second_stack *const second = array->container;
	const size_t moved = second == NULL ? 0 : second->rows;
	struct checksum checksum = {0};

	checksum_rows(&checksum, array->data, array->rows - moved, array->row_bytes);
	for (size_t row = moved; row > 0; row--)
		checksum_rows(&checksum, second->data + (row - 1) * array->row_bytes, 1,
			      array->row_bytes);
	return checksum_value(&checksum);
}

static void release(struct array *array)
{
	const struct second_stack *const second = array->container;

	if (second != NULL && second->data != NULL)
		free(second->data);
	contiguous_release(array);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const struct growth growth =
		growth_to(rows, (struct capacity){.row_bytes = row_bytes}, growth_doubling);
	const uint64_t bytes = saturating_multiply(growth.capacity, row_bytes);
	const uint64_t half = saturating_multiply(growth.previous, row_bytes);
	/* More than three quarters: the second is full at half of its size before the first
	 * shrinks. */
	const bool late = rows > growth.previous + growth.previous / 2;
	const uint64_t shrinks = growth.count > 2 ? growth.count - 2 : 0;
	const uint64_t shrunk_rows =
		shrinks > 0 ? saturating_add(growth.capacity - 4, growth.capacity) : 0;

	*cost = (struct strategy_cost){
		.realloc_count = 2 * growth.count + shrinks,
		.free_count = rows > 0 ? 1 : 0,
		.copied_bytes = saturating_multiply(rows, row_bytes),
		.realloc_moved_bytes = saturating_multiply(
			saturating_add(saturating_add(growth.moved, growth.moved), shrunk_rows),
			row_bytes),
		.peak_bytes = saturating_add(bytes, late ? bytes : half),
		.final_bytes = bytes,
	};
	cost->peak_moving_bytes = saturating_add(saturating_add(bytes, bytes), late ? half : 0);
}

const struct strategy strategy_grow_and_shrink = {
	.name = "grow_and_shrink",
	.implementation = "c",
	.help = "Push rows on a stack and move them to another, as the first one shrinks",
	.counterpart = "a queue of two stacks",
	.order = GROWTH_LINEAR,
	.on_request = true,
	.append = append,
	.finish = finish,
	.build = build,
	.scan = scan,
	.release = release,
	.cost = cost,
};
