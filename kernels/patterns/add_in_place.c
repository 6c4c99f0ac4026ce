/*
 * add_in_place - a += b: the sums are written over the first operand.
 *
 *     calls      none
 *     copied     nothing
 *     peak       nothing
 */
#include "../nd_arithmetic.h"
#include "../pattern.h"

/* The result is a view of all of a. */
static enum nd_status operation(struct pattern_input *input)
{
	const enum nd_status status = nd_add_to(&input->a, &input->b);

	return status == ND_OK ? nd_slice(&input->result, &input->a, 0, NULL) : status;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

static void rewind_input(struct row_source *source, size_t rows)
{
	(void)rows;
	pattern_fill_a(pattern_input(source));
}

const struct strategy pattern_add_in_place = {
	.name = "add_in_place",
	.implementation = "c",
	.help = "Add an array to another one in place",
	.counterpart = "a += b",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_doubles,
	.prepare = pattern_prepare_with_b,
	.dispose = pattern_dispose,
	.rewind = rewind_input,
	.expected = pattern_expected_sums,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = pattern_cost_of_view,
};
