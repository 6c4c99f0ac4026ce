/*
 * libgrowbench-clock.so - a clock whose time depends on how often it was read, preloaded in the
 * instructions pass only.
 *
 * Allocators give memory back by the time that has passed (jemalloc's decay, mimalloc's delays), so
 * what they execute would depend on how fast the machine is; and under Valgrind everything takes
 * some fifty times as long. With this clock each reading is a microsecond after the one before. It
 * goes on, so that whoever waits for a time gets there.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

static uint64_t next_us(void)
{
	static _Atomic uint64_t readings = 1000000;

	return atomic_fetch_add(&readings, 1);
}

/* The C library's parameters have names of its own. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

int clock_gettime(clockid_t clock, struct timespec *time)
{
	const uint64_t us = next_us();

	(void)clock;
	*time = (struct timespec){(time_t)(us / 1000000), (long)(us % 1000000 * 1000)};
	return 0;
}

/* The C library's declares its argument as never null. */
int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	const uint64_t us = next_us();

	(void)zone;
	*time = (struct timeval){(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
	return 0;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
