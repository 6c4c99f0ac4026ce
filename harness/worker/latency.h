/*
 * latency.h - the time of each single append of one cold build. Amortised O(1) has a tail.
 *
 * One build in a fresh process, through the strategy's begin, append and finish one by one instead
 * of its `build`, which inlines them. CLOCK_MONOTONIC is read once after each append, and an
 * append's time is from the reading before to its own. So nothing is left out: the times add up to
 * the build's, the first contains `begin` and the last contains `finish`, as for a caller who waits
 * for them. Each also contains what the loop itself does: the clock's reading, the making of the
 * row (row_source_next, as in `build`), the call through a pointer, and the entry of the time
 * before into the histogram. `timer_ns` is what all that takes, and nothing is subtracted: a
 * percentile near timer_ns tells little about the append. Nor do differences below the clock's own
 * step, which is 10 ns on some machines: error_share is that of the histogram alone.
 *
 * The histogram and the code are mapped before, so that all page faults are the strategy's and the
 * allocator's. What the system does meanwhile (interrupts, another process's turn) is in the tail
 * too: see involuntary_switches.
 */
#ifndef GROWBENCH_HARNESS_LATENCY_H
#define GROWBENCH_HARNESS_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/worker/measure_request.h"

/* Appends from which on a percentile is one of the values below the slowest, not the slowest. */
enum {
	LATENCY_P99_9_APPENDS = 1000,
	LATENCY_P99_99_APPENDS = 10000
};

struct latency_result {
	uint64_t append_count;
	double timer_ns; /* what is measured for an append that does nothing: the median of 101
			    means over 100 of them */
	uint64_t median_ns;
	uint64_t p90_ns;
	uint64_t p99_ns;
	bool p99_9_known; /* from LATENCY_P99_9_APPENDS on */
	uint64_t p99_9_ns;
	bool p99_99_known; /* from LATENCY_P99_99_APPENDS on */
	uint64_t p99_99_ns;
	uint64_t max_ns;      /* exact */
	uint64_t total_ns;    /* exact */
	double slowest_share; /* of total_ns, by the slowest 0.1% of the appends, at least one */
	double error_share;   /* of a percentile, at most */
	uint64_t involuntary_switches;
	uint64_t checksum;
};

/* Times one cold build of request->rows (1 and more) rows; `iterations` and `values` are not
 * looked at. One thread only. The result is valid for MEASURE_OK only; otherwise *error says what
 * happened. All memory is given back. */
enum measure_status latency(const struct measure_request *request, struct latency_result *result,
			    struct error *error);

#endif
