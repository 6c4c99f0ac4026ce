/*
 * ndarray.h - a small model of NumPy's array: a block of memory, and how it is to be walked.
 *
 * An array is `data`, the address of its first element; `shape`, how many elements there are along
 * each axis; and `strides`, how many bytes lie from one element to the next along each axis.
 * Element (i, j, ...) is at data + i * strides[0] + j * strides[1] + ... In C order the last axis
 * is the one that varies fastest, whatever the strides are. Two arrays may have the same memory and
 * differ in shape and strides alone: then one of them is a view, and making it copies nothing.
 *
 * The model does what NumPy 1.24 does, in C order, for items of any size that hold no references:
 * which operation gives a view and which a copy, the shape, the strides, the contiguity flags, the
 * elements, and what is refused. tests/test_ndarray_model.py holds it against NumPy. Where it is
 * different on purpose:
 *
 *   - A copy is the owner of its memory. The result of NumPy's reshape, when it had to copy, is a
 *     view of a copy that has no name.
 *   - nd_index always gives an array (NumPy's a[i, j, ...]), never a scalar.
 *   - An array without elements has no memory (NumPy asks malloc for a byte), and its views
 *     have no address of their own.
 *   - Blocks of less than 1024 bytes are not kept for the next array, as NumPy does (7 of each
 *     size), so that the allocator under study sees each of them.
 *   - Rows are gathered into C order, also from an array that is in another (NumPy keeps the
 *     order of what it took them from).
 *
 * Like NumPy in all its builds for Linux since 1.17.1 (_npy_alloc_cache in
 * numpy/core/src/multiarray/alloc.c), nd_make asks for huge pages in blocks of 4 MiB and more:
 * madvise(MADV_HUGEPAGE), from the first page boundary behind the block's start to its end. Where
 * the kernel gives them only to who asks (/sys/kernel/mm/transparent_hugepage/enabled says
 * [madvise]), that saves 511 of 512 page faults, which are most of the time of a large copy. What
 * madvise returns does not matter. NUMPY_MADVISE_HUGEPAGE=0 in the environment turns NumPy's off,
 * and not ours.
 *
 * Sizes are checked: what does not fit is refused with a status, and never wraps around.
 *
 * Ownership: who owns its memory (ND_OWNER) frees it by nd_release. A view of a view has the same
 * `base` as that view; the base has to outlive it and stay where it is. Functions
 * that make an array fill in *result, which need not be initialised and must not be an operand; if
 * they return anything but ND_OK there is nothing to release, and *result has no elements and no
 * memory. nd_release is harmless on a view and on such a result.
 *
 * Elementwise operations and sums are in nd_arithmetic.h.
 */
#ifndef GROWBENCH_KERNELS_NDARRAY_H
#define GROWBENCH_KERNELS_NDARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NPY_MAXDIMS of NumPy 1. */
#define ND_MOST_AXES 32

/* From so many bytes on, huge pages are asked for. */
#define ND_HUGE_BYTES ((size_t)4 << 20)

enum nd_status {
	ND_OK = 0,
	/* malloc returned NULL (NumPy's MemoryError). */
	ND_OUT_OF_MEMORY,
	/* The bytes, without regard to axes of length 0, are more than PTRDIFF_MAX; or there are
	 * more than ND_MOST_AXES axes. (ValueError.) */
	ND_TOO_BIG,
	/* What was asked for makes no sense for this array: an axis that there is not, an index out
	 * of bounds, a step of 0, shapes that do not match. (ValueError, IndexError, AxisError.) */
	ND_REFUSED,
};

enum nd_flag {
	/* The elements lie one behind the other in C order. Axes of length 1 have no say, and an
	 * array without elements is contiguous: NumPy's "relaxed strides". */
	ND_C_CONTIGUOUS = 1,
	/* The same with the first axis varying fastest. */
	ND_F_CONTIGUOUS = 2,
	/* nd_release frees `data`. */
	ND_OWNER = 4,
	/* Not for a broadcast view, in which many elements are one. */
	ND_WRITEABLE = 8,
};

struct ndarray {
	unsigned char *data;
	size_t itemsize;
	size_t ndim;
	/* Of both, the first ndim are filled in. Strides in bytes, of either sign, 0 where an axis
	 * is broadcast. That of an axis of length 0 or 1 is never followed. */
	size_t shape[ND_MOST_AXES];
	ptrdiff_t strides[ND_MOST_AXES];
	unsigned flags;
	/* What this is a view of: the array that nd_make, nd_wrap or a copy made. NULL for such a
	 * one. */
	const struct ndarray *base;
};

