/*
 * topology.h - the machine's CPUs and caches, and who runs where. A thin layer over hwloc.
 */
#ifndef GROWBENCH_HARNESS_TOPOLOGY_H
#define GROWBENCH_HARNESS_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"

enum {
	TOPOLOGY_MAX_CACHES = 8,
	TOPOLOGY_MAX_WORKER_CPUS = 256
};

struct topology_cache {
	unsigned level;
	char type; /* 'd' data, 'i' instructions, 'u' both */
	uint64_t bytes;
	unsigned line_bytes;
	unsigned shared_by; /* CPUs of the first such cache */
};

struct topology {
	unsigned packages;
	unsigned numa_nodes;
	unsigned cores;
	unsigned cpus;    /* of the machine */
	unsigned allowed; /* that this process may use */
	uint64_t memory_bytes;
	size_t cache_count;
	struct topology_cache caches[TOPOLOGY_MAX_CACHES];
	/* CPUs by the system's numbers, in the order in which workers take them: those of the
	 * first's kind before others, and different cores first. */
	size_t worker_cpu_count;
	size_t worker_core_count; /* the first of them, which are of one kind and no two of a core
				   */
	unsigned worker_cpus[TOPOLOGY_MAX_WORKER_CPUS];
};

/*
 * Looks at the machine and chooses the workers' CPUs: `first_cpu` and those after it, or, if it is
 * -1, the last core and those before it, as the first is the one that systems keep busy. False with
 * a message if the CPU is not ours to use.
 */
bool topology_load(struct topology *topology, int first_cpu, struct error *error);

/* Keeps this process off the first `count` of the workers' CPUs, if any other is allowed; false if
 * none is, so that runner and workers share one. */
bool topology_avoid_cpus(const struct topology *topology, size_t count);

#endif
