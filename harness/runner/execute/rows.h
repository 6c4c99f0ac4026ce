/*
 * rows.h - the rows of a run: each visit of the plan becomes one.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_ROWS_H
#define GROWBENCH_HARNESS_RUNNER_ROWS_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/runner/execute/check.h"
#include "harness/runner/execute/host.h"
#include "harness/runner/execute/worker.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/process/progress.h"
#include "harness/runner/record/folder.h"
#include "harness/runner/record/record.h"
#include "harness/runner/request/requirements.h"

/* A run under way. */
struct run {
	const struct request *request;
	struct topology topology;
	struct plan plan;
	struct visit *visits; /* plan_order */
	struct worker_pool pool;
	struct progress progress;
	struct folder folder;
	char worker_path[PATH_MAX];
	char machine_id[96];
	char run_id[128];
	json_t *description; /* machine.json as it grows */
	struct allocator_check *checks;
	bool *done; /* for each position from 0: is its row in the file? */
	struct requirements requirements;
	struct host host;
	uint64_t rows_written;
	uint64_t rows_failed;
	char first_failure[400]; /* the first of them, in words */
	bool can_be_resumed;     /* its description is there */
	uint64_t alive_ns;       /* time in which workers of this session's rounds lived */
	uint64_t rounds_ns;      /* time of this session's rounds */
};

/* Sets the columns that say what a visit is of; positions count from 0. */
void rows_set_cell(const struct run *run, const struct visit *visit, uint64_t position,
		   struct record *record);

/* Takes account of a row: does it measure what was named, or is it of a worker that failed? */
void rows_note(struct run *run, const struct record *record);

/* Makes and writes all rows that are not there yet, until there is an interrupt. */
bool rows_make(struct run *run, struct error *error);

#endif
