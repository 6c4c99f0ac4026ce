/*
 * reshape_view - all elements in one axis, where strides can express it.
 *
 * They can, as the array is one run: nothing is copied.
 *
 *     calls      none
 *     copied     nothing
 *     peak       nothing
 */
#include "../pattern.h"

static enum nd_status operation(struct pattern_input *input)
{
	const ptrdiff_t all = -1;

	return nd_reshape(&input->result, &input->a, 1, &all);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

const struct strategy pattern_reshape_view = {
	.name = "reshape_view",
	.implementation = "c",
	.help = "Reshape a contiguous array to one axis",
	.counterpart = "a.reshape(-1)",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_doubles,
	.prepare = pattern_prepare,
	.dispose = pattern_dispose,
	.expected = pattern_expected_all,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_view,
};
