/*
 * clock_check.h - what the clock that all times are taken with is like on this machine.
 */
#ifndef GROWBENCH_HARNESS_CLOCK_CHECK_H
#define GROWBENCH_HARNESS_CLOCK_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"

struct clock_check {
	double reading_ns; /* what one reading takes */
	uint64_t step_ns;  /* the smallest difference between two readings that is not 0 */
	/* Of a thread that moves from CPU to CPU and reads the clock on each: how far it went back
	 * at worst, over how many moves among how many CPUs, and the shortest time from reading to
	 * reading, which a clock may be behind without being seen. */
	uint64_t backwards_ns;
	uint64_t move_count;
	unsigned cpu_count;
	uint64_t blind_ns;
	/* CLOCK_MONOTONIC over CLOCK_MONOTONIC_RAW, in the time that all this took. */
	double rate;
	/* Of a thread that does nothing but read the clock for a tenth of a second on the CPU that
	 * it is pinned to: the share of the time in which it did not run, and the longest stop. */
	double lost_share;
	uint64_t longest_stop_ns;
};

/* Takes some tenths of a second, and leaves the thread on the CPUs where it was. False with a
 * reason. */
bool clock_check(struct clock_check *check, struct error *error);

#endif
