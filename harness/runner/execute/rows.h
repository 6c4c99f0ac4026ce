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
#include "harness/runner/execute/extend.h"
#include "harness/runner/execute/worker.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/process/progress.h"
#include "harness/runner/record/folder.h"
#include "harness/runner/execute/callgrind.h"
#include "harness/runner/record/record.h"
#include "harness/runner/request/requirements.h"

/* A run under way. */
struct run {
	const struct request *request;
	struct topology topology;
	struct plan plan;
	struct visit *visits; /* plan_order */
	struct extend_notes notes;
	struct worker_pool pool;
	struct progress progress;
	struct folder folder;
	char worker_path[PATH_MAX];
	char machine_id[96];
	char run_id[128];
	json_t *description; /* machine.json as it grows */
	struct allocator_check *checks;
	struct valgrind valgrind; /* what counts instructions, if any are to be counted */
	bool *done;               /* for each position from 0: is its row in the file? */
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

/* Takes account of the row of a visit: does it measure what was named, is it of a worker that
 * failed, how far apart are its cell's times? */
void rows_note(struct run *run, const struct visit *visit, const struct record *record);

/* Looks at the machine, as workers do: their time counts as theirs. */
void rows_look_at_host(struct run *run, enum host_moment moment);

/* Makes and writes the rows from position `from` to before `to`, both from 0, that are not there
 * yet, until there is an interrupt. `what` names them on the progress bar. */
bool rows_make(struct run *run, const char *what, uint64_t from, uint64_t to, struct error *error);

#endif
