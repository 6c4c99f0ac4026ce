/*
 * nd_arithmetic.h - sums and elementwise operations on arrays of doubles, as NumPy's ufuncs do
 * them.
 *
 * Ownership and errors as in ndarray.h. Operands are arrays of doubles (itemsize 8) of any strides;
 * ND_REFUSED otherwise. The result of a sum does not depend on strides. Sums are added up in the
 * order of the memory, several at a time: exact for whole numbers below 2^53, as those of the
 * patterns are, and otherwise different from NumPy's pairwise sums in the last digits.
 */
#ifndef GROWBENCH_KERNELS_ND_ARITHMETIC_H
#define GROWBENCH_KERNELS_ND_ARITHMETIC_H

#include "ndarray.h"

/* a.sum(axis=1) of an array with two axes: one sum for each row. */
enum nd_status nd_sum_rows(struct ndarray *result, const struct ndarray *array);
/* a.sum(axis=0) of an array with two axes: one sum for each column. */
enum nd_status nd_sum_columns(struct ndarray *result, const struct ndarray *array);

/* a + b in a new array. Of one shape. */
enum nd_status nd_add(struct ndarray *result, const struct ndarray *a, const struct ndarray *b);
/* a += b. Of one shape, and not overlapping but for being the same. */
enum nd_status nd_add_to(const struct ndarray *a, const struct ndarray *b);

/* a * factor, in a new array. */
enum nd_status nd_multiply_by(struct ndarray *result, const struct ndarray *array, double factor);
/* a + term, in a new array. */
enum nd_status nd_add_number(struct ndarray *result, const struct ndarray *array, double term);
/* a * factor + b + term in one pass over both, in a new array. */
enum nd_status nd_multiply_add(struct ndarray *result, const struct ndarray *a, double factor,
			       const struct ndarray *b, double term);

#endif
