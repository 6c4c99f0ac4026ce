/*
 * growth.h - rules by which a capacity grows, and what following one costs.
 *
 * A rule is a function `next`: a capacity that is used up goes in, the capacity to grow to comes
 * out. It starts from 0. Where the result does not fit in a size_t it may wrap around: who applies
 * a rule takes a result that is not larger than the argument for "does not fit".
 */
#ifndef GROWBENCH_KERNELS_GROWTH_H
#define GROWBENCH_KERNELS_GROWTH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

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

/* Growing by the rule `next` until there is room for `needed`. A capacity that does not fit counts
 * as SIZE_MAX. */
struct growth growth_to(size_t needed, size_t (*next)(size_t capacity));

/*
 * The rule of CPython's list since version 3.9 (list_resize in Objects/listobject.c): an eighth
 * and a little more, rounded to a multiple of four: 0, 4, 8, 16, 24, 32, 40, 52, 64, 76, ...
 */
static inline size_t growth_cpython(size_t capacity)
{
	const size_t needed = capacity + 1;

	return (needed + needed / 8 + 6) & ~(size_t)3;
}

#ifdef __cplusplus
}
#endif

#endif
