#include "harness/runner/execute/counting.h"

#include <inttypes.h>

#include "harness/common/constants.h"

void counting_prepare(const struct plan *plan, const struct valgrind *valgrind,
		      const struct allocator_check *check, const struct visit *visit,
		      struct lane_job *job)
{
	const struct request *request = plan->request;
	const struct block *block = &plan->blocks[visit->block];

	if (valgrind->path == NULL) {
		record_set_status(&job->record, "uncounted", "%s", valgrind->why_not.text);
	} else if (check->uncounted[0] != '\0') {
		record_set_status(&job->record, "uncounted", "%s", check->uncounted);
	} else if (!plan_counting_is_affordable(plan, block)) {
		record_set_status(&job->record, "uncounted",
				  "counting would take about %.0f s, more than %d%% of the budget "
				  "of %" PRIu64 " s; --budget gives more",
				  plan_counting_ns(block) / 1e9, BUDGET_SHARE_PERCENT,
				  request->budget_s);
	} else {
		job->is_skipped = false;
		job->task = (struct worker_task){
			.pass = pass_names[visit->pass],
			.strategy = block->strategy,
			.size = block->size,
			.allocator = &request->allocators[visit->allocator],
		};
	}
}

unsigned counting_lanes(const struct plan *plan, const struct visit *visits, uint64_t count)
{
	const uint64_t valgrind_bytes = 128 << 20;
	uint64_t largest = 0;
	uint64_t lanes;

	for (uint64_t i = 0; i < count; i++) {
		const uint64_t bytes = plan_needed_bytes(&plan->blocks[visits[i].block]);

		if (bytes <= plan->memory_bytes && bytes > largest)
			largest = bytes;
	}
	lanes = plan->memory_bytes / (largest + valgrind_bytes);
	return lanes < 1 ? 1 : lanes < plan->cpus ? (unsigned)lanes : plan->cpus;
}
