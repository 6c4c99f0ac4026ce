/*
 * gather_ordered - all rows by their numbers, in order: copy_contiguous, said in another way.
 *
 * What is more than there is the price of looking up each row. For n rows of b bytes:
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

static enum build_status prepare(struct row_source *source, size_t rows)
{
	return pattern_prepare_with(source, rows, PATTERN_NEEDS_INDEX);
}

const struct strategy pattern_gather_ordered = {
	.name = "gather_ordered",
	.implementation = "c",
	.help = "Gather all rows by their numbers, in order",
	.counterpart = "a[np.arange(rows)]",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_doubles,
	.prepare = prepare,
	.dispose = pattern_dispose,
	.expected = pattern_expected_all,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_copy,
};
