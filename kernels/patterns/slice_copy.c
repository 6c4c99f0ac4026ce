/*
 * slice_copy - the first half of the columns, as a copy: one run for each row.
 *
 * For n rows of b bytes, and h = 8 floor(b / 16) bytes in half a row:
 *
 *     calls      1 malloc (none for n = 0)
 *     copied     h n bytes
 *     peak       h n bytes
 */
#include "../pattern.h"

/* a[:, :columns // 2].copy() */
static enum nd_status operation(struct pattern_input *input)
{
	const struct nd_slice slices[2] = {
		{ND_NONE, ND_NONE, ND_NONE},
		{ND_NONE, (ptrdiff_t)(input->a.shape[1] / 2), ND_NONE},
	};
	struct ndarray view;
	const enum nd_status status = nd_slice(&view, &input->a, 2, slices);

	return status == ND_OK ? nd_copy(&input->result, &view) : status;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	pattern_cost_of_copy(rows, row_bytes / (2 * sizeof(double)) * sizeof(double), cost);
}

const struct strategy pattern_slice_copy = {
	.name = "slice_copy",
	.implementation = "c",
	.help = "Copy the first half of the columns",
	.counterpart = "a[:, :columns // 2].copy()",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_two_columns,
	.prepare = pattern_prepare,
	.dispose = pattern_dispose,
	.expected = pattern_expected_first_half,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = cost,
};
