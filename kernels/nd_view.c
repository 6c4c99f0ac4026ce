/* Views of an array, and the operations that are views if they can. */
#include "ndarray.h"

#include <string.h>

#include "nd_make.h"

/* A view of the array without axes, which the caller adds. */
static void start_view(struct ndarray *result, const struct ndarray *array)
{
	result->data = array->data;
	result->itemsize = array->itemsize;
	result->ndim = 0;
	result->flags = array->flags & ND_WRITEABLE;
	result->base = array->base != NULL ? array->base : array;
}

static void add_axis(struct ndarray *result, size_t length, ptrdiff_t stride)
{
	result->shape[result->ndim] = length;
	result->strides[result->ndim] = stride;
	result->ndim++;
}

static enum nd_status finish_view(struct ndarray *result)
{
	nd_update_contiguity(result);
	return ND_OK;
}

/* Element `index` of the axis becomes the first. Nothing moves in an array without elements, which
 * may have no memory to move in. */
static void move_start(struct ndarray *result, const struct ndarray *array, size_t axis,
		       ptrdiff_t index, bool is_empty)
{
	if (!is_empty)
		result->data += index * array->strides[axis];
}

/* An index or axis that may count from the end, as one that does not. */
static bool find_index(ptrdiff_t index, size_t length, ptrdiff_t *found)
{
	*found = index < 0 ? index + (ptrdiff_t)length : index;
	return *found >= 0 && (size_t)*found < length;
}

enum nd_status nd_transpose(struct ndarray *result, const struct ndarray *array,
			    const ptrdiff_t *axes)
{
	bool taken[ND_MOST_AXES] = {false};

	start_view(result, array);
	for (size_t i = 0; i < array->ndim; i++) {
		ptrdiff_t axis = (ptrdiff_t)(array->ndim - 1 - i);

		if (axes != NULL && !find_index(axes[i], array->ndim, &axis))
			return nd_nothing(result, ND_REFUSED);
		if (taken[axis])
			return nd_nothing(result, ND_REFUSED);
		taken[axis] = true;
		add_axis(result, array->shape[axis], array->strides[axis]);
	}
	return finish_view(result);
}

/* One end of a slice: counted from the end of the axis if it is negative, then cut off at `least`
 * and `most`. */
static ptrdiff_t slice_end(ptrdiff_t end, ptrdiff_t length, ptrdiff_t least, ptrdiff_t most)
{
	if (end < 0)
		end += length;
	if (end < least)
		return least;
	return end > most ? most : end;
}

/* Where a slice starts in an axis of that length, and how many elements it has, by the rules of
 * PySlice_AdjustIndices. */
static size_t slice_length(const struct nd_slice *slice, ptrdiff_t length, ptrdiff_t step,
			   ptrdiff_t *start)
{
	/* Backwards, the end lies one before the first element. */
	const ptrdiff_t least = step > 0 ? 0 : -1;
	const ptrdiff_t most = step > 0 ? length : length - 1;
	ptrdiff_t stop = step > 0 ? most : least;

	*start = step > 0 ? least : most;
	if (slice->start != ND_NONE)
		*start = slice_end(slice->start, length, least, most);
	if (slice->stop != ND_NONE)
		stop = slice_end(slice->stop, length, least, most);
	if (step > 0)
		return stop > *start ? (size_t)((stop - *start - 1) / step + 1) : 0;
	return *start > stop ? (size_t)((*start - stop - 1) / -step + 1) : 0;
}

/* An axis that nobody follows may have a stride that does not fit: it wraps around, as NumPy's. */
static ptrdiff_t stride_times(ptrdiff_t stride, ptrdiff_t step)
{
	return (ptrdiff_t)((size_t)stride * (size_t)step);
}

