/*
 * insert_middle - insert each row in the middle of an array that doubles when it is full.
 *
 * Half of the rows move up by one for each: what an array that is kept in order takes, on average.
 * For n rows of b bytes, and C = the smallest power of two that is not below n:
 *
 *     calls      log2(C) + 1 realloc (none for n = 0)
 *     copied     b floor(n^2 / 4) bytes by the strategy: quadratic; at most b (C - 1) by realloc
 *     peak       b C bytes, at most b (C + C / 2) while realloc moves the block
 *
 * From: `bisect.insort`, std::flat_map, a text editor without a gap.
 */
#include "../insertion.h"
#include "../row_order.h"
#include "../saturating.h"

static inline enum build_status append(struct array *array, const void *row)
{
	return insertion_append(array, array->rows / 2, row);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

/* 1, 3, 5, ..., 4, 2, 0: the second row goes before the first, the third between them. */
static size_t position(size_t row, size_t rows)
{
	return row % 2 == 1 ? row / 2 : rows - 1 - row / 2;
}

static uint64_t expected(struct row_source *source, size_t rows)
{
	return row_order_checksum(source, rows, position);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost(rows, row_bytes, growth_doubling, cost);
	cost->copied_bytes =
		saturating_multiply(saturating_multiply(rows / 2, rows - rows / 2), row_bytes);
}

const struct strategy strategy_insert_middle = {
	.name = "insert_middle",
	.implementation = "c",
	.help = "Insert every row in the middle",
	.counterpart = "bisect.insort, std::flat_map",
	.order = GROWTH_QUADRATIC,
	.on_request = true,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
	.expected = expected,
};
