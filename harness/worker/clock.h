/*
 * clock.h - the time, for differences.
 */
#ifndef GROWBENCH_HARNESS_CLOCK_H
#define GROWBENCH_HARNESS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds of CLOCK_MONOTONIC. Some machines count in steps of 10 ns and more. */
static inline uint64_t clock_now_ns(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

#endif
