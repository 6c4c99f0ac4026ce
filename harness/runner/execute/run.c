#include "harness/runner/execute/run.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/common/columns.h"
#include "harness/common/constants.h"
#include "harness/common/text.h"
#include "harness/runner/execute/check.h"
#include "harness/runner/execute/description.h"
#include "harness/runner/record/folder.h"
#include "harness/runner/request/read.h"
#include "harness/runner/process/interrupts.h"
#include "harness/runner/machine/machine.h"
#include "harness/runner/execute/pilot.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/process/program.h"
#include "harness/runner/process/progress.h"
#include "harness/runner/request/requirements.h"
#include "harness/runner/process/verbs.h"

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
	unsigned char *done; /* for each position from 0: is its row in the file? */
	struct requirements requirements;
	uint64_t rows_written;
	uint64_t rows_failed;
	char first_failure[400]; /* the first of them, in words */
	bool can_be_resumed;     /* its description is there */
	uint64_t alive_ns;       /* time in which workers of this session's rounds lived */
	uint64_t rounds_ns;      /* time of this session's rounds */
};

/* The one whose folder is there, for run_give_up. */
static struct run *under_way;

bool run_worker_path(const struct request *request, char *path, struct error *error)
{
	if (request->worker != NULL) {
		const char *reason = program_why_not(request->worker);

		if (reason == NULL && realpath(request->worker, path) == NULL)
			reason = strerror(errno);
		return reason == NULL || error_set(error, "--worker: %s cannot be executed: %s",
						   request->worker, reason);
	}
	if (!program_own_folder(path, error))
		return false;
	if (strlen(path) + sizeof WORKER_PROGRAM + 1 > PATH_MAX)
		return error_set(error, "%s: the folder's name is too long", path);
	(void)strcat(path, "/" WORKER_PROGRAM);
	if (access(path, X_OK) != 0)
		return error_set(error,
				 "%s is not there; build it with cmake --build, or name one with "
				 "--worker",
				 path);
	return true;
}

/* ---- rows ---- */

static void set_block(const struct run *run, const struct visit *visit, struct record *record)
{
	const struct block *block = &run->plan.blocks[visit->block];
	const struct allocator_check *check = &run->checks[visit->allocator];

	record_set_text(record, "implementation", block->strategy->implementation);
	record_set_text(record, "strategy", block->strategy->name);
	record_set_count(record, "rows", block->size.rows);
	record_set_count(record, "row_bytes", block->size.row_bytes);
	record_set_count(record, "threads", block->size.threads);
	record_set_count(record, "payload_bytes", plan_payload_bytes(block));
	/* Each CPU has a batch of its own. */
	if (check->resolution_known && visit->pass == plan_measuring_pass(block))
		record_set_count(record, "peak_resolution_bytes",
				 check->resolution_bytes *
					 worker_cpu_count(&run->topology, block->size.threads));
}

static void set_probe(const struct run *run, const struct visit *visit, struct record *record)
{
	const struct probe_visit *probe = &run->plan.probes[visit->block];

	record_set_text(record, "implementation", "c");
	record_set_text(record, "strategy", probe->probe->name);
	record_set_count(record, "rows", 1);
	record_set_count(record, "row_bytes", probe->bytes);
	record_set_count(record, "threads", 1);
	record_set_count(record, "payload_bytes", probe->bytes);
}

static void set_cell(const struct run *run, const struct visit *visit, uint64_t position,
		     struct record *record)
{
	record_set_count(record, "schema_version", SCHEMA_VERSION);
	record_set_text(record, "run_id", run->run_id);
	record_set_text(record, "machine_id", run->machine_id);
	record_set_count(record, "round", visit->round + 1);
	record_set_count(record, "position", position + 1);
	record_set_text(record, "pass", pass_names[visit->pass]);
	record_set_text(record, "allocator", run->request->allocators[visit->allocator].name);
	record_set_text(record, "work", row_work_names[run->request->work]);
	record_set_count(record, "page_bytes", (uint64_t)sysconf(_SC_PAGESIZE));
	if (visit->pass == PASS_PROBE)
		set_probe(run, visit, record);
	else
		set_block(run, visit, record);
}

