/*
 * transpose_view - rows become columns by exchanging the strides.
 *
 * Nothing is copied; who walks the view row by row goes from row to row of what is in memory.
 *
 *     calls      none
 *     copied     nothing
 *     peak       nothing
 */
#include "../pattern.h"

static enum nd_status operation(struct pattern_input *input)
{
	return nd_transpose(&input->result, &input->a, NULL);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

const struct strategy pattern_transpose_view = {
	.name = "transpose_view",
	.implementation = "c",
	.help = "Transpose by exchanging strides",
	.counterpart = "a.T",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_doubles,
	.prepare = pattern_prepare,
	.dispose = pattern_dispose,
	.expected = pattern_expected_transposed,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_view,
};