enum nd_status nd_slice(struct ndarray *result, const struct ndarray *array, size_t count,
			const struct nd_slice *slices)
{
	const bool is_empty = nd_size(array) == 0;

	if (count > array->ndim)
		return nd_nothing(result, ND_REFUSED);
	start_view(result, array);
	for (size_t axis = 0; axis < array->ndim; axis++) {
		ptrdiff_t step = 1;
		ptrdiff_t start = 0;
		size_t length = array->shape[axis];

		if (axis < count) {
			if (slices[axis].step != ND_NONE)
				step = slices[axis].step;
			if (step == 0)
				return nd_nothing(result, ND_REFUSED);
			length = slice_length(&slices[axis], (ptrdiff_t)length, step, &start);
		}
		/* Nothing to start at, and nothing to step over. */
		if (length == 0) {
			step = 1;
			start = 0;
		}
		move_start(result, array, axis, start, is_empty);
		add_axis(result, length, stride_times(array->strides[axis], step));
	}
	return finish_view(result);
}

enum nd_status nd_index(struct ndarray *result, const struct ndarray *array, size_t count,
			const ptrdiff_t *indices)
{
	const bool is_empty = nd_size(array) == 0;

	if (count > array->ndim)
		return nd_nothing(result, ND_REFUSED);
	start_view(result, array);
	for (size_t axis = 0; axis < array->ndim; axis++) {
		ptrdiff_t index;

		if (axis >= count) {
			add_axis(result, array->shape[axis], array->strides[axis]);
			continue;
		}
		if (!find_index(indices[axis], array->shape[axis], &index))
			return nd_nothing(result, ND_REFUSED);
		move_start(result, array, axis, index, is_empty);
	}
	return finish_view(result);
}

enum nd_status nd_broadcast_to(struct ndarray *result, const struct ndarray *array, size_t ndim,
			       const size_t *shape)
{
	if (!nd_shape_fits(array->itemsize, ndim, shape))
		return nd_nothing(result, ND_TOO_BIG);
	if (ndim < array->ndim)
		return nd_nothing(result, ND_REFUSED);
	start_view(result, array);
	result->flags = 0;
	for (size_t axis = 0; axis < ndim; axis++) {
		const size_t in_front = ndim - array->ndim;
		const size_t length = axis < in_front ? 1 : array->shape[axis - in_front];

		if (length == 1)
			add_axis(result, shape[axis], 0);
		else if (length == shape[axis])
			add_axis(result, length, array->strides[axis - in_front]);
		else
			return nd_nothing(result, ND_REFUSED);
	}
	return finish_view(result);
}

/* The lengths of reshape with the missing one filled in; ND_REFUSED if they are not for `size`
 * elements. */
static enum nd_status fill_in_missing(size_t ndim, const ptrdiff_t *shape, size_t size,
				      size_t *lengths)
{
	size_t missing = ND_MOST_AXES;
	size_t known = 1;

	if (ndim > ND_MOST_AXES)
		return ND_TOO_BIG;
	for (size_t axis = 0; axis < ndim; axis++) {
		lengths[axis] = (size_t)shape[axis];
		if (shape[axis] < 0) {
			if (missing != ND_MOST_AXES)
				return ND_REFUSED;
			missing = axis;
		} else if (__builtin_mul_overflow(known, lengths[axis], &known) ||
			   known > PTRDIFF_MAX) {
			return ND_REFUSED;
		}
	}
	if (missing == ND_MOST_AXES)
		return known == size ? ND_OK : ND_REFUSED;
	if (known == 0 || size % known != 0)
		return ND_REFUSED;
	lengths[missing] = size / known;
	return ND_OK;
}

/* The axes of an array that are not of length 1. */
struct long_axes {
	size_t count;
	size_t lengths[ND_MOST_AXES];
	ptrdiff_t strides[ND_MOST_AXES];
};

static void find_long_axes(struct long_axes *axes, const struct ndarray *array)
{
	axes->count = 0;
	for (size_t axis = 0; axis < array->ndim; axis++) {
		if (array->shape[axis] == 1)
			continue;
		axes->lengths[axes->count] = array->shape[axis];
		axes->strides[axes->count] = array->strides[axis];
		axes->count++;
	}
}

static bool are_one_run(const struct long_axes *axes, size_t first, size_t end)
{
	for (size_t axis = first; axis + 1 < end; axis++)
		if (axes->strides[axis] !=
		    (ptrdiff_t)axes->lengths[axis + 1] * axes->strides[axis + 1])
			return false;
	return true;
}

