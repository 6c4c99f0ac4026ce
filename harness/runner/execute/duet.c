#include "harness/runner/execute/duet.h"

#include <inttypes.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

unsigned duet_workers(const struct request *request)
{
	return request->pairing == PAIRING_DUET ? 2 : 1;
}

bool duet_check(const struct request *request, const struct topology *topology, struct error *error)
{
	const unsigned cpus = request_most_cpus(request);

	if (request->pairing != PAIRING_DUET || topology->worker_cpu_count >= (size_t)2 * cpus)
		return true;
	return error_set(error,
			 "--pairing duet: two workers at once need %u CPUs, and this process may "
			 "use %zu; measure interleaved, one worker at a time",
			 2 * cpus, topology->worker_cpu_count);
}

char *duet_note(const struct request *request, const struct topology *topology)
{
	if (request->pairing != PAIRING_DUET ||
	    topology->worker_core_count >= (size_t)2 * request_most_cpus(request))
		return NULL;
	return g_strdup("the CPUs of the duet share a core, or are of different kinds: its workers "
			"hold each other up");
}

/* Two ends of a socket, above the numbers that the workers get them as. */
static bool open_ends(int ends[2])
{
	int low[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, PROCESS_PARTNER_FD + 1);
		(void)close(low[i]);
	}
	if (ends[0] >= 0 && ends[1] >= 0)
		return true;
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			(void)close(ends[i]);
	return false;
}

static bool take_nothing(struct lane_job *job, void *data)
{
	(void)job;
	(void)data;
	return true;
}

uint64_t duet_run(const struct worker_pool *pool, struct lane_job jobs[2])
{
	const uint64_t start_ns = process_now_ns();
	const bool at_once = !jobs[0].is_skipped && !jobs[1].is_skipped;
	int ends[2] = {-1, -1};

	if (at_once && !open_ends(ends)) {
		for (int i = 0; i < 2; i++) {
			record_set_status(&jobs[i].record, "not_started",
					  "there is no socket for a duet: too many open files");
			jobs[i].is_skipped = true;
		}
		return 0;
	}
	for (int i = 0; i < 2 && at_once; i++) {
		jobs[i].task.first_cpu =
			(size_t)i * request_cpus(jobs[i].task.strategy, jobs[i].task.size.threads);
		jobs[i].task.partner_fd = &ends[i];
	}
	(void)lanes_run(pool, 2, jobs, 2, take_nothing, NULL);
	/* Of one that was never started, after an interrupt; what its partner found alone is no
	 * duet. */
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			(void)close(ends[i]);
	if (at_once && (!jobs[0].is_done || !jobs[1].is_done))
		jobs[0].is_done = jobs[1].is_done = false;
	return process_now_ns() - start_ns;
}
