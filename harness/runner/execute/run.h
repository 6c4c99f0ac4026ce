/*
 * run.h - a run under way: what its parts share.
 *
 * begin.c begins one and resume.c goes on with one, both find out what can be had here (detect.h)
 * and then do the rest (session.h), whose rows are made in rows.h.
 */
#ifndef GROWBENCH_HARNESS_RUN_H
#define GROWBENCH_HARNESS_RUN_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/runner/execute/callgrind.h"
#include "harness/runner/execute/check.h"
#include "harness/runner/execute/description.h"
#include "harness/runner/execute/extend.h"
#include "harness/runner/execute/host.h"
#include "harness/runner/execute/worker.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/process/progress.h"
#include "harness/runner/record/folder.h"
#include "harness/runner/request/requirements.h"

struct run {
	const struct request *request;
	struct topology topology;
	bool runner_has_its_own_cpu; /* it keeps off those of the workers */
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

/* Sets up the run, with its plan, and keeps the runner off the workers' CPUs; touches no file.
 * False with a message if it cannot be done. The request must outlive the run; run_release() is due
 * in any case. */
bool run_init(struct run *run, const struct request *request, struct error *error);

void run_release(struct run *run);

/* The run's folder is there, for run_give_up(), until run_release(). */
void run_has_folder(struct run *run);

/*
 * For when the process has to end at once (no_memory.c): brings the folder of the run under way
 * into order, and returns its path if the run can be gone on with; NULL if it cannot, or there is
 * none. Allocates nothing.
 */
const char *run_give_up(void);

/* Sets the visits of a plan that was extended now: of the rows from position `kept` on, none is
 * there. */
void run_renew_visits(struct run *run, uint64_t kept);

/* What a description needs to know: all of it belongs to the run. */
struct description_facts run_facts(const struct run *run);

/* Room on the disk for all rows, the summary and the plots, with a margin. */
uint64_t run_needed_bytes(const struct run *run);

#endif
