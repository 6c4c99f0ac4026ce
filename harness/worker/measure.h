/*
 * measure.h - one cell, measured once: the cold lifecycle of a fresh process, then the warm steady
 * state.
 *
 * Cold: build, scan and release, each timed with CLOCK_MONOTONIC in each thread; the figure of a
 * phase is from its first thread's start to its last thread's end. Threads start each phase
 * together, after a barrier that is outside the timed figure. The peak is of the build alone. The
 * program's code has been mapped before, but its data, the allocator's among it, is as the start of
 * the process left it, unless the heap was aged (aged.h).
 *
 * Warm: one untimed lifecycle that is verified (left out for a single value of builds that take
 * longer than MEASURE_LONGEST_WARM_UP_NS), then `values` values through Google Benchmark, each the
 * mean of `iterations` times build and release. With threads, a value is the time in which each
 * thread does one build and release. In the same loop builds and releases are timed one by one, or
 * in small batches (timings.h); with threads, those of the first.
 *
 * Of what a strategy has besides (strategy.h), nothing is in a timed figure but `walk`; and what it
 * says that builds were not at work (`paused_ns`) is left out of them. On request
 * the scan of a result that stays is timed as well, again and again.
 */
#ifndef GROWBENCH_HARNESS_MEASURE_H
#define GROWBENCH_HARNESS_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/shim/bench.h"
#include "harness/worker/huge_pages.h"
#include "harness/worker/measure_request.h"
#include "harness/worker/timings.h"

enum {
	/* Of a cold build. First touches of pages are little of what takes that long; of what takes
	 * less they may be all, so whether there is a steady state must not hang on the number of
	 * values, which follows from times that were taken once. */
	MEASURE_LONGEST_WARM_UP_NS = 200 * 1000 * 1000
};

enum measure_phase {
	PHASE_BUILD,
	PHASE_SCAN,
	PHASE_RELEASE,
	PHASE_COUNT
};

struct measure_result {
	uint64_t cold_ns[PHASE_COUNT];
	uint64_t cold_build_minor_faults;
	uint64_t cold_build_major_faults;
	/* Those of cold_build_minor_faults that brought a huge page, and the bytes that these
	 * brought, as huge_pages.h counts them: other processes' may be among them. Never more than
	 * cold_build_minor_faults. */
	bool huge_faults_known; /* false: why_no_huge_faults says why */
	struct huge_faults cold_build_huge_faults;
	struct error why_no_huge_faults;
	uint64_t cold_user_ns;
	uint64_t cold_system_ns;
	bool peak_known; /* false: this system does not let a process reset its VmHWM */
	uint64_t rss_before_bytes;
	double touch_page_ns; /* first touch of a page just before the build; 0: not known */
	uint64_t peak_rss_bytes;
	unsigned warm_values; /* how many of warm_ns are set; 0 without a warm part */
	double warm_ns[MEASURE_MAX_VALUES];
	struct timings timings;    /* of the warm builds of the first thread, sorted */
	double warm_minor_faults;  /* of one build and release, in all threads */
	unsigned warm_scan_values; /* how many of warm_scan_ns are set */
	double warm_scan_ns[MEASURE_MAX_VALUES];
	uint64_t involuntary_switches;
	/* User instructions of the cold build and release, and of one warm build and release, by
	 * the processor's counter, of one thread; 0 each where why_no_hardware says why it is not
	 * known.
	 */
	uint64_t cold_hardware_instructions;
	double warm_hardware_instructions;
	struct error why_no_hardware;
	uint64_t checksum;
};

/* Pins this process to `cpus` (a list such as "1" or "2,3"), and later each thread of a
 * measurement to one of them in turn. */
bool measure_pin(const char *cpus, struct error *error);

/* Measures. The result is valid for MEASURE_OK only; otherwise *error says what happened. */
enum measure_status measure(const struct measure_request *request, struct measure_result *result,
			    struct error *error);

/* The warm steady state of a request as a benchmark, for running it by hand; what it works on stays
 * until the process ends. */
bool measure_benchmark(const struct measure_request *request, struct bench_spec *spec,
		       struct error *error);

#endif
