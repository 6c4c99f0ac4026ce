/*
 * worker.h - one worker for one cell: from the plan's visit to a finished row.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_WORKER_H
#define GROWBENCH_HARNESS_RUNNER_WORKER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/runner/machine/cgroup.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/process/process.h"
#include "harness/runner/record/record.h"
#include "harness/runner/machine/topology.h"

/* What all workers of a run have in common. */
struct worker_pool {
	const char *path; /* the worker program, but for allocators that name another build's */
	const struct topology *topology;
	uint64_t timeout_ns;
	enum row_work work;
	const char *profile; /* what replays are of, with the process; NULL: there are none */
	uint64_t profile_process;
	const volatile sig_atomic_t *interrupts;
	int kill_at; /* a worker is killed as soon as there are so many of them */
	/* Its environment but for the allocator's part; NULL-terminated, owned. */
	char **environment;
	const char *valgrind;           /* the program that counts; NULL: none is needed */
	struct process_result *process; /* room for a result, owned */
	struct cgroup_watch watch;      /* what is counted against it; owned */
};

/* Sets up the pool, without valgrind; path, topology and interrupts must outlive it. */
void worker_pool_init(struct worker_pool *pool, const char *path, const struct topology *topology,
		      const struct request *request, const volatile sig_atomic_t *interrupts);

void worker_pool_release(struct worker_pool *pool);

/* One worker's task. */
struct worker_task {
	const char *pass;
	const struct strategy *strategy;             /* NULL where the pass needs none */
	const struct implementation *implementation; /* whose program; NULL: growbench-worker */
	const char *probe; /* what to probe, in the pass of that name; else NULL */
	struct size size;
	const struct allocator *allocator;
	uint64_t iterations; /* 0: no warm part */
	unsigned values;
	uint64_t points; /* of a timeline, in the trace pass; 0: none */
	/* Of a duet (duet.h): the place of its first CPU among the workers', and the socket to its
	 * partner, which worker_run() closes; NULL: it has none. */
	size_t first_cpu;
	int *partner_fd;
};

/*
 * Runs the worker and fills the record's columns from status to the end: its figures if all went
 * well and it proved that the right library supplied malloc, else a status that says what happened:
 *
 *   ok, out_of_memory, wrong_checksum, failed  as the worker says
 *   unprobed         as the worker says: this machine does not offer what was to be probed
 *   unavailable      the allocator is missing (nothing is started), or, as the worker says, what it
 *                    needs itself
 *   wrong_allocator  another library than the one asked for supplied malloc
 *   oom_killed       ended by the kernel, which was out of memory, or its control group was
 *   crashed          ended by another signal
 *   exited           ended with another exit status than 0
 *   timeout          killed after the time limit
 *   bad_report       said what cannot be believed
 *   not_started      the program could not be started
 *   interrupted      killed by a second Ctrl-C
 *
 * Only "ok" leaves figures in the record. Returns for how long the worker lived, in ns. A worker of
 * the instructions pass runs under the pool's valgrind, on all CPUs that the caller may use, and
 * its counts are among the figures.
 */
uint64_t worker_run(struct worker_pool *pool, const struct worker_task *task,
		    struct record *record);

/* The program that measures this allocator: its build's, or the pool's. */
const char *worker_program(const struct worker_pool *pool, const struct allocator *allocator);

/* On how many CPUs a worker of so many threads runs, if it has the machine to itself. */
size_t worker_cpu_count(const struct topology *topology, unsigned threads);

/* Does the record's status mean that something went wrong with a worker? */
bool worker_failed(const struct record *record);

#endif
