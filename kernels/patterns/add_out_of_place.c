/*
 * add_out_of_place - a = a + b: the sums are written to a new array.
 *
 * The same additions as add_in_place, and the pages of a new block. For n rows of b bytes:
 *
 *     calls      1 malloc (none for n = 0)
 *     copied     nothing
 *     peak       b n bytes
 */
#include "../nd_arithmetic.h"
#include "../pattern.h"

static enum nd_status operation(struct pattern_input *input)
{
	return nd_add(&input->result, &input->a, &input->b);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

const struct strategy pattern_add_out_of_place = {
	.name = "add_out_of_place",
	.implementation = "c",
	.help = "Add two arrays into a new one",
	.counterpart = "a = a + b",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_doubles,
	.prepare = pattern_prepare_with_b,
	.dispose = pattern_dispose,
	.expected = pattern_expected_sums,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_new,
};
