/*
 * side.h - what doctor and peak need of a run: the machine's CPUs, and a way to start workers.
 */
#ifndef GROWBENCH_HARNESS_SIDE_H
#define GROWBENCH_HARNESS_SIDE_H

#include <limits.h>
#include <stdbool.h>

#include "harness/runner/execute/worker.h"
#include "harness/runner/machine/topology.h"

struct bench_side {
	struct topology topology;
	struct worker_pool pool;
	char worker_path[PATH_MAX];
};

/* False with the error set; else its pool is to be released. */
bool side_init(struct bench_side *side, const struct request *request, struct error *error);

#endif