/*
 * Strides for result->shape by which the array's elements come in the same order; false if there
 * are none. There are as many elements on both sides, and not 0. Goes through both shapes at once,
 * and takes from each the shortest group of axes that has as many elements as the other's.
 */
static bool strides_without_copy(struct ndarray *result, const struct ndarray *array)
{
	struct long_axes old = {0};
	size_t old_first = 0;
	size_t new_first = 0;
	ptrdiff_t last_stride = (ptrdiff_t)array->itemsize;

	find_long_axes(&old, array);
	while (new_first < result->ndim && old_first < old.count) {
		size_t old_end = old_first + 1;
		size_t new_end = new_first + 1;
		size_t old_elements = old.lengths[old_first];
		size_t new_elements = result->shape[new_first];

		while (old_elements != new_elements) {
			if (new_elements < old_elements)
				new_elements *= result->shape[new_end++];
			else
				old_elements *= old.lengths[old_end++];
		}
		if (!are_one_run(&old, old_first, old_end))
			return false;
		last_stride = old.strides[old_end - 1];
		result->strides[new_end - 1] = last_stride;
		for (size_t axis = new_end - 1; axis > new_first; axis--)
			result->strides[axis - 1] =
				(ptrdiff_t)result->shape[axis] * result->strides[axis];
		old_first = old_end;
		new_first = new_end;
	}
	/* Axes of length 1 that are left over. */
	for (size_t axis = new_first; axis < result->ndim; axis++)
		result->strides[axis] = last_stride;
	return true;
}

/* As it was said: a length that is left out, which is negative, is not the same, whatever it turns
 * out to be. */
static bool has_shape(const struct ndarray *array, size_t ndim, const ptrdiff_t *shape)
{
	if (array->ndim != ndim)
		return false;
	for (size_t axis = 0; axis < ndim; axis++)
		if (array->shape[axis] != (size_t)shape[axis])
			return false;
	return true;
}

/* A copy in C order, of another shape of as many elements. */
static enum nd_status copy_in_shape(struct ndarray *result, const struct ndarray *array,
				    size_t ndim, const size_t *shape)
{
	const enum nd_status status = nd_copy(result, array);

	if (status != ND_OK)
		return status;
	result->ndim = ndim;
	memcpy(result->shape, shape, ndim * sizeof shape[0]);
	nd_fill_c_strides(result);
	nd_update_contiguity(result);
	return ND_OK;
}

enum nd_status nd_reshape(struct ndarray *result, const struct ndarray *array, size_t ndim,
			  const ptrdiff_t *shape)
{
	size_t lengths[ND_MOST_AXES];
	const enum nd_status status = fill_in_missing(ndim, shape, nd_size(array), lengths);

	if (status != ND_OK)
		return nd_nothing(result, status);
	if (!nd_shape_fits(array->itemsize, ndim, lengths))
		return nd_nothing(result, ND_TOO_BIG);
	start_view(result, array);
	result->ndim = ndim;
	memcpy(result->shape, lengths, ndim * sizeof lengths[0]);
	/* The strides of axes that nobody follows stay in the first case, and not in the second. */
	if (has_shape(array, ndim, shape))
		memcpy(result->strides, array->strides, ndim * sizeof result->strides[0]);
	else if (array->flags & ND_C_CONTIGUOUS)
		nd_fill_c_strides(result);
	else if (!strides_without_copy(result, array))
		return copy_in_shape(result, array, ndim, lengths);
	return finish_view(result);
}

enum nd_status nd_ravel(struct ndarray *result, const struct ndarray *array)
{
	const ptrdiff_t all = -1;
	const size_t size = nd_size(array);

	if (array->flags & ND_C_CONTIGUOUS)
		return nd_reshape(result, array, 1, &all);
	return copy_in_shape(result, array, 1, &size);
}

enum nd_status nd_as_contiguous(struct ndarray *result, const struct ndarray *array)
{
	if (!(array->flags & ND_C_CONTIGUOUS))
		return nd_copy(result, array);
	start_view(result, array);
	for (size_t axis = 0; axis < array->ndim; axis++)
		add_axis(result, array->shape[axis], array->strides[axis]);
	if (array->ndim == 0)
		add_axis(result, 1, (ptrdiff_t)array->itemsize);
	return finish_view(result);
}
