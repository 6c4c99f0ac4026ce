/*
 * nd_make.h - what the parts of the array model (ndarray.h) share, and nobody else needs.
 */
#ifndef GROWBENCH_KERNELS_ND_MAKE_H
#define GROWBENCH_KERNELS_ND_MAKE_H

#include "ndarray.h"

/* *result without elements and memory, for functions that fail. Returns `status`. */
enum nd_status nd_nothing(struct ndarray *result, enum nd_status status);

/* Whether an array of that shape may be: ND_TOO_BIG. Implies that no C stride overflows. */
bool nd_shape_fits(size_t itemsize, size_t ndim, const size_t *shape);

/* The strides of C order for the array's shape; axes of length 0 count as 1. */
void nd_fill_c_strides(struct ndarray *array);

/* Sets ND_C_CONTIGUOUS and ND_F_CONTIGUOUS by shape and strides. */
void nd_update_contiguity(struct ndarray *array);

#endif
