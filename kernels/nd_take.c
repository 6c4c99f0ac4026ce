/* Gathering rows: a[rows]. */
#include "ndarray.h"

#include <string.h>

#include "nd_make.h"
#include "nd_run.h"

static bool are_in_bounds(const ptrdiff_t *rows, size_t count, size_t length)
{
	for (size_t i = 0; i < count; i++) {
		const ptrdiff_t row = rows[i] < 0 ? rows[i] + (ptrdiff_t)length : rows[i];

		if (row < 0 || (size_t)row >= length)
			return false;
	}
	return true;
}

static const unsigned char *row_at(const struct ndarray *array, ptrdiff_t row)
{
	if (row < 0)
		row += (ptrdiff_t)array->shape[0];
	return array->data + row * array->strides[0];
}

/* Rows that lie one behind the other in themselves. */
static void take_contiguous_rows(unsigned char *to, const struct ndarray *array, size_t count,
				 const ptrdiff_t *rows, size_t row_bytes)
{
	for (size_t i = 0; i < count; i++) {
		nd_bytes_copy(to, row_at(array, rows[i]), row_bytes);
		to += row_bytes;
	}
}

static enum nd_status take_any_rows(const struct ndarray *result, const struct ndarray *array,
				    size_t count, const ptrdiff_t *rows)
{
	enum nd_status status = ND_OK;

	for (size_t i = 0; i < count && status == ND_OK; i++) {
		const ptrdiff_t place = (ptrdiff_t)i;
		struct ndarray to;
		struct ndarray from;

		(void)nd_index(&to, result, 1, &place);
		(void)nd_index(&from, array, 1, &rows[i]);
		status = nd_copy_into(&to, &from);
	}
	return status;
}

enum nd_status nd_take_rows(struct ndarray *result, const struct ndarray *array, size_t count,
			    const ptrdiff_t *rows)
{
	size_t shape[ND_MOST_AXES];
	const ptrdiff_t first = 0;
	struct ndarray row;
	enum nd_status status;

	if (array->ndim == 0 || !are_in_bounds(rows, count, array->shape[0]))
		return nd_nothing(result, ND_REFUSED);
	memcpy(shape, array->shape, array->ndim * sizeof shape[0]);
	shape[0] = count;
	status = nd_make(result, array->itemsize, array->ndim, shape);
	if (status != ND_OK || nd_size(result) == 0)
		return status;
	(void)nd_index(&row, array, 1, &first);
	if (!(row.flags & ND_C_CONTIGUOUS))
		return take_any_rows(result, array, count, rows);
	take_contiguous_rows(result->data, array, count, rows, nd_bytes(&row));
	return ND_OK;
}
