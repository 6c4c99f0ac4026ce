/*
 * strided_view - every k-th element of an array, as a view.
 *
 * With k columns these are the elements of the first one. Nothing is copied; who walks the view
 * reads a cache line for each element, from k = 8 on.
 *
 *     calls      none
 *     copied     nothing
 *     peak       nothing
 */
#include "../pattern.h"

/* a.ravel()[::columns] */
static enum nd_status operation(struct pattern_input *input)
{
	const struct nd_slice slice = {ND_NONE, ND_NONE, (ptrdiff_t)input->a.shape[1]};
	struct ndarray flat;
	const enum nd_status status = nd_ravel(&flat, &input->a);

	return status == ND_OK ? nd_slice(&input->result, &flat, 1, &slice) : status;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

const struct strategy pattern_strided_view = {
	.name = "strided_view",
	.implementation = "c",
	.help = "View every k-th element, k columns",
	.counterpart = "a.ravel()[::k]",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_two_columns,
	.prepare = pattern_prepare,
	.dispose = pattern_dispose,
	.expected = pattern_expected_first_column,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_view,
};
