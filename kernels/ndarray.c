#include "ndarray.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nd_make.h"

enum nd_status nd_nothing(struct ndarray *result, enum nd_status status)
{
	*result = (struct ndarray){
		.itemsize = 1,
		.ndim = 1,
		.flags = ND_C_CONTIGUOUS | ND_F_CONTIGUOUS,
	};
	return status;
}

bool nd_shape_fits(size_t itemsize, size_t ndim, const size_t *shape)
{
	size_t bytes = itemsize;

	if (itemsize == 0 || ndim > ND_MOST_AXES)
		return false;
	for (size_t axis = 0; axis < ndim; axis++)
		if (shape[axis] != 0 && __builtin_mul_overflow(bytes, shape[axis], &bytes))
			return false;
	return bytes <= PTRDIFF_MAX;
}

void nd_fill_c_strides(struct ndarray *array)
{
	size_t stride = array->itemsize;

	for (size_t axis = array->ndim; axis-- > 0;) {
		array->strides[axis] = (ptrdiff_t)stride;
		if (array->shape[axis] != 0)
			stride *= array->shape[axis];
	}
}

/* Whether the axes, taken from the last to the first (or the other way round), are one run. */
static bool is_one_run(const struct ndarray *array, bool last_is_fastest)
{
	size_t stride = array->itemsize;

	for (size_t i = 0; i < array->ndim; i++) {
		const size_t axis = last_is_fastest ? array->ndim - 1 - i : i;

		if (array->shape[axis] == 1)
			continue;
		if (array->strides[axis] != (ptrdiff_t)stride)
			return false;
		stride *= array->shape[axis];
	}
	return true;
}

void nd_update_contiguity(struct ndarray *array)
{
	const bool is_empty = nd_size(array) == 0;

	array->flags &= ~(unsigned)(ND_C_CONTIGUOUS | ND_F_CONTIGUOUS);
	if (is_empty || is_one_run(array, true))
		array->flags |= ND_C_CONTIGUOUS;
	if (is_empty || is_one_run(array, false))
		array->flags |= ND_F_CONTIGUOUS;
}

size_t nd_size(const struct ndarray *array)
{
	size_t size = 1;

	/* Fits if no axis is 0, and otherwise it does not matter what is multiplied by 0. */
	for (size_t axis = 0; axis < array->ndim; axis++)
		size *= array->shape[axis];
	return size;
}

size_t nd_bytes(const struct ndarray *array)
{
	return nd_size(array) * array->itemsize;
}

/* As NumPy's alloc.c does, for its reasons; but that takes pages to be of 4 KiB, so that where they
 * are larger it asks for what the kernel refuses. */
static void ask_for_huge_pages(unsigned char *block, size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t offset = page - (uintptr_t)block % page;

	(void)madvise(block + offset, bytes - offset, MADV_HUGEPAGE);
}

enum nd_status nd_wrap(struct ndarray *result, void *data, size_t itemsize, size_t ndim,
		       const size_t *shape)
{
	if (!nd_shape_fits(itemsize, ndim, shape))
		return nd_nothing(result, itemsize == 0 ? ND_REFUSED : ND_TOO_BIG);
	result->data = data;
	result->itemsize = itemsize;
	result->ndim = ndim;
	for (size_t axis = 0; axis < ndim; axis++)
		result->shape[axis] = shape[axis];
	result->flags = ND_WRITEABLE;
	result->base = NULL;
	nd_fill_c_strides(result);
	nd_update_contiguity(result);
	return ND_OK;
}

enum nd_status nd_make(struct ndarray *result, size_t itemsize, size_t ndim, const size_t *shape)
{
	const enum nd_status status = nd_wrap(result, NULL, itemsize, ndim, shape);
	size_t bytes;

	if (status != ND_OK)
		return status;
	result->flags |= ND_OWNER;
	bytes = nd_bytes(result);
	if (bytes == 0) {
		/* So that who follows them stays where he is: NumPy since 1.23. */
		memset(result->strides, 0, ndim * sizeof result->strides[0]);
		return ND_OK;
	}
	result->data = malloc(bytes);
	if (result->data == NULL)
		return nd_nothing(result, ND_OUT_OF_MEMORY);
	if (bytes >= ND_HUGE_BYTES)
		ask_for_huge_pages(result->data, bytes);
	return ND_OK;
}

void nd_release(struct ndarray *array)
{
	if ((array->flags & ND_OWNER) && array->data != NULL)
		free(array->data);
	(void)nd_nothing(array, ND_OK);
}

void nd_walk_start(struct nd_walk *walk, const struct ndarray *array)
{
	walk->array = array;
	walk->place = array->data;
	walk->left = nd_size(array);
	memset(walk->index, 0, array->ndim * sizeof walk->index[0]);
}

void nd_walk_next(struct nd_walk *walk)
{
	const struct ndarray *array = walk->array;

	if (--walk->left == 0)
		return;
	/* Like the digits of a number: the last one that can goes up, those behind it start again.
	 */
	for (size_t axis = array->ndim; axis-- > 0;) {
		if (++walk->index[axis] < array->shape[axis]) {
			walk->place += array->strides[axis];
			return;
		}
		walk->index[axis] = 0;
		walk->place -= (ptrdiff_t)(array->shape[axis] - 1) * array->strides[axis];
	}
}
