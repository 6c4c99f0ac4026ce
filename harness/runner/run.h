/*
 * run.h - a run: pilot, rounds, files.
 */
#ifndef GROWBENCH_HARNESS_RUN_H
#define GROWBENCH_HARNESS_RUN_H

#include "harness/common/error.h"
#include "harness/runner/options.h"
#include "harness/runner/progress.h"
#include "harness/runner/topology.h"
#include "harness/runner/worker.h"

/* Exit statuses of the runner. */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,      /* the runner itself could not go on */
	EXIT_USAGE = 2,       /* nothing was written */
	EXIT_WORKERS = 3,     /* the run is whole, but workers failed: see the status column */
	EXIT_INTERRUPTED = 130,
};

/* The worker program beside the runner, or the one that --worker names. False with a message if it
 * cannot be executed. `path` has room for PATH_MAX. */
bool run_worker_path(const struct options *options, char *path, struct error *error);

/*
 * What each allocator turns out to be: one worker for each, which must prove that the library that
 * was asked for supplies malloc, and measures the resolution of peak readings.
 */
struct allocator_check {
	char status[32]; /* "ok", or as in worker.h */
	char detail[700];
	char version[128];
	char build_id[130];
	bool resolution_known;
	uint64_t resolution_bytes;
};

/* Checks one allocator. */
void run_check_allocator(struct worker_pool *pool, const struct allocator *allocator,
			 struct allocator_check *check);

/* Does the run that the options ask for; argc and argv are recorded. Prints the run's folder on
 * standard output if it has rows. */
enum exit_status run_new(const struct options *options, int argc, char **argv,
			 struct error *error);

/* Goes on with the run in options->resume. */
enum exit_status run_resume(const struct options *options, struct error *error);

#endif
