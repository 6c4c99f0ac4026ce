/*
 * prepend - insert each row before the first one, in an array that doubles when it is full.
 *
 * Room in front there is none: all rows move up by one for each. For n rows of b bytes, and C = the
 * smallest power of two that is not below n:
 *
 *     calls      log2(C) + 1 realloc (none for n = 0)
 *     copied     b n (n - 1) / 2 bytes by the strategy: quadratic; at most b (C - 1) by realloc
 *     peak       b C bytes, at most b (C + C / 2) while realloc moves the block
 *
 * From: `vector.insert(vector.begin(), row)`, `list.insert(0, row)`.
 */
#include "../insertion.h"
#include "../row_order.h"
#include "../saturating.h"

static inline enum build_status append(struct array *array, const void *row)
{
	return insertion_append(array, 0, row);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static size_t position(size_t row, size_t rows)
{
	return rows - 1 - row;
}

static uint64_t expected(struct row_source *source, size_t rows)
{
	return row_order_checksum(source, rows, position);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost(rows, row_bytes, growth_doubling, cost);
	cost->copied_bytes = saturating_multiply(saturating_sum_below(rows), row_bytes);
}

const struct strategy strategy_prepend = {
	.name = "prepend",
	.implementation = "c",
	.help = "Insert every row before the first one",
	.counterpart = "vector::insert at begin(), list.insert(0, row)",
	.order = GROWTH_QUADRATIC,
	.on_request = true,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
	.expected = expected,
};
