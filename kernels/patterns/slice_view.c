/*
 * slice_view - the first half of the columns, as a view: runs with gaps between them.
 *
 *     calls      none
 *     copied     nothing
 *     peak       nothing
 */
#include "../pattern.h"

/* a[:, :columns // 2] */
static enum nd_status operation(struct pattern_input *input)
{
	const struct nd_slice slices[2] = {
		{ND_NONE, ND_NONE, ND_NONE},
		{ND_NONE, (ptrdiff_t)(input->a.shape[1] / 2), ND_NONE},
	};

	return nd_slice(&input->result, &input->a, 2, slices);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

const struct strategy pattern_slice_view = {
	.name = "slice_view",
	.implementation = "c",
	.help = "View the first half of the columns",
	.counterpart = "a[:, :columns // 2]",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_two_columns,
	.prepare = pattern_prepare,
	.dispose = pattern_dispose,
	.expected = pattern_expected_first_half,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_view,
};
