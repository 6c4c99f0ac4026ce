/*
 * probe.h - what a probe is, and what comes of it. probes.h has all of them.
 *
 * Each probe takes values (7 and more) of 50 microseconds and more each, for about 20 milliseconds,
 * and each value is the mean over many operations; what has to be set up first is outside. One
 * whose single operation takes longer (half a second for all of them at most, at 256 MiB) takes 7.
 */
#ifndef GROWBENCH_HARNESS_PROBE_H
#define GROWBENCH_HARNESS_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"

enum probe_status {
	PROBE_OK,
	/* This machine, system or allocator does not offer it; no error. */
	PROBE_UNAVAILABLE,
	/* The probe's own means were not to be had. */
	PROBE_FAILED,
};

/* What `bytes` a probe is for. */
enum probe_sizing {
	/* Working sets, in each level of cache and in memory: probe_sizes tells which. */
	PROBE_SIZED_BY_CACHES,
	/* The row_bytes of the cells that are to be explained. */
	PROBE_SIZED_BY_ROWS,
	/* Those in the probe's own list, and any other that its help allows. */
	PROBE_SIZED_BY_LIST,
	/* The sizes of huge pages that are on, and the largest that there is. */
	PROBE_SIZED_BY_HUGE_PAGES,
};

enum {
	PROBE_MAX_VALUES = 32
};

struct probe_result {
	double probe_ns; /* of one operation, median of the values */
	double min_ns;
	unsigned value_count;
};

struct probe {
	const char *name;
	/* One line, imperative, without a full stop. */
	const char *help;
	/* What one operation is, and so what the nanoseconds are of. */
	const char *operation;
	enum probe_sizing sizing;
	/* PROBE_SIZED_BY_CACHES: working sets of `bytes` that are in use at once. */
	unsigned set_count;
	/* PROBE_SIZED_BY_LIST: the list, ended by 0. */
	const size_t *sizes;
	/* Each of these is rounded up to whole pages. */
	bool in_pages;
	/* The allocator does it, so it is to be probed under each. */
	bool of_allocator;
	enum probe_status (*run)(size_t bytes, struct probe_result *result, struct error *error);
};

#endif
