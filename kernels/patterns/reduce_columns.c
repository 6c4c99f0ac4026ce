/*
 * reduce_columns - one sum for each column: row by row all the same, each row added to the sums.
 *
 * Going down each column instead would read a cache line for each element. For n rows of b bytes:
 *
 *     calls      1 malloc
 *     copied     nothing
 *     peak       b bytes
 */
#include "../nd_arithmetic.h"
#include "../pattern.h"

static enum nd_status operation(struct pattern_input *input)
{
	return nd_sum_columns(&input->result, &input->a);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

static uint64_t expected(struct row_source *source, size_t rows)
{
	const size_t columns = source->row_bytes / sizeof(double);
	struct checksum checksum = {0};

	for (size_t column = 0; column < columns; column++) {
		uint64_t sum = 0;

		for (size_t row = 0; row < rows; row++)
			sum += row * columns + column + 1;
		pattern_expect(&checksum, (double)sum);
	}
	return checksum_value(&checksum);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	(void)rows;
	pattern_cost_of_new(1, row_bytes, cost);
}

const struct strategy pattern_reduce_columns = {
	.name = "reduce_columns",
	.implementation = "c",
	.help = "Add up each column",
	.counterpart = "a.sum(axis=0)",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_doubles,
	.prepare = pattern_prepare,
	.dispose = pattern_dispose,
	.expected = expected,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = cost,
};
