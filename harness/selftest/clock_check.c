#include "harness/selftest/clock_check.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "harness/worker/clock.h"

enum {
	READINGS = 1000,
	ROWS_OF_READINGS = 200,
	ROUNDS_OF_MOVES = 200,
	SPIN_NS = 100 * 1000 * 1000,
	/* Longer than reading the clock ever takes by itself. */
	STOP_NS = 5 * 1000
};

static uint64_t raw_now_ns(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC_RAW, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* The mean of a row of readings; of many rows the fastest counts, in which nothing else ran. */
static double row_of_readings(struct clock_check *check)
{
	const uint64_t start = clock_now_ns();
	uint64_t before = start;

	for (int i = 0; i < READINGS; i++) {
		const uint64_t now = clock_now_ns();

		if (now > before && now - before < check->step_ns)
			check->step_ns = now - before;
		before = now;
	}
	return (double)(before - start) / READINGS;
}

static void check_readings(struct clock_check *check)
{
	check->step_ns = UINT64_MAX;
	check->reading_ns = row_of_readings(check);
	for (int row = 1; row < ROWS_OF_READINGS; row++) {
		const double ns = row_of_readings(check);

		if (ns < check->reading_ns)
			check->reading_ns = ns;
	}
}

/* Notes the step from `before` to now, after a move to another CPU. */
static uint64_t check_move(struct clock_check *check, uint64_t before)
{
	const uint64_t now = clock_now_ns();

	check->move_count++;
	if (now < before && before - now > check->backwards_ns)
		check->backwards_ns = before - now;
	if (now >= before && now - before < check->blind_ns)
		check->blind_ns = now - before;
	return clock_now_ns();
}

static void check_cpus(struct clock_check *check, const cpu_set_t *allowed)
{
	uint64_t before = clock_now_ns();

	check->cpu_count = (unsigned)CPU_COUNT(allowed);
	check->blind_ns = UINT64_MAX;
	for (int round = 0; round < ROUNDS_OF_MOVES; round++)
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			cpu_set_t one;

			if (!CPU_ISSET(cpu, allowed))
				continue;
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			if (sched_setaffinity(0, sizeof one, &one) == 0)
				before = check_move(check, before);
		}
}

static void check_stops(struct clock_check *check)
{
	const uint64_t start = clock_now_ns();
	uint64_t before = start;
	uint64_t lost = 0;

	while (before - start < SPIN_NS) {
		const uint64_t now = clock_now_ns();
		const uint64_t gap = now > before ? now - before : 0;

		if (gap > STOP_NS)
			lost += gap;
		if (gap > check->longest_stop_ns)
			check->longest_stop_ns = gap;
		before = now;
	}
	check->lost_share = (double)lost / (double)(before - start);
}

bool clock_check(struct clock_check *check, struct error *error)
{
	cpu_set_t pinned;
	cpu_set_t all;
	cpu_set_t allowed;
	uint64_t start_ns;
	uint64_t raw_start_ns;
	uint64_t taken_ns;

	memset(check, 0, sizeof *check);
	memset(&all, 0xff, sizeof all);
	/* The kernel takes of all CPUs those that are allowed. */
	if (sched_getaffinity(0, sizeof pinned, &pinned) != 0 ||
	    sched_setaffinity(0, sizeof all, &all) != 0 ||
	    sched_getaffinity(0, sizeof allowed, &allowed) != 0 ||
	    sched_setaffinity(0, sizeof pinned, &pinned) != 0)
		return error_set(error, "the CPUs cannot be chosen: %s", strerror(errno));
	raw_start_ns = raw_now_ns();
	start_ns = clock_now_ns();
	check_readings(check);
	check_stops(check);
	check_cpus(check, &allowed);
	(void)sched_setaffinity(0, sizeof pinned, &pinned);
	taken_ns = clock_now_ns() - start_ns;
	check->rate = (double)taken_ns / (double)(raw_now_ns() - raw_start_ns);
	return true;
}