static void set_no_memory(const struct run *run, uint64_t needed_bytes, struct record *record)
{
	char detail[128];

	(void)snprintf(detail, sizeof detail,
		       "it needs up to %" PRIu64 " MB, and a worker may use %" PRIu64 " MB",
		       needed_bytes / 1000000, run->plan.memory_bytes / 1000000);
	record_set_text(record, "status", "skipped_memory");
	record_set_text(record, "status_detail", detail);
}

static void set_skipped(const struct run *run, const struct visit *visit, const struct cell *cell,
			struct record *record)
{
	const struct block *block = &run->plan.blocks[visit->block];
	const struct allocator_check *check = &run->checks[visit->allocator];
	char detail[256];

	switch (cell->skip) {
	case CELL_PREDICTED:
		(void)snprintf(detail, sizeof detail,
			       "%" PRIu64
			       " rounds would take more than %d%% of the budget of %" PRIu64
			       " s; --budget gives more",
			       run->request->rounds, BUDGET_SHARE_PERCENT, run->request->budget_s);
		record_set_text(record, "status", "skipped_predicted");
		record_set_text(record, "status_detail", detail);
		record_set_real(record, "predicted_cold_build_release_ns", cell->cold_ns);
		record_set_real(record, "predicted_warm_build_release_ns", cell->warm_ns);
		break;
	case CELL_NO_MEMORY:
		set_no_memory(run, plan_needed_bytes(block), record);
		break;
	case CELL_UNSUPPORTED:
		(void)snprintf(detail, sizeof detail,
			       "%s is not compiled for rows of %" PRIu64 " bytes",
			       block->strategy->name, block->size.row_bytes);
		record_set_text(record, "status", "unsupported");
		record_set_text(record, "status_detail", detail);
		break;
	case CELL_MEASURED:
		if (plan_is_slow_to_start(block) && cell->rounds == run->request->slow_rounds)
			(void)snprintf(detail, sizeof detail,
				       "programs that take long to start are measured in %" PRIu64
				       " of the %" PRIu64 " rounds; --rounds gives them all",
				       cell->rounds, run->request->rounds);
		else
			(void)snprintf(detail, sizeof detail,
				       "all %" PRIu64
				       " rounds would take more than %d%% of the budget of "
				       "%" PRIu64 " s: %" PRIu64 " of them are measured",
				       run->request->rounds, BUDGET_SHARE_PERCENT,
				       run->request->budget_s, cell->rounds);
		record_set_text(record, "status", "skipped_rounds");
		record_set_text(record, "status_detail", detail);
		break;
	case CELL_NO_IMPLEMENTATION:
		record_set_text(record, "status", block->implementation->status);
		record_set_text(record, "status_detail", block->implementation->detail);
		break;
	case CELL_UNAVAILABLE:
	case CELL_WRONG_ALLOCATOR:
		record_set_text(record, "status", check->status);
		record_set_text(record, "status_detail", check->detail);
		break;
	}
}

/* Is the timeline of such cells recorded? */
static bool has_timeline(const struct run *run, const struct size *size)
{
	const struct counts *timeline = &run->request->timeline;

	for (size_t i = 0; i < timeline->count; i++)
		if (timeline->values[i] == size->rows)
			return size->threads == 1;
	return false;
}

static void do_cell(struct run *run, const struct visit *visit, struct record *record)
{
	const struct block *block = &run->plan.blocks[visit->block];
	const struct cell *cell = plan_cell(&run->plan, visit->block, visit->allocator);
	const struct allocator_check *check = &run->checks[visit->allocator];
	struct worker_task task = {
		.pass = pass_names[visit->pass],
		.strategy = block->strategy,
		.implementation = block->implementation,
		.size = block->size,
		.allocator = &run->request->allocators[visit->allocator],
	};

	if (cell->skip != CELL_MEASURED || (visit->pass == plan_measuring_pass(block) &&
					    !plan_measures(&run->plan, cell, visit->round))) {
		set_skipped(run, visit, cell, record);
		return;
	}
	if (visit->pass == PASS_TRACE && check->untraced[0] != '\0') {
		record_set_text(record, "status", "untraced");
		record_set_text(record, "status_detail", check->untraced);
		return;
	}
	if (visit->pass == PASS_TRACE && plan_trace_bytes(block) > run->plan.memory_bytes) {
		set_no_memory(run, plan_trace_bytes(block), record);
		return;
	}
	if (visit->pass == plan_measuring_pass(block)) {
		task.iterations = plan_has_warm(&run->plan, cell) ? block->iterations : 0;
		task.values = cell->values;
	}
	if (visit->pass == PASS_TRACE && block->implementation == NULL &&
	    has_timeline(run, &block->size))
		task.points = run->request->timeline_points;
	run->alive_ns += worker_run(&run->pool, &task, record);
}

