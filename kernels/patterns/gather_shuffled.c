/*
 * gather_shuffled - all rows by their numbers, shuffled.
 *
 * What is more than gather_ordered is the price of rows that no processor foresees. For n rows of b
 * bytes:
 *
 *     calls      1 malloc (none for n = 0)
 *     copied     b n bytes
 *     peak       b n bytes
 */
#include "../pattern.h"

static enum nd_status operation(struct pattern_input *input)
{
	return nd_take_rows(&input->result, &input->a, input->a.shape[0], input->index);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

static uint64_t expected(struct row_source *source, size_t rows)
{
	const ptrdiff_t *index = pattern_input(source)->index;
	const size_t columns = source->row_bytes / sizeof(double);
	struct checksum checksum = {0};

	for (size_t row = 0; row < rows; row++)
		for (size_t column = 0; column < columns; column++)
			pattern_expect(&checksum, pattern_a((size_t)index[row] * columns + column));
	return checksum_value(&checksum);
}

static enum build_status prepare(struct row_source *source, size_t rows)
{
	return pattern_prepare_with(source, rows, PATTERN_NEEDS_SHUFFLED_INDEX);
}

const struct strategy pattern_gather_shuffled = {
	.name = "gather_shuffled",
	.implementation = "c",
	.help = "Gather all rows by their numbers, shuffled",
	.counterpart = "a[permutation]",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_doubles,
	.prepare = prepare,
	.dispose = pattern_dispose,
	.expected = expected,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_copy,
};
