/*
 * random.h - a small generator whose sequence is the same on every machine.
 *
 * splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
 */
#ifndef GROWBENCH_HARNESS_RANDOM_H
#define GROWBENCH_HARNESS_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

/* Uniform in 0 ... bound - 1, for a bound of 1 and more; what would favour small numbers is drawn
 * again. */
static inline uint64_t random_below(uint64_t *state, uint64_t bound)
{
	uint64_t biased = -bound % bound;
	uint64_t value = random_next(state);

	while (value < biased)
		value = random_next(state);
	return value % bound;
}

#endif
