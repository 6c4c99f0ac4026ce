#include "harness/runner/execute/counting.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <glib.h>

#include "harness/common/constants.h"

void counting_prepare(const struct plan *plan, const struct valgrind *valgrind,
		      const struct allocator_check *check, const struct visit *visit,
		      struct counting_job *job)
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

/* What the lanes share; the lock is over `next`, the jobs' is_done, and `given_up`. */
struct counting {
	const struct worker_pool *settings;
	struct counting_job *jobs;
	size_t count;
	size_t next; /* the first job that nobody has taken */
	bool given_up;
	GMutex lock;
	GCond done;
};

/* The workers' CPUs are all that this process might use before the runner went off the first. */
static void use_all_cpus(const struct topology *topology)
{
	cpu_set_t all;

	CPU_ZERO(&all);
	for (size_t i = 0; i < topology->worker_cpu_count; i++)
		CPU_SET(topology->worker_cpus[i], &all);
	if (topology->worker_cpu_count > 0)
		(void)pthread_setaffinity_np(pthread_self(), sizeof all, &all);
}

/* The next job that has to be done, or NULL. */
static struct counting_job *take_job(struct counting *counting)
{
	struct counting_job *job = NULL;

	g_mutex_lock(&counting->lock);
	while (job == NULL && counting->next < counting->count && !counting->given_up &&
	       *counting->settings->interrupts == 0) {
		job = &counting->jobs[counting->next++];
		if (job->is_skipped)
			job = NULL;
	}
	g_mutex_unlock(&counting->lock);
	return job;
}

static void *run_lane(void *data)
{
	struct counting *counting = data;
	struct worker_pool pool = *counting->settings;
	struct counting_job *job;

	/* Of what a pool owns, the room for a result is used by one worker at a time. */
	pool.process = g_new(struct process_result, 1);
	use_all_cpus(pool.topology);
	while ((job = take_job(counting)) != NULL) {
		(void)worker_run(&pool, &job->task, &job->record);
		g_mutex_lock(&counting->lock);
		job->is_done = true;
		g_cond_signal(&counting->done);
		g_mutex_unlock(&counting->lock);
	}
	g_free(pool.process);
	return NULL;
}

/* Waits until the job is done, or will not be. A second interrupt ends the lanes' waits, which it
 * need not have reached. */
static bool wait_for(struct counting *counting, size_t job, const pthread_t *lanes, unsigned count)
{
	const struct worker_pool *pool = counting->settings;
	bool done;

	g_mutex_lock(&counting->lock);
	while (!counting->jobs[job].is_done && (job < counting->next || *pool->interrupts == 0)) {
		(void)g_cond_wait_until(&counting->done, &counting->lock,
					g_get_monotonic_time() + 100000);
		for (unsigned i = 0; i < count && *pool->interrupts >= pool->kill_at; i++)
			(void)pthread_kill(lanes[i], SIGINT);
	}
	done = counting->jobs[job].is_done;
	g_mutex_unlock(&counting->lock);
	return done;
}

static unsigned start_lanes(struct counting *counting, pthread_t *lanes, unsigned wanted)
{
	unsigned count = 0;

	while (count < wanted && pthread_create(&lanes[count], NULL, run_lane, counting) == 0)
		count++;
	/* Without threads this one does it all. */
	if (count == 0)
		(void)run_lane(counting);
	return count;
}

bool counting_run(const struct worker_pool *pool, unsigned lanes, struct counting_job *jobs,
		  size_t count, counting_take *take, void *data)
{
	struct counting counting = {.settings = pool, .jobs = jobs, .count = count};
	g_autofree pthread_t *threads = g_new(pthread_t, lanes);
	bool ok = true;
	unsigned started;

	g_mutex_init(&counting.lock);
	g_cond_init(&counting.done);
	started = start_lanes(&counting, threads, lanes);
	for (size_t i = 0; i < count && ok; i++)
		if (jobs[i].is_skipped || wait_for(&counting, i, threads, started))
			ok = take(&jobs[i], data);
	g_mutex_lock(&counting.lock);
	counting.given_up = !ok;
	g_mutex_unlock(&counting.lock);
	for (unsigned i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	g_mutex_clear(&counting.lock);
	g_cond_clear(&counting.done);
	return ok;
}
