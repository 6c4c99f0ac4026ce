/*
 * reshape_copy - all elements of a transposed array in one axis, which no strides can express.
 *
 * The same call as reshape_view on an array that looks as good, and it copies all of it. For n rows
 * of b bytes:
 *
 *     calls      1 malloc (none for n < 2: the transpose is one run, and a view does)
 *     copied     b n bytes (as above)
 *     peak       b n bytes (as above)
 */
#include "../pattern.h"

static enum nd_status operation(struct pattern_input *input)
{
	const ptrdiff_t all = -1;
	struct ndarray view;
	const enum nd_status status = nd_transpose(&view, &input->a, NULL);

	return status == ND_OK ? nd_reshape(&input->result, &view, 1, &all) : status;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

const struct strategy pattern_reshape_copy = {
	.name = "reshape_copy",
	.implementation = "c",
	.help = "Reshape a transposed array to one axis",
	.counterpart = "a.T.reshape(-1)",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_two_columns,
	.prepare = pattern_prepare,
	.dispose = pattern_dispose,
	.expected = pattern_expected_transposed,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_transposed_copy,
};
