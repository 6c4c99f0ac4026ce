/*
 * in_turn.h - several arrays that grow side by side, each by doubling: row i goes to array i % K.
 *
 * array->index has the K addresses of the arrays, from one calloc; K is the parameter, a power of
 * two, so that whose turn it is costs a mask: a division costs more than an append. How many rows
 * an array has follows from how many there are in all, and it is full when these are a power of two
 * (or none): so nothing else is kept. Shared by the strategies that have nothing in between, and
 * that have.
 */
#ifndef GROWBENCH_KERNELS_IN_TURN_H
#define GROWBENCH_KERNELS_IN_TURN_H

#include <stdlib.h>

#include "build.h"
#include "copy_row.h"
#include "growth.h"
#include "strategy.h"

/* How many arrays there are. */
extern const struct strategy_parameter in_turn_parameter;

/* The array whose turn it is at row `row` of all, and the row's place in it. */
static inline size_t in_turn_array(const struct array *array, size_t row)
{
	return row & (array->parameter - 1);
}

static inline size_t in_turn_place(const struct array *array, size_t row)
{
	return row >> __builtin_ctzll(array->parameter);
}

/* `begin` of struct strategy. */
static inline enum build_status in_turn_begin(struct array *array, size_t rows)
{
	if (rows == 0)
		return BUILD_OK;
	array->index = calloc(array->parameter, sizeof *array->index);
	if (array->index == NULL)
		return BUILD_OUT_OF_MEMORY;
	array->capacity = array->parameter;
	return BUILD_OK;
}

/* Doubles one of the arrays, which has `rows` rows and no room for more. */
static ALWAYS_INLINE enum build_status in_turn_grow(struct array *array, size_t turn, size_t rows)
{
	const struct capacity full = {.count = rows};
	size_t bytes;
	unsigned char *data;

	if (__builtin_mul_overflow(growth_doubling(full), array->row_bytes, &bytes))
		return BUILD_OUT_OF_MEMORY;
	data = realloc(array->index[turn], bytes);
	if (data == NULL)
		return BUILD_OUT_OF_MEMORY;
	array->index[turn] = data;
	return BUILD_OK;
}

/* `append` of struct strategy. */
static ALWAYS_INLINE enum build_status in_turn_append(struct array *array, const void *row)
{
	const size_t turn = in_turn_array(array, array->rows);
	const size_t place = in_turn_place(array, array->rows);

	if ((place & (place - 1)) == 0) {
		const enum build_status status = in_turn_grow(array, turn, place);

		if (status != BUILD_OK)
			return status;
	}
	copy_row(array->index[turn] + place * array->row_bytes, row, array->row_bytes);
	array->rows++;
	return BUILD_OK;
}

/* `scan` of struct strategy: in the order in which the rows were appended. */
uint64_t in_turn_scan(const struct array *array);

/* Frees the arrays and the table of them. */
void in_turn_release(struct array *array);

/* The row (from 0) with which one of `arrays` arrays grows for the last time; rows > 0. */
size_t in_turn_last_growth(uint64_t arrays, size_t rows);

/* The cost of the arrays and of the table of them. peak_moving_bytes is while the array grows that
 * grows last: nothing that comes before it needs more. */
void in_turn_cost(uint64_t arrays, size_t rows, size_t row_bytes, struct strategy_cost *cost);

#endif