/* Making and freeing. */

/* A new array of such a shape, in C order, of elements that are not initialised. One malloc, none
 * without elements. */
enum nd_status nd_make(struct ndarray *result, size_t itemsize, size_t ndim, const size_t *shape);
/* An array in memory of the caller's, which has room for it, in C order. Not an owner. */
enum nd_status nd_wrap(struct ndarray *result, void *data, size_t itemsize, size_t ndim,
		       const size_t *shape);
/* Frees the memory of an owner. The array has no elements then. */
void nd_release(struct ndarray *array);

/* Elements, and their bytes; both fit. */
size_t nd_size(const struct ndarray *array);
size_t nd_bytes(const struct ndarray *array);

/* Views. They copy nothing and allocate nothing. */

/* a.transpose(axes): axis i of the view is axis axes[i] of the array, counted from the end if it is
 * negative. NULL: all axes in reverse, which is a.T. */
enum nd_status nd_transpose(struct ndarray *result, const struct ndarray *array,
			    const ptrdiff_t *axes);

/* Python's start:stop:step. ND_NONE for what is left out; then step is 1, and start and stop are
 * the ends of the axis. Negative ones count from the end; what is beyond an end is cut off there.
 */
struct nd_slice {
	ptrdiff_t start;
	ptrdiff_t stop;
	ptrdiff_t step;
};
#define ND_NONE PTRDIFF_MIN

/* a[slices[0], slices[1], ...], for the first `count` axes. */
enum nd_status nd_slice(struct ndarray *result, const struct ndarray *array, size_t count,
			const struct nd_slice *slices);
/* a[indices[0], indices[1], ..., ...], which takes away the first `count` axes. */
enum nd_status nd_index(struct ndarray *result, const struct ndarray *array, size_t count,
			const ptrdiff_t *indices);
/* np.broadcast_to(a, shape): missing axes are put in front; those of length 1 get the length and
 * the stride 0, also if it is 1. Not writeable. */
enum nd_status nd_broadcast_to(struct ndarray *result, const struct ndarray *array, size_t ndim,
			       const size_t *shape);

/* View or copy, which the result's ND_OWNER tells. */

/*
 * a.reshape(shape): the same elements in C order. One length may be negative: whatever is missing.
 * A view if strides can express it, else a copy. They can if each group of axes of the array that
 * has as many elements as a group of axes of the result is one run: each stride is the next one
 * times the next length (_attempt_nocopy_reshape in numpy/core/src/multiarray/shape.c).
 */
enum nd_status nd_reshape(struct ndarray *result, const struct ndarray *array, size_t ndim,
			  const ptrdiff_t *shape);
/* a.ravel(): a view of one axis if the array is C contiguous, else a copy, also where
 * a.reshape(-1) can do without one. */
enum nd_status nd_ravel(struct ndarray *result, const struct ndarray *array);
/* np.ascontiguousarray(a): a view if it is C contiguous, else a copy. Of at least one axis. */
enum nd_status nd_as_contiguous(struct ndarray *result, const struct ndarray *array);

/* Copies. The result is an owner in C order. */

/* a.copy() */
enum nd_status nd_copy(struct ndarray *result, const struct ndarray *array);
/* a[rows]: row rows[i] of the first axis becomes row i, counted from the end if it is negative. */
enum nd_status nd_take_rows(struct ndarray *result, const struct ndarray *array, size_t count,
			    const ptrdiff_t *rows);

/*
 * to[...] = from, for arrays of one shape and itemsize that do not overlap; otherwise ND_REFUSED,
 * or elements of either. Allocates nothing. See nd_copy.c for how.
 */
enum nd_status nd_copy_into(const struct ndarray *to, const struct ndarray *from);

/* Walking. */

/* Where an array's elements are, in C order. `place` is that of the current one. */
struct nd_walk {
	const struct ndarray *array;
	const unsigned char *place;
	size_t index[ND_MOST_AXES];
	/* Elements that are left, with the current one. */
	size_t left;
};

/* At the first element, if there is one (left > 0). */
void nd_walk_start(struct nd_walk *walk, const struct ndarray *array);
/* To the next element. Only where left > 0. */
void nd_walk_next(struct nd_walk *walk);

#endif
