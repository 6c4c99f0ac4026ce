/*
 * transpose_copy_blocked - rows become columns, copied in blocks that fit in the cache.
 *
 * Each cache line is read once and written once (nd_transposition.c). For n rows of b bytes:
 *
 *     calls      1 malloc (none for n < 2: the transpose is contiguous, and a view does)
 *     copied     b n bytes (as above)
 *     peak       b n bytes (as above)
 */
#include "../pattern.h"

static enum nd_status operation(struct pattern_input *input)
{
	struct ndarray view;
	const enum nd_status status = nd_transpose(&view, &input->a, NULL);

	return status == ND_OK ? nd_as_contiguous(&input->result, &view) : status;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

const struct strategy pattern_transpose_copy_blocked = {
	.name = "transpose_copy_blocked",
	.implementation = "c",
	.help = "Transpose into a copy in blocks that fit in the cache",
	.counterpart = "np.ascontiguousarray(a.T)",
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
