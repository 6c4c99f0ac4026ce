/*
 * add_chain_fused - a * 2 + b - 1 in one pass, in one new array.
 *
 * What add_chain could be: each element is read once and written once. NumPy has no such
 * expression; numexpr and compilers do this. For n rows of b bytes:
 *
 *     calls      1 malloc (none for n = 0)
 *     copied     nothing
 *     peak       b n bytes
 */
#include "../nd_arithmetic.h"
#include "../pattern.h"

static enum nd_status operation(struct pattern_input *input)
{
	return nd_multiply_add(&input->result, &input->a, 2, &input->b, -1);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

const struct strategy pattern_add_chain_fused = {
	.name = "add_chain_fused",
	.implementation = "c",
	.help = "Work out a * 2 + b - 1 in one pass",
	.counterpart = "a * 2 + b - 1",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_doubles,
	.prepare = pattern_prepare_with_b,
	.dispose = pattern_dispose,
	.expected = pattern_expected_chain,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_new,
};