static void do_probe(struct run *run, const struct visit *visit, struct record *record)
{
	const struct probe_visit *probe = &run->plan.probes[visit->block];
	const struct allocator_check *check = &run->checks[visit->allocator];
	const struct worker_task task = {
		.pass = pass_names[PASS_PROBE],
		.probe = probe->probe->name,
		.size = {.rows = 1, .row_bytes = probe->bytes, .threads = 1},
		.allocator = &run->request->allocators[visit->allocator],
	};

	if (strcmp(check->status, "ok") != 0) {
		record_set_text(record, "status", check->status);
		record_set_text(record, "status_detail", check->detail);
		return;
	}
	run->alive_ns += worker_run(&run->pool, &task, record);
}

/* Takes account of a row: does it measure what was named, or is it of a worker that failed? */
static void note_row(struct run *run, const struct record *record)
{
	requirements_note(&run->requirements, record);
	if (!worker_failed(record))
		return;
	if (run->rows_failed++ == 0)
		(void)snprintf(run->first_failure, sizeof run->first_failure,
			       "%s %s %s, %s x %s B, %s: %s: %s", record_get(record, "pass"),
			       record_get(record, "implementation"), record_get(record, "strategy"),
			       record_get(record, "rows"), record_get(record, "row_bytes"),
			       record_get(record, "allocator"), record_get(record, "status"),
			       record_get(record, "status_detail"));
}

/* Makes the row of one visit. */
static void make_row(struct run *run, const struct visit *visit, uint64_t position,
		     struct record *record)
{
	if (visit->pass == PASS_PROBE)
		do_probe(run, visit, record);
	else
		do_cell(run, visit, record);
	/* A column of text that is empty in most rows makes readers guess its type wrongly. */
	if (strcmp(record_get(record, "status"), "ok") == 0)
		record_set_text(record, "status_detail", "measured");
	set_cell(run, visit, position, record);
	note_row(run, record);
}

static void show(struct run *run, const struct visit *visit)
{
	const char *allocator = run->request->allocators[visit->allocator].name;
	char label[160];

	if (visit->pass == PASS_PROBE) {
		const struct probe_visit *probe = &run->plan.probes[visit->block];

		(void)snprintf(label, sizeof label, "probe %s %" PRIu64 " B %s", probe->probe->name,
			       probe->bytes, allocator);
	} else {
		const struct block *block = &run->plan.blocks[visit->block];

		(void)snprintf(label, sizeof label, "%s%s%s %" PRIu64 " x %" PRIu64 " B %s",
			       block->implementation == NULL ? "" : block->implementation->name,
			       block->implementation == NULL ? "" : " ", block->strategy->name,
			       block->size.rows, block->size.row_bytes, allocator);
	}
	progress_show(&run->progress, label);
}

/* Writes the points first: points without a row are left out by who reads them, but a row whose
 * points are missing would not be measured again. */
static bool write_row(struct run *run, const struct record *record, struct error *error)
{
	char *row = record_csv_row(record);
	bool ok = true;

	if (record->points != NULL) {
		char *points = timeline_csv_rows(record);

		ok = folder_append_timeline(&run->folder, timeline_csv_header(), points, error);
		free(points);
	}
	ok = ok && folder_append(&run->folder, row, error);
	run->rows_written += ok;
	free(row);
	return ok;
}

static bool do_visit(struct run *run, const struct visit *visit, uint64_t position,
		     struct error *error)
{
	struct record record = record_init();
	bool ok = true;

	show(run, visit);
	make_row(run, visit, position, &record);
	/* A worker that a second Ctrl-C killed has no row: its cell is done again on resuming. */
	if (strcmp(record_get(&record, "status"), "interrupted") != 0)
		ok = write_row(run, &record, error);
	record_release(&record);
	progress_done(&run->progress, plan_visit_ns(&run->plan, visit));
	return ok;
}

