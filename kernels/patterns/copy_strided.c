/*
 * copy_strided - every k-th element of an array, as a copy.
 *
 * With k columns these are the elements of the first one. The copy reads what one walk of the view
 * reads, a cache line for each element from k = 8 on; later walks find the elements side by side.
 * For n rows:
 *
 *     calls      1 malloc (none for n = 0)
 *     copied     8 n bytes
 *     peak       8 n bytes
 */
#include "../pattern.h"

/* a.ravel()[::columns].copy() */
static enum nd_status operation(struct pattern_input *input)
{
	const struct nd_slice slice = {ND_NONE, ND_NONE, (ptrdiff_t)input->a.shape[1]};
	struct ndarray flat;
	struct ndarray view;
	enum nd_status status = nd_ravel(&flat, &input->a);

	if (status == ND_OK)
		status = nd_slice(&view, &flat, 1, &slice);
	return status == ND_OK ? nd_copy(&input->result, &view) : status;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	(void)row_bytes;
	pattern_cost_of_copy(rows, sizeof(double), cost);
}

const struct strategy pattern_copy_strided = {
	.name = "copy_strided",
	.implementation = "c",
	.help = "Copy every k-th element, k columns",
	.counterpart = "a.ravel()[::k].copy()",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_two_columns,
	.prepare = pattern_prepare,
	.dispose = pattern_dispose,
	.expected = pattern_expected_first_column,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = cost,
};
