#include "nd_arithmetic.h"

#include <string.h>

#include "nd_make.h"

/* For what has to melt into its caller, so that its argument is a constant there. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

static bool are_doubles(const struct ndarray *array)
{
	return array->itemsize == sizeof(double);
}

static double load(const unsigned char *place)
{
	double value;

	memcpy(&value, place, sizeof value);
	return value;
}

/* Four sums at once: one would wait for each addition before the next. */
static double sum_run(const unsigned char *place, size_t length, ptrdiff_t stride)
{
	double sums[4] = {0};
	size_t i = 0;

	for (; length - i >= 4; i += 4) {
		for (ptrdiff_t j = 0; j < 4; j++)
			sums[j] += load(place + j * stride);
		place += 4 * stride;
	}
	for (; i < length; i++) {
		sums[0] += load(place);
		place += stride;
	}
	return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

enum nd_status nd_sum_rows(struct ndarray *result, const struct ndarray *array)
{
	enum nd_status status;
	double *sums;

	if (!are_doubles(array) || array->ndim != 2)
		return nd_nothing(result, ND_REFUSED);
	status = nd_make(result, sizeof(double), 1, &array->shape[0]);
	if (status != ND_OK || nd_size(result) == 0)
		return status;
	sums = (double *)(void *)result->data;
	if (nd_size(array) == 0)
		memset(sums, 0, nd_bytes(result));
	else
		for (size_t row = 0; row < array->shape[0]; row++)
			sums[row] = sum_run(array->data + (ptrdiff_t)row * array->strides[0],
					    array->shape[1], array->strides[1]);
	return ND_OK;
}

static ALWAYS_INLINE void add_run(double *sums, const unsigned char *place, size_t length,
				  ptrdiff_t stride)
{
	for (size_t i = 0; i < length; i++)
		sums[i] += load(place + (ptrdiff_t)i * stride);
}

/* Row by row all the same, as the rows lie in memory: each is added to the sums. */
enum nd_status nd_sum_columns(struct ndarray *result, const struct ndarray *array)
{
	enum nd_status status;
	double *sums;

	if (!are_doubles(array) || array->ndim != 2)
		return nd_nothing(result, ND_REFUSED);
	status = nd_make(result, sizeof(double), 1, &array->shape[1]);
	if (status != ND_OK || nd_size(result) == 0)
		return status;
	sums = (double *)(void *)result->data;
	memset(sums, 0, nd_bytes(result));
	for (size_t row = 0; row < array->shape[0]; row++) {
		const unsigned char *place = array->data + (ptrdiff_t)row * array->strides[0];

		if (array->strides[1] == sizeof(double))
			add_run(sums, place, array->shape[1], sizeof(double));
		else
			add_run(sums, place, array->shape[1], array->strides[1]);
	}
	return ND_OK;
}

/* to = a * factor + b + term, for one element; the parts that are not wanted are constants. */
struct operation {
	bool multiplies;
	bool adds_array;
	bool adds_number;
	double factor;
	double term;
};

static ALWAYS_INLINE double apply(const struct operation *operation, double a, double b)
{
	double value = a;

	if (operation->multiplies)
		value *= operation->factor;
	if (operation->adds_array)
		value += b;
	if (operation->adds_number)
		value += operation->term;
	return value;
}

/* Elements that lie one behind the other in all arrays. */
static ALWAYS_INLINE void apply_to_run(const struct operation *operation, double *to,
				       const double *a, const double *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		to[i] = apply(operation, a[i], operation->adds_array ? b[i] : 0);
}

/* Elements that lie anywhere. */
static void apply_to_each(const struct operation *operation, const struct ndarray *to,
			  const struct ndarray *a, const struct ndarray *b)
{
	struct nd_walk to_walk;
	struct nd_walk a_walk;
	struct nd_walk b_walk;

	nd_walk_start(&to_walk, to);
	nd_walk_start(&a_walk, a);
	nd_walk_start(&b_walk, b);
	while (to_walk.left > 0) {
		const double value = apply(operation, load(a_walk.place), load(b_walk.place));

		memcpy(to->data + (to_walk.place - to->data), &value, sizeof value);
		nd_walk_next(&to_walk);
		nd_walk_next(&a_walk);
		nd_walk_next(&b_walk);
	}
}

static ALWAYS_INLINE void apply_to_arrays(const struct operation *operation,
					  const struct ndarray *to, const struct ndarray *a,
					  const struct ndarray *b)
{
	if (to->flags & a->flags & b->flags & ND_C_CONTIGUOUS)
		apply_to_run(operation, (double *)(void *)to->data,
			     (const double *)(const void *)a->data,
			     (const double *)(const void *)b->data, nd_size(to));
	else
		apply_to_each(operation, to, a, b);
}

static bool match(const struct ndarray *a, const struct ndarray *b)
{
	return are_doubles(a) && are_doubles(b) && a->ndim == b->ndim &&
	       memcmp(a->shape, b->shape, a->ndim * sizeof a->shape[0]) == 0;
}

static ALWAYS_INLINE enum nd_status apply_to_new(struct ndarray *result,
						 const struct operation *operation,
						 const struct ndarray *a, const struct ndarray *b)
{
	enum nd_status status;

	if (!match(a, b))
		return nd_nothing(result, ND_REFUSED);
	status = nd_make(result, sizeof(double), a->ndim, a->shape);
	if (status == ND_OK)
		apply_to_arrays(operation, result, a, b);
	return status;
}

enum nd_status nd_add(struct ndarray *result, const struct ndarray *a, const struct ndarray *b)
{
	const struct operation operation = {.adds_array = true};

	return apply_to_new(result, &operation, a, b);
}

enum nd_status nd_add_to(const struct ndarray *a, const struct ndarray *b)
{
	const struct operation operation = {.adds_array = true};

	if (!match(a, b) || !(a->flags & ND_WRITEABLE))
		return ND_REFUSED;
	apply_to_arrays(&operation, a, a, b);
	return ND_OK;
}

enum nd_status nd_multiply_by(struct ndarray *result, const struct ndarray *array, double factor)
{
	const struct operation operation = {.multiplies = true, .factor = factor};

	return apply_to_new(result, &operation, array, array);
}

enum nd_status nd_add_number(struct ndarray *result, const struct ndarray *array, double term)
{
	const struct operation operation = {.adds_number = true, .term = term};

	return apply_to_new(result, &operation, array, array);
}

enum nd_status nd_multiply_add(struct ndarray *result, const struct ndarray *a, double factor,
			       const struct ndarray *b, double term)
{
	const struct operation operation = {
		.multiplies = true,
		.adds_array = true,
		.adds_number = true,
		.factor = factor,
		.term = term,
	};

	return apply_to_new(result, &operation, a, b);
}
