/*
 * lanes.h - several workers at once, each in a lane of its own. All other workers run one at a
 * time.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_LANES_H
#define GROWBENCH_HARNESS_RUNNER_LANES_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/runner/execute/worker.h"
#include "harness/runner/record/record.h"

struct lane_job {
	bool is_skipped; /* its record is there already, and no worker is to be started */
	struct worker_task task;
	struct record record; /* the caller makes it, and releases it */
	bool is_done;
};

/* Called in the caller's thread, with the jobs in their order, each as soon as it and those before
 * it are done. False: give up. */
typedef bool lanes_take(struct lane_job *job, void *data);

/*
 * Does the jobs by at most `lanes` workers at once, each on the CPUs that its task says, or else on
 * any that this process might use when the pool's topology was loaded; settings are those of the
 * pool. After an interrupt no worker is started any more, and the jobs that none was started for
 * are not done. False if `take` gave up.
 */
bool lanes_run(const struct worker_pool *pool, unsigned lanes, struct lane_job *jobs, size_t count,
	       lanes_take *take, void *data);

#endif
