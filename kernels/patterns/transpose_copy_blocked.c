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

static uint64_t expected(struct row_source *source, size_t rows)
{
	const size_t columns = source->row_bytes / sizeof(double);
	struct checksum checksum = {0};

	for (size_t column = 0; column < columns; column++)
		for (size_t row = 0; row < rows; row++)
			pattern_expect(&checksum, pattern_a(row * columns + column));
	return checksum_value(&checksum);
}

/* A single row is contiguous either way. */
static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	if (rows < 2)
		pattern_cost_of_view(rows, row_bytes, cost);
	else
		pattern_cost_of_copy(rows, row_bytes, cost);
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
	.expected = expected,
	.build = build,
	.scan = pattern_scan,
	.release = pattern_release,
	.cost = cost,
};
