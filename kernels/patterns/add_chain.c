/*
 * add_chain - a * 2 + b - 1 step by step, each in a new array.
 *
 * Each step makes a temporary, which is freed when the next one has been made from it. Written with
 * operators, NumPy does this for temporaries of less than 256 KiB; a larger one it writes the next
 * result into, if nobody else has it (temp_elide.c), so the counterpart is spelled with functions.
 * For n rows of b bytes:
 *
 *     calls      3 malloc, 2 free (none for n = 0)
 *     copied     nothing
 *     peak       2 b n bytes
 */
#include "../nd_arithmetic.h"
#include "../pattern.h"
#include "../saturating.h"

static enum nd_status operation(struct pattern_input *input)
{
	struct ndarray doubled;
	struct ndarray sum;
	enum nd_status status = nd_multiply_by(&doubled, &input->a, 2);

	if (status != ND_OK)
		return status;
	status = nd_add(&sum, &doubled, &input->b);
	nd_release(&doubled);
	if (status != ND_OK)
		return status;
	status = nd_add_number(&input->result, &sum, -1);
	nd_release(&sum);
	return status;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	pattern_cost_of_new(rows, row_bytes, cost);
	cost->malloc_count *= 3;
	cost->free_count = cost->malloc_count / 3 * 2;
	cost->peak_bytes = saturating_multiply(2, cost->final_bytes);
	cost->peak_moving_bytes = cost->peak_bytes;
}

const struct strategy pattern_add_chain = {
	.name = "add_chain",
	.implementation = "c",
	.help = "Work out a * 2 + b - 1, each step in a new array",
	.counterpart = "np.subtract(np.add(np.multiply(a, 2), b), 1)",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.supports = pattern_takes_doubles,
	.prepare = pattern_prepare_with_b,
	.dispose = pattern_dispose,
	.expected = pattern_expected_chain,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = cost,
};
