/*
 * append_many - append K rows at a time, in an array that doubles when there is no room for K more.
 *
 * Room is looked for once in K rows, and made for all of them. With growth by a factor that changes
 * next to nothing, as growing is rare already: what many rows at a time save is the look at each,
 * and the first few reallocs. For n rows of b bytes, and C = the smallest of K, 2 K, 4 K, ... that
 * is not below n:
 *
 *     calls      log2(C / K) + 1 realloc (none for n = 0)
 *     copied     nothing by the strategy, at most b (C - K) bytes by realloc: linear
 *     peak       b C bytes, at most b (C + C / 2) while realloc moves the block, if C > K
 *
 * From: `vector.insert(vector.end(), first, last)` of libstdc++, `list.extend(rows)`.
 */
#include "../build.h"
#include "../contiguous.h"
#include "../growth.h"

static const char *const examples[] = {"1", "64", "100", NULL};

static const struct strategy_parameter batch_rows = {
	.name = "batch",
	.range = "a number of rows from 1 to 10^6",
	.examples = examples,
	.read = parameter_read_count,
	.write = parameter_write_count,
};

/* 0, K, 2 K, 4 K, ... Always whole batches: a batch finds room for all of it, or for nothing. */
static inline size_t next_capacity(struct capacity full)
{
	return full.count == 0 ? full.parameter : 2 * full.count;
}

static inline enum build_status append(struct array *array, const void *row)
{
	return contiguous_append(array, row, next_capacity);
}

static inline enum build_status append_where_room_is(struct array *array, const void *row)
{
	contiguous_write(array, row);
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	enum build_status status = BUILD_OK;

	while (rows > 0 && status == BUILD_OK) {
		size_t batch = array->parameter;

		if (array->rows == array->capacity)
			status = contiguous_grow(array, next_capacity(array_capacity(array)));
		if (status != BUILD_OK)
			return status;
		if (batch > rows)
			batch = rows;
		status = build_with(array, batch, source, NULL, append_where_room_is, NULL);
		rows -= batch;
	}
	return status;
}

static void cost_at(uint64_t batch, size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost_at(batch, rows, row_bytes, next_capacity, cost);
}

const struct strategy strategy_append_many = {
	.name = "append_many",
	.implementation = "c",
	.help = "Append K rows at a time, doubled with realloc when there is no room for them",
	.counterpart = "vector::insert at end(), list.extend",
	.order = GROWTH_LINEAR,
	.parameter = &batch_rows,
	.value = 64,
	.on_request = true,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost_at = cost_at,
};
