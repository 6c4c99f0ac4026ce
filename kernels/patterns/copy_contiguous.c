/*
 * copy_contiguous - a copy of an array that is one run: memcpy, and what a new block costs.
 *
 * The least that any copy costs. For n rows of b bytes:
 *
 *     calls      1 malloc (none for n = 0)
 *     copied     b n bytes
 *     peak       b n bytes
 */
#include "../pattern.h"

static enum nd_status operation(struct pattern_input *input)
{
	return nd_copy(&input->result, &input->a);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

const struct strategy pattern_copy_contiguous = {
	.name = "copy_contiguous",
	.implementation = "c",
	.help = "Copy a contiguous array",
	.counterpart = "a.copy()",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_doubles,
	.prepare = pattern_prepare,
	.dispose = pattern_dispose,
	.expected = pattern_expected_all,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_copy,
};
