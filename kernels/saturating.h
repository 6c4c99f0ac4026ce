/*
 * saturating.h - sums and products for the closed forms in struct strategy_cost. A result that does
 * not fit is UINT64_MAX.
 */
#ifndef GROWBENCH_KERNELS_SATURATING_H
#define GROWBENCH_KERNELS_SATURATING_H

#include <stdint.h>

static inline uint64_t saturating_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t saturating_multiply(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* 0 + 1 + ... + (n - 1), which is n (n - 1) / 2. */
static inline uint64_t saturating_sum_below(uint64_t n)
{
	if (n == 0)
		return 0;
	return n % 2 == 0 ? saturating_multiply(n / 2, n - 1) : saturating_multiply(n, (n - 1) / 2);
}

static inline uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
