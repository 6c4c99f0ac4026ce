/*
 * counting.h - the workers of the instructions pass: which are started, and how several at once:
 * what they find does not depend on who runs beside them. All other workers run one at a time.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_COUNTING_H
#define GROWBENCH_HARNESS_RUNNER_COUNTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/runner/execute/callgrind.h"
#include "harness/runner/execute/check.h"
#include "harness/runner/execute/worker.h"
#include "harness/runner/plan/plan.h"

struct counting_job {
	bool is_skipped; /* its record is there already, and no worker is to be started */
	struct worker_task task;
	struct record record; /* the caller makes it, and releases it */
	bool is_done;
};

/* Fills a job that is skipped so far, and whose record is empty: its task, or in its record why the
 * visit's instructions are not counted. The cell is one that can be built. */
void counting_prepare(const struct plan *plan, const struct valgrind *valgrind,
		      const struct allocator_check *check, const struct visit *visit,
		      struct counting_job *job);

/* How many workers may count the visits at once: as many as there are CPUs, and as there is memory
 * for the largest of them. */
unsigned counting_lanes(const struct plan *plan, const struct visit *visits, uint64_t count);

/* Called in the caller's thread, with the jobs in their order, each as soon as it and those before
 * it are done. False: give up. */
typedef bool counting_take(struct counting_job *job, void *data);

/*
 * Does the jobs by at most `lanes` workers at once, each on any of the CPUs that this process might
 * use when the pool's topology was loaded; settings are those of the pool. After an interrupt no
 * worker is started any more, and the jobs that none was started for are not done. False if `take`
 * gave up.
 */
bool counting_run(const struct worker_pool *pool, unsigned lanes, struct counting_job *jobs,
		  size_t count, counting_take *take, void *data);

#endif
