/*
 * transpose_copy_naive - rows become columns, copied by two plain loops.
 *
 * Each row of the result is written as it lies in memory, and read one element from each row of the
 * input. When the next row of the result is written, the cache lines that hold its elements have
 * been pushed out, if there are many rows, or if rows are a power of two apart: each line is read
 * eight times. For n rows of b bytes:
 *
 *     calls      1 malloc (none for n = 0)
 *     copied     b n bytes
 *     peak       b n bytes
 */
#include "../pattern.h"

static void copy_transposed(double *to, const double *from, size_t rows, size_t columns)
{
	for (size_t column = 0; column < columns; column++)
		for (size_t row = 0; row < rows; row++)
			*to++ = from[row * columns + column];
}

static enum nd_status operation(struct pattern_input *input)
{
	const struct ndarray *a = &input->a;
	const size_t shape[2] = {a->shape[1], a->shape[0]};
	const enum nd_status status = nd_make(&input->result, a->itemsize, 2, shape);

	if (status == ND_OK)
		copy_transposed((double *)(void *)input->result.data,
				(const double *)(const void *)a->data, a->shape[0], a->shape[1]);
	return status;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return pattern_build(array, rows, source, operation);
}

const struct strategy pattern_transpose_copy_naive = {
	.name = "transpose_copy_naive",
	.implementation = "c",
	.help = "Transpose into a copy with two plain loops",
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
	.cost = pattern_cost_of_copy,
};
