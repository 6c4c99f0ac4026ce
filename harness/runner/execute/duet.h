/*
 * duet.h - two workers of a pair at once, each on a CPU of its own: what disturbs the machine
 * disturbs both (Bulej et al., Duet benchmarking, ICPE 2020).
 *
 * They are started together, and a socket between them lets them begin what is timed at the same
 * moment (worker/partner.h). The slower of the two is alone for as long as it takes more.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_DUET_H
#define GROWBENCH_HARNESS_RUNNER_DUET_H

#include <stdbool.h>

#include "harness/common/error.h"
#include "harness/runner/execute/lanes.h"
#include "harness/runner/machine/topology.h"
#include "harness/runner/request/request.h"

/* How many workers run at once in the pass measure: 1 or 2. */
unsigned duet_workers(const struct request *request);

/* Are there CPUs for them? False with a message if not. */
bool duet_check(const struct request *request, const struct topology *topology,
		struct error *error);

/* What there is to know about the CPUs of a duet, for g_free; NULL if there is nothing. */
char *duet_note(const struct request *request, const struct topology *topology);

/*
 * Does two jobs of the same block at once, the first on the first CPUs of the workers'. A job that
 * is skipped leaves the other alone. After an interrupt jobs may not be done; and of a pair that
 * was to run at once either both are, or neither. Returns for how long the first and the last of
 * them lived together, in ns.
 */
uint64_t duet_run(const struct worker_pool *pool, struct lane_job jobs[2]);

#endif