static bool do_rounds(struct run *run, struct error *error)
{
	const uint64_t count = plan_row_count(&run->plan);
	uint64_t start = process_now_ns();
	bool ok = true;

	progress_start(&run->progress, "rounds", count, plan_expected_ns(&run->plan));
	for (uint64_t i = 0; ok && i < count && interrupts == 0; i++) {
		const struct visit *visit = &run->visits[i];

		if (run->done[i])
			progress_skip(&run->progress, plan_visit_ns(&run->plan, visit));
		else
			ok = do_visit(run, visit, i, error);
	}
	progress_end(&run->progress);
	run->rounds_ns = process_now_ns() - start;
	return ok;
}

/* ---- before and after the rounds ---- */

/* What the system does not let a worker read is the same for all allocators: it is said once. */
struct warned {
	bool of_peaks;
	bool of_system_calls;
};

static void warn_of_the_system(struct run *run, const struct allocator_check *check,
			       struct warned *warned)
{
	if (!check->resolution_known && !warned->of_peaks)
		progress_warn(&run->progress,
			      "peaks of memory cannot be read here: %s; their columns stay empty, "
			      "and all else is measured",
			      check->detail);
	if (check->blind[0] != '\0' && !warned->of_system_calls)
		progress_warn(&run->progress,
			      "system calls cannot be counted here: %s; their columns stay empty, "
			      "and all else is counted",
			      check->blind);
	warned->of_peaks |= !check->resolution_known;
	warned->of_system_calls |= check->blind[0] != '\0';
}

static void check_allocators(struct run *run)
{
	const struct request *request = run->request;
	struct warned warned = {false, false};

	for (size_t a = 0; a < request->allocator_count; a++) {
		const struct allocator *allocator = &request->allocators[a];
		struct allocator_check *check = &run->checks[a];

		*check = check_allocator(&run->pool, allocator);
		if (strcmp(check->status, "ok") == 0) {
			if (request->passes[PASS_TRACE])
				check_trace(&run->pool, allocator, check);
			warn_of_the_system(run, check, &warned);
			if (check->untraced[0] != '\0')
				progress_warn(&run->progress, "%s is not traced: %s",
					      allocator->name, check->untraced);
			continue;
		}
		progress_warn(&run->progress, "%s is left out (%s): %s", allocator->name,
			      check->status, check->detail);
		for (size_t b = 0; b < run->plan.block_count; b++) {
			struct cell *cell = plan_cell(&run->plan, b, a);

			if (cell->skip != CELL_UNSUPPORTED && cell->skip != CELL_NO_IMPLEMENTATION)
				cell->skip = allocator->missing != NULL ? CELL_UNAVAILABLE
									: CELL_WRONG_ALLOCATOR;
		}
	}
}

/* Says which implementations cannot be measured. */
static void warn_of_implementations(struct run *run)
{
	for (size_t i = 0; i < run->request->implementation_count; i++) {
		const struct implementation *implementation = &run->request->implementations[i];

		if (strcmp(implementation->status, "ok") != 0)
			progress_warn(&run->progress, "%s is left out (%s): %s",
				      implementation->name, implementation->status,
				      implementation->detail);
	}
}

/* The pilot, and machine.json with its result. False, with an empty error, if it was interrupted.
 */
static bool do_pilot(struct run *run, struct error *error)
{
	uint64_t start = process_now_ns();
	char duration[16];
	size_t predicted = 0;

	/* Without measurements the model's times will do. */
	if ((run->request->passes[PASS_MEASURE] || run->request->passes[PASS_PATTERN]) &&
	    !pilot_run(&run->plan, &run->pool, &run->progress))
		return false;
	for (size_t i = 0; i < run->plan.cell_count; i++)
		predicted += run->plan.cells[i].skip == CELL_PREDICTED;
	(void)json_object_set_new(run->description, "pilot", pilot_save(&run->plan));
	(void)json_object_set_new(json_object_get(run->description, "run"), "pilot_s",
				  json_real((double)(process_now_ns() - start) / 1e9));
	progress_duration(plan_expected_ns(&run->plan), duration, sizeof duration);
	progress_note(&run->progress,
		      "pilot done: %zu of %zu cells are predicted, not measured; the rounds will "
		      "take about %s",
		      predicted, run->plan.cell_count, duration);
	return description_write(run->description, &run->folder, error);
}

