/*
 * probe.h - what this machine can do: the price of each single thing that a build is made of.
 *
 * To add a probe: write its function in one of probes_memory.c, probes_system.c and
 * probes_allocator.c, declare it in probe_values.h, and add a row to the table in probe.c. Help
 * texts, tests and the runner's plan derive from the table.
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

/* All probes, then one whose name is NULL. */
extern const struct probe probes[];

/* The probe of that name, or NULL. */
const struct probe *probe_find(const char *name);

/*
 * Runs a probe for `bytes` (1 and more) in this process, on the CPU that it is pinned to. *result
 * is valid for PROBE_OK only; otherwise *error says why there is none. All memory is given back. In
 * one thread only: mremap moves to addresses that it knows to be free.
 */
enum probe_status probe_run(const struct probe *probe, size_t bytes, struct probe_result *result,
			    struct error *error);

/*
 * The sizes that a probe is meant for, ascending, at most `most` of them into *sizes; returns how
 * many. For PROBE_SIZED_BY_CACHES: of each data cache that one core sees (`cache_bytes`, ascending)
 * half, so that all of it stays there next to what else there is, and twice, where that is less
 * than half of the next; and for memory four times the last level, but at least 64 MiB and at most
 * 256 MiB. Each is divided among the probe's working sets. Of PROBE_SIZED_BY_ROWS it knows none,
 * and returns 0, and so it does for PROBE_SIZED_BY_HUGE_PAGES where the kernel knows none.
 */
size_t probe_sizes(const struct probe *probe, const uint64_t *cache_bytes, size_t cache_count,
		   uint64_t *sizes, size_t most);

#endif
