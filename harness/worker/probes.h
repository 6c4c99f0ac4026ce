/*
 * probes.h - what this machine can do: the price of each single thing that a build is made of.
 *
 * To add a probe: write its function in one of probes_memory.c, probes_pages.c, probes_calls.c and
 * probes_allocator.c, declare it in probe_values.h, and add a row to the table in probes.c. Help
 * texts, tests and the runner's plan derive from the table.
 */
#ifndef GROWBENCH_HARNESS_PROBES_H
#define GROWBENCH_HARNESS_PROBES_H

#include "harness/worker/probe.h"

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