static void summarise(struct run *run)
{
	if (run->request->given.no_summary || run->rows_written == 0)
		return;
	if (!verb_run("summarise", run->folder.path))
		progress_warn(&run->progress,
			      "summary.csv was not written; the rows are safe, and "
			      "growbench summarise %s makes it from them",
			      run->folder.path);
}

static double runner_share(const struct run *run)
{
	return run->rounds_ns == 0 ? 0 : 1 - (double)run->alive_ns / (double)run->rounds_ns;
}

static void warn(const char *text, void *progress)
{
	progress_warn(progress, "%s", text);
}

/* Prints how a run ended that could write all it had. */
static enum exit_status tell_end(struct run *run)
{
	uint64_t planned = plan_row_count(&run->plan);
	char duration[16];

	progress_duration((double)run->rounds_ns, duration, sizeof duration);
	progress_note(&run->progress,
		      "%" PRIu64 " of %" PRIu64 " rows in %s, the runner's own "
		      "share of it %.1f%%",
		      run->rows_written, planned, duration, 100 * runner_share(run));
	if (run->rows_written < planned) {
		(void)fprintf(stderr, "interrupted; go on with: %s run --resume %s\n",
			      program_invocation_name, run->folder.path);
		return EXIT_INTERRUPTED;
	}
	if (printf("%s\n", run->folder.path) < 0 || fflush(stdout) != 0) {
		progress_warn(&run->progress,
			      "standard output cannot be written; the run is whole, in %s",
			      run->folder.path);
		return EXIT_FAILED;
	}
	if (run->rows_failed > 0)
		progress_warn(&run->progress,
			      "%" PRIu64
			      " worker%s failed (%s%s); the status columns of runs.csv say how",
			      run->rows_failed, run->rows_failed == 1 ? "" : "s",
			      run->rows_failed == 1 ? "" : "the first: ", run->first_failure);
	if (!requirements_are_met(&run->requirements, warn, &run->progress))
		return EXIT_UNMEASURED;
	return run->rows_failed > 0 ? EXIT_WORKERS : EXIT_DONE;
}

/* Pilot (unless it was done), rounds and end of a run whose files are there. */
static enum exit_status do_all(struct run *run, struct error *error)
{
	const json_t *pilot = json_object_get(run->description, "pilot");
	bool ok = (pilot != NULL ? pilot_load(&run->plan, pilot, error) : do_pilot(run, error)) &&
		  do_rounds(run, error);
	bool failed = !ok && error->text[0] != '\0';
	bool whole = run->rows_written == plan_row_count(&run->plan);
	struct error ignored;

	description_end(run->description,
			whole    ? "complete"
			: failed ? "failed"
				 : "interrupted",
			run->rows_written, run->rounds_ns, runner_share(run));
	if (!failed)
		failed = !folder_sync(&run->folder, error) ||
			 !description_write(run->description, &run->folder, error);
	else
		/* As far as the disk allows; what failed first is the message. */
		(void)description_write(run->description, &run->folder, &ignored);
	summarise(run);
	return failed ? EXIT_FAILED : tell_end(run);
}

/* ---- beginning and going on ---- */

static bool run_init(struct run *run, const struct request *request, struct error *error)
{
	interrupts_ignore_write_signals();
	memset(run, 0, sizeof *run);
	run->request = request;
	run->folder.csv_fd = -1;
	run->progress = progress_init(request->given.quiet);
	if (!topology_load(&run->topology, request->cpu, error) ||
	    !run_worker_path(request, run->worker_path, error) ||
	    !plan_make(&run->plan, request, &run->topology, machine_memory_bytes(), error) ||
	    !worker_pool_init(&run->pool, run->worker_path, &run->topology, request, &interrupts,
			      error))
		return false;
	machine_id(&run->topology, run->machine_id, sizeof run->machine_id);
	run->checks = calloc(request->allocator_count, sizeof *run->checks);
	run->done = calloc(plan_row_count(&run->plan) + 1, 1);
	run->visits = plan_order(&run->plan);
	return (run->checks != NULL && run->done != NULL && run->visits != NULL) ||
	       error_set(error, "no memory for a run of %" PRIu64 " rows",
			 plan_row_count(&run->plan));
}

