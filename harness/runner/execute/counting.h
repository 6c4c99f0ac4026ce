/*
 * counting.h - the workers of the instructions pass: which are started, and how many at once
 * (lanes.h): what they find does not depend on who runs beside them.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_COUNTING_H
#define GROWBENCH_HARNESS_RUNNER_COUNTING_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/runner/execute/callgrind.h"
#include "harness/runner/execute/check.h"
#include "harness/runner/execute/lanes.h"
#include "harness/runner/plan/plan.h"

/* Fills a job that is skipped so far, and whose record is empty: its task, or in its record why the
 * visit's instructions are not counted. The cell is one that can be built. */
void counting_prepare(const struct plan *plan, const struct valgrind *valgrind,
		      const struct allocator_check *check, const struct visit *visit,
		      struct lane_job *job);

/* How many workers may count the visits at once: as many as there are CPUs, and as there is memory
 * for the largest of them. */
unsigned counting_lanes(const struct plan *plan, const struct visit *visits, uint64_t count);

#endif
