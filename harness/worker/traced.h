/*
 * traced.h - the trace pass: one cold lifecycle with the interposer (trace.h) in front of the
 * allocator.
 *
 * Everything but build_release_ns is exact and does not depend on the machine's speed. With
 * threads, counts are sums over all of them, and peaks are of all of them together.
 */
#ifndef GROWBENCH_HARNESS_TRACED_H
#define GROWBENCH_HARNESS_TRACED_H

#include "harness/trace/trace.h"
#include "harness/common/error.h"
#include "harness/worker/measure_request.h"

enum {
	TRACED_MOST_POINTS = 1000
};

/* A point of the timeline: what is live after `rows` appends. */
struct traced_point {
	uint64_t rows;
	uint64_t live_bytes;      /* requested */
	uint64_t live_peak_bytes; /* the most since the point before, with both blocks of a realloc
				     that copied */
	uint64_t resident_bytes;  /* more than before the build */
};

struct traced_result {
	/* To be set by the caller: how many points of a timeline to take, at most; 0: none. Points
	 * at which nothing changed are left out; the first and the last are always there. */
	unsigned points_wanted;

	struct trace_counts build;
	struct trace_counts release;
	struct trace_live at_end; /* of the build */
	uint64_t leaked_bytes;
	uint64_t scan_calls;       /* allocator calls of the scan */
	uint64_t thread_calls_min; /* allocator calls of the build, by the thread with fewest */
	uint64_t thread_calls_max;
	uint64_t strategy_copied_bytes; /* closed form, or as the strategy counted */
	uint64_t build_release_ns;
	const char *untraced_reason; /* why system calls are not seen; NULL: they are */
	uint64_t checksum;
	unsigned point_count;
	struct traced_point points[TRACED_MOST_POINTS + 1];
};

/* Traces. A timeline is of one thread only. MEASURE_FAILED if the interposer is not preloaded. */
enum measure_status traced(const struct measure_request *request, struct traced_result *result,
			   struct error *error);

#endif
