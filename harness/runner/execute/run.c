#include "harness/runner/execute/run.h"

#include <string.h>

#include <glib.h>

#include "harness/runner/execute/duet.h"
#include "harness/runner/machine/machine.h"
#include "harness/runner/process/interrupts.h"
#include "harness/runner/process/program.h"

/* The one whose folder is there, for run_give_up. */
static struct run *under_way;

bool run_init(struct run *run, const struct request *request, struct error *error)
{
	interrupts_ignore_write_signals();
	*run = (struct run){
		.request = request,
		.progress = progress_init(request->given.quiet),
		.folder = {.csv_fd = -1, .timeline_fd = -1},
	};
	if (!topology_load(&run->topology, request->cpu, error) ||
	    !duet_check(request, &run->topology, error) ||
	    !program_worker(request->worker, run->worker_path, error) ||
	    !plan_make(&run->plan, request, &run->topology,
		       machine_memory_bytes() / duet_workers(request), error))
		return false;
	worker_pool_init(&run->pool, run->worker_path, &run->topology, request, &interrupts);
	machine_id(&run->topology, run->machine_id, sizeof run->machine_id);
	run->checks = g_new0(struct allocator_check, request->allocator_count);
	run->done = g_new0(bool, plan_row_count(&run->plan));
	run->visits = plan_order(&run->plan);
	run->host = host_init(&run->topology, request, &run->plan);
	run->notes = extend_notes_init(&run->plan);
	run->runner_has_its_own_cpu = topology_avoid_cpus(
		&run->topology, (size_t)duet_workers(request) * request_most_cpus(request));
	return true;
}

void run_release(struct run *run)
{
	under_way = NULL;
	folder_release(&run->folder);
	json_decref(run->description);
	worker_pool_release(&run->pool);
	plan_release(&run->plan);
	requirements_release(&run->requirements);
	extend_notes_release(&run->notes);
	g_free(run->checks);
	valgrind_release(&run->valgrind);
	g_free(run->done);
	g_free(run->visits);
}

void run_has_folder(struct run *run)
{
	under_way = run;
}

const char *run_give_up(void)
{
	if (under_way == NULL)
		return NULL;
	progress_end(&under_way->progress);
	if (under_way->can_be_resumed)
		return under_way->folder.path;
	folder_abandon(&under_way->folder);
	return NULL;
}

void run_renew_visits(struct run *run, uint64_t kept)
{
	const uint64_t count = plan_row_count(&run->plan);

	g_free(run->visits);
	run->visits = plan_order(&run->plan);
	run->done = g_renew(bool, run->done, count);
	memset(&run->done[kept], 0, (count - kept) * sizeof *run->done);
}

struct description_facts run_facts(const struct run *run)
{
	return (struct description_facts){
		.run_id = run->run_id,
		.machine_id = run->machine_id,
		.request = run->request,
		.plan = &run->plan,
		.visits = run->visits,
		.topology = &run->topology,
		.runner_has_its_own_cpu = run->runner_has_its_own_cpu,
	};
}

uint64_t run_needed_bytes(const struct run *run)
{
	uint64_t timelines = run->request->timeline.count * run->request->strategy_count *
			     run->request->row_bytes.count * run->request->allocator_count;

	return plan_row_count(&run->plan) * 800 + (16 << 20) +
	       timelines * run->request->timeline_points * 100;
}
