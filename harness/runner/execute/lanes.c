#include "harness/runner/execute/lanes.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <glib.h>

/* What the lanes share; the lock is over `next`, the jobs' is_done, and `given_up`. */
struct lanes {
	const struct worker_pool *settings;
	struct lane_job *jobs;
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
static struct lane_job *take_job(struct lanes *shared)
{
	struct lane_job *job = NULL;

	g_mutex_lock(&shared->lock);
	while (job == NULL && shared->next < shared->count && !shared->given_up &&
	       *shared->settings->interrupts == 0) {
		job = &shared->jobs[shared->next++];
		if (job->is_skipped)
			job = NULL;
	}
	g_mutex_unlock(&shared->lock);
	return job;
}

static void *run_lane(void *data)
{
	struct lanes *shared = data;
	struct worker_pool pool = *shared->settings;
	struct lane_job *job;

	/* Of what a pool owns, the room for a result is used by one worker at a time. */
	pool.process = g_new(struct process_result, 1);
	use_all_cpus(pool.topology);
	while ((job = take_job(shared)) != NULL) {
		(void)worker_run(&pool, &job->task, &job->record);
		g_mutex_lock(&shared->lock);
		job->is_done = true;
		g_cond_signal(&shared->done);
		g_mutex_unlock(&shared->lock);
	}
	g_free(pool.process);
	return NULL;
}

/* Waits until the job is done, or will not be. A second interrupt ends the lanes' waits, which it
 * need not have reached. */
static bool wait_for(struct lanes *shared, size_t job, const pthread_t *lanes, unsigned count)
{
	const struct worker_pool *pool = shared->settings;
	bool done;

	g_mutex_lock(&shared->lock);
	while (!shared->jobs[job].is_done && (job < shared->next || *pool->interrupts == 0)) {
		(void)g_cond_wait_until(&shared->done, &shared->lock,
					g_get_monotonic_time() + 100000);
		for (unsigned i = 0; i < count && *pool->interrupts >= pool->kill_at; i++)
			(void)pthread_kill(lanes[i], SIGINT);
	}
	done = shared->jobs[job].is_done;
	g_mutex_unlock(&shared->lock);
	return done;
}

static unsigned start_lanes(struct lanes *shared, pthread_t *lanes, unsigned wanted)
{
	unsigned count = 0;

	while (count < wanted && pthread_create(&lanes[count], NULL, run_lane, shared) == 0)
		count++;
	/* Without threads this one does it all. */
	if (count == 0)
		(void)run_lane(shared);
	return count;
}

bool lanes_run(const struct worker_pool *pool, unsigned lanes, struct lane_job *jobs, size_t count,
	       lanes_take *take, void *data)
{
	struct lanes shared = {.settings = pool, .jobs = jobs, .count = count};
	g_autofree pthread_t *threads = g_new(pthread_t, lanes);
	bool ok = true;
	unsigned started;

	g_mutex_init(&shared.lock);
	g_cond_init(&shared.done);
	started = start_lanes(&shared, threads, lanes);
	for (size_t i = 0; i < count && ok; i++)
		if (jobs[i].is_skipped || wait_for(&shared, i, threads, started))
			ok = take(&jobs[i], data);
	g_mutex_lock(&shared.lock);
	shared.given_up = !ok;
	g_mutex_unlock(&shared.lock);
	for (unsigned i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	g_mutex_clear(&shared.lock);
	g_cond_clear(&shared.done);
	return ok;
}
