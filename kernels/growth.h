/*
 * growth.h - rules by which a capacity grows, and what following one costs.
 *
 * A rule is a function `next`: a capacity that is used up goes in, the capacity to grow to comes
 * out. It starts from 0. Where the result does not fit in a size_t it may wrap around: who applies
 * a rule takes a result that is not larger than what went in for "does not fit".
 */
#ifndef GROWBENCH_KERNELS_GROWTH_H
#define GROWBENCH_KERNELS_GROWTH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a rule looks at. */
struct capacity {
	size_t count;       /* room for so many rows, or slots */
	size_t row_bytes;   /* the size of each */
	uint64_t parameter; /* the strategy's (parameter.h), or 0 */
};

/* What it took to grow from capacity 0. The unit is whatever the capacity counts. */
struct growth {
	/* How often it grew. */
	uint64_t count;
	/* The sum of the capacities it grew from: what is copied if each growth moves the block.
	 * UINT64_MAX where it does not fit. */
	uint64_t moved;
	/* The capacity before the last growth, and at the end. */
	size_t previous;
	size_t capacity;
};

/* Growing by the rule `next` from `empty`, whose count is 0, until there is room for `needed`. A
 * capacity that does not fit counts as SIZE_MAX. */
struct growth growth_to(size_t needed, struct capacity empty, size_t (*next)(struct capacity full));

/* 0, 1, 2, 4, 8, ... */
static inline size_t growth_doubling(struct capacity full)
{
	return full.count == 0 ? 1 : 2 * full.count;
}

/* By the factor that the parameter is, in thousandths, at least one more. A product that does not
 * fit is no capacity that fits. */
static inline size_t growth_factor(struct capacity full)
{
	size_t grown;

	if (__builtin_mul_overflow(full.count, (size_t)full.parameter, &grown))
		return 0;
	grown /= 1000;
	return grown > full.count ? grown : full.count + 1;
}

/*
 * The rule of CPython's list since version 3.9 (list_resize in Objects/listobject.c): an eighth
 * and a little more, rounded to a multiple of four: 0, 4, 8, 16, 24, 32, 40, 52, 64, 76, ...
 */
static inline size_t growth_cpython(struct capacity full)
{
	const size_t needed = full.count + 1;

	return (needed + needed / 8 + 6) & ~(size_t)3;
}

#ifdef __cplusplus
}
#endif

#endif
