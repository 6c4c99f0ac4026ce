/*
 * reduce_rows - one sum for each row: the elements of a row lie side by side.
 *
 * For n rows of b bytes:
 *
 *     calls      1 malloc (none for n = 0)
 *     copied     nothing
 *     peak       8 n bytes
 */
#include "../nd_arithmetic.h"
#include "../pattern.h"

static enum nd_status operation(struct pattern_input *input)
{
	return nd_sum_rows(&input->result, &input->a);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

static uint64_t expected(struct row_source *source, size_t rows)
{
	const size_t columns = source->row_bytes / sizeof(double);
	struct checksum checksum = {0};

	for (size_t row = 0; row < rows; row++) {
		uint64_t sum = 0;

		for (size_t column = 0; column < columns; column++)
			sum += row * columns + column + 1;
		pattern_expect(&checksum, (double)sum);
	}
	return checksum_value(&checksum);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	(void)row_bytes;
	pattern_cost_of_new(rows, sizeof(double), cost);
}

const struct strategy pattern_reduce_rows = {
	.name = "reduce_rows",
	.implementation = "c",
	.help = "Add up each row",
	.counterpart = "a.sum(axis=1)",
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