static void run_release(struct run *run)
{
	under_way = NULL;
	folder_release(&run->folder);
	json_decref(run->description);
	worker_pool_release(&run->pool);
	plan_release(&run->plan);
	requirements_release(&run->requirements);
	free(run->checks);
	free(run->done);
	free(run->visits);
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

/* Room for all rows, the summary and the plots, with a margin. */
static uint64_t needed_bytes(const struct run *run)
{
	uint64_t timelines = run->request->timeline.count * run->request->strategy_count *
			     run->request->row_bytes.count * run->request->allocator_count;

	return plan_row_count(&run->plan) * 800 + (16 << 20) +
	       timelines * run->request->timeline_points * 100;
}

static bool stay_off(const struct run *run)
{
	const struct counts *threads = &run->request->threads;

	return topology_stay_off(&run->topology, threads->values[threads->count - 1]);
}

static struct description_facts facts_of(const struct run *run)
{
	struct description_facts facts = {
		.run_id = run->run_id,
		.machine_id = run->machine_id,
		.request = run->request,
		.plan = &run->plan,
		.visits = run->visits,
		.topology = &run->topology,
	};

	return facts;
}

/* The run's name: the machine and the time, as in ...-20260131T235959Z. */
static void name_run(struct run *run)
{
	char now[32];
	char *write = now;

	description_utc_now(now, sizeof now);
	for (const char *read = now; *read != '\0'; read++)
		if (*read != '-' && *read != ':')
			*write++ = *read;
	*write = '\0';
	(void)snprintf(run->run_id, sizeof run->run_id, "%s-%s", run->machine_id, now);
}

static bool claim_folder(struct run *run, struct error *error)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s", GROWBENCH_RESULTS, run->run_id);
	return folder_init(&run->folder,
			   run->request->given.out != NULL ? run->request->given.out : path,
			   error) &&
	       folder_check(&run->folder, run->request->given.overwrite, error);
}

/* Does the plan have rows of all that was named? It is told now, and not only in the end. */
static void check_requirements(struct run *run)
{
	const uint64_t count = plan_row_count(&run->plan);
	bool missing = true;

	run->requirements = requirements_init(run->request);
	for (uint64_t i = 0; i < count && missing; i++) {
		struct record record = record_init();

		set_cell(run, &run->visits[i], i, &record);
		missing = requirements_plan(&run->requirements, &record);
		record_release(&record);
	}
	requirements_tell_unplanned(&run->requirements, warn, &run->progress);
}

/* Finds out what can be measured, and writes it down. */
static bool look_around(struct run *run, struct error *error)
{
	warn_of_implementations(run);
	check_allocators(run);
	description_set_allocators(run->description, run->request, run->checks);
	return interrupts > 0 || description_write(run->description, &run->folder, error);
}

static bool begin(struct run *run, int argc, char **argv, struct error *error)
{
	struct description_facts facts = facts_of(run);
	char *header = record_csv_header();
	bool ok = folder_create(&run->folder, header, run->request->given.overwrite,
				needed_bytes(run), error);

	free(header);
	if (!ok)
		return false;
	under_way = run;
	facts.runner_has_its_own_cpu = stay_off(run);
	facts.argc = argc;
	facts.argv = argv;
	run->description = description_begin(&facts);
	/* From here on the run can be gone on with, whatever happens. */
	run->can_be_resumed = description_write(run->description, &run->folder, error);
	ok = run->can_be_resumed && look_around(run, error);
	if (ok && interrupts == 0)
		return true;
	if (interrupts > 0)
		(void)error_set(error, "interrupted before anything was measured; nothing is kept");
	/* Without a description the run could not be gone on with. */
	folder_abandon(&run->folder);
	return false;
}

static void note(const char *text, void *progress)
{
	progress_note(progress, "note: %s", text);
}

enum exit_status run_new(const struct request *request, int argc, char **argv, struct error *error)
{
	enum exit_status status = EXIT_USAGE;
	struct run run;

