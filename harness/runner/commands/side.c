#include "harness/runner/commands/side.h"

#include "harness/runner/process/interrupts.h"
#include "harness/runner/process/program.h"

bool side_init(struct bench_side *side, const struct request *request, struct error *error)
{
	if (!topology_load(&side->topology, request->cpu, error) ||
	    !program_worker(request->worker, side->worker_path, error))
		return false;
	worker_pool_init(&side->pool, side->worker_path, &side->topology, request, &interrupts);
	/* There is nothing to finish. */
	side->pool.kill_at = 1;
	return true;
}