	error->text[0] = '\0';
	if (run_init(&run, request, error)) {
		name_run(&run);
		if (claim_folder(&run, error)) {
			(void)machine_warnings(&run.topology, note, &run.progress);
			progress_note(&run.progress,
				      "%zu cells in %" PRIu64 " rounds, seed %" PRIu64 ", into %s",
				      run.plan.cell_count, request->rounds, request->seed,
				      run.folder.path);
			check_requirements(&run);
			if (begin(&run, argc, argv, error))
				status = do_all(&run, error);
			else
				status = interrupts > 0 ? EXIT_INTERRUPTED : EXIT_FAILED;
		}
	}
	run_release(&run);
	return status;
}

/* Marks the position of a row that is there. */
static bool mark_done(char *line, uint64_t number, void *data, struct error *error)
{
	struct run *run = data;
	struct record record = record_init();
	struct error reason = {"it is there twice, or of another run"};
	uint64_t position;
	bool ours = record_read_row(&record, line, &reason) &&
		    parse_count(record_get(&record, "position"), "position", &position, &reason) &&
		    position <= plan_row_count(&run->plan) && !run->done[position - 1] &&
		    strcmp(record_get(&record, "run_id"), run->run_id) == 0;

	if (ours) {
		run->done[position - 1] = 1;
		run->rows_written++;
		note_row(run, &record);
	}
	record_release(&record);
	return ours ||
	       error_set(error, "%s/runs.csv, line %" PRIu64 ": this is no row of this run: %s",
			 run->folder.path, number, reason.text);
}

static bool has_row(uint64_t position, void *data)
{
	const struct run *run = data;

	return position > 0 && position <= plan_row_count(&run->plan) && run->done[position - 1];
}

static bool take_up(struct run *run, struct error *error)
{
	struct description_facts facts = facts_of(run);
	const char *id = json_string_value(json_object_get(run->description, "run_id"));
	char *header = record_csv_header();
	bool ok;

	(void)snprintf(run->run_id, sizeof run->run_id, "%s", id == NULL ? "" : id);
	(void)stay_off(run);
	check_requirements(run);
	ok = description_check_same(run->description, &facts, error);
	/* It may have been killed before it knew its allocators. */
	if (ok && json_object_get(run->description, "allocators") == NULL) {
		ok = look_around(run, error);
	} else if (ok) {
		check_allocators(run);
		ok = description_check_allocators(run->description, &facts, run->checks, error);
	}
	ok = ok && folder_check_space(&run->folder, needed_bytes(run), error) &&
	     folder_read(&run->folder, header, mark_done, run, error) &&
	     folder_cut_timeline(&run->folder, timeline_csv_header(), has_row, run, error);
	free(header);
	return ok;
}

/* The options that the run was begun with; *argv is owned by the caller. */
static bool begun_request(const json_t *description, const struct request *now,
			  struct request *request, char ***argv, struct error *error)
{
	int argc;

	*argv = description_arguments(description, &argc, error);
	if (*argv == NULL || !request_read(argc, *argv, request, error))
		return false;
	request->seed = (uint64_t)json_integer_value(
		json_object_get(json_object_get(description, "run"), "seed"));
	request->given.quiet = now->given.quiet;
	request->given.no_summary = now->given.no_summary;
	return true;
}

enum exit_status run_resume(const struct request *request, struct error *error)
{
	enum exit_status status = EXIT_USAGE;
	struct folder folder;
	struct request begun;
	struct run run;
	json_t *description = NULL;
	char **argv = NULL;

	memset(&begun, 0, sizeof begun);
	error->text[0] = '\0';
	if (!folder_init(&folder, request->given.resume, error) || !folder_open(&folder, error))
		return EXIT_USAGE;
	description = description_read(&folder, error);
	if (description != NULL && begun_request(description, request, &begun, &argv, error)) {
		bool ok = run_init(&run, &begun, error);

		run.description = json_incref(description);
		run.folder = folder;
		run.can_be_resumed = true;
		under_way = &run;
		if (ok && take_up(&run, error)) {
			progress_note(&run.progress,
				      "going on with %s: %" PRIu64 " of %" PRIu64 " rows are there",
				      run.folder.path, run.rows_written, plan_row_count(&run.plan));
			status = do_all(&run, error);
		}
		run_release(&run);
	} else {
		folder_release(&folder);
	}
	request_release(&begun);
	json_decref(description);
	free(argv);
	return status;
}
