#include "harness/runner/execute/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "harness/common/columns.h"
#include "harness/common/constants.h"
#include "harness/runner/execute/counting.h"
#include "harness/runner/execute/duet.h"
#include "harness/runner/execute/lanes.h"
#include "harness/runner/process/interrupts.h"

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
					 worker_cpu_count(&run->topology,
							  request_cpus(block->strategy,
								       block->size.threads)));
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

void rows_set_cell(const struct run *run, const struct visit *visit, uint64_t position,
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
	record_set_status(record, "skipped_memory",
			  "it needs up to %" PRIu64 " MB, and a worker may use %" PRIu64 " MB",
			  needed_bytes / 1000000, run->plan.memory_bytes / 1000000);
}

/* Of a cell that is measured in fewer rounds than there are. */
static void set_skipped_round(const struct run *run, const struct cell *cell, struct record *record)
{
	const struct request *request = run->request;

	record_set_status(record, "skipped_rounds",
			  "the budget of %" PRIu64 " s has no room for all %" PRIu64
			  " rounds of it: %" PRIu64 " are measured; --budget gives more",
			  request->budget_s, request->rounds, cell->rounds);
}

/* Why a cell is not measured, and what to do. */
static char *tell_budget(const struct run *run, const struct block *block, const struct cell *cell)
{
	const struct request *request = run->request;

	if (!plan_may_measure(&run->plan, block->size.rows))
		return g_strdup_printf("--predict-above %" PRIu64 " keeps it from being measured",
				       request->given.predict_above);
	if (plan_is_named(&run->plan, block))
		return g_strdup_printf("the budget of %" PRIu64
				       " s has no room for it; --budget %" PRIu64
				       " would measure it once",
				       request->budget_s, cell->needed_budget_s);
	return g_strdup_printf("%" PRIu64 " rounds would take more than %d%% of the budget of "
			       "%" PRIu64 " s; --budget %" PRIu64 " gives more",
			       request->rounds, BUDGET_SHARE_PERCENT, request->budget_s,
			       cell->needed_budget_s);
}

static void set_range(struct record *record, const char *kind, const struct growth_range *range)
{
	const struct {
		const char *suffix;
		double ns;
	} ends[] = {{"", range->ns}, {"_low", range->low_ns}, {"_high", range->high_ns}};

	for (size_t i = 0; range->ns > 0 && i < sizeof ends / sizeof *ends; i++) {
		g_autofree char *name =
			g_strdup_printf("predicted_%s_build_release%s_ns", kind, ends[i].suffix);

		record_set_real(record, name, ends[i].ns);
	}
}

static void set_predicted(const struct run *run, const struct block *block, const struct cell *cell,
			  struct record *record)
{
	g_autofree char *told = tell_budget(run, block, cell);

	record_set_status(record, "skipped_predicted",
			  "%s; predicted from sizes of up to %" PRIu64 " rows", told,
			  cell->seen_rows);
	set_range(record, "cold", &cell->cold);
	set_range(record, "warm", &cell->warm);
}

static void set_no_budget(const struct run *run, const struct block *block, const struct cell *cell,
			  struct record *record)
{
	g_autofree char *told = tell_budget(run, block, cell);

	record_set_status(record, "skipped_budget",
			  "%s; what could be measured in time does not tell what it would take",
			  told);
}

static void set_skipped(const struct run *run, const struct visit *visit, const struct cell *cell,
			struct record *record)
{
	const struct block *block = &run->plan.blocks[visit->block];
	const struct allocator_check *check = &run->checks[visit->allocator];

	switch (cell->skip) {
	case CELL_PREDICTED:
		set_predicted(run, block, cell, record);
		break;
	case CELL_NO_BUDGET:
		set_no_budget(run, block, cell, record);
		break;
	case CELL_NO_MEMORY:
		set_no_memory(run, plan_needed_bytes(block), record);
		break;
	case CELL_UNSUPPORTED:
		record_set_status(record, "unsupported",
				  "%s is not compiled for rows of %" PRIu64 " bytes",
				  block->strategy->name, block->size.row_bytes);
		break;
	case CELL_MEASURED:
		set_skipped_round(run, cell, record);
		break;
	case CELL_NO_IMPLEMENTATION:
		record_set_status(record, block->implementation->status, "%s",
				  block->implementation->detail);
		break;
	case CELL_UNAVAILABLE:
	case CELL_WRONG_ALLOCATOR:
		record_set_status(record, check->status, "%s", check->detail);
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

/* The task of a cell's worker; false if none is to be started: the record says why. */
static bool prepare_cell(const struct run *run, const struct visit *visit, struct worker_task *task,
			 struct record *record)
{
	const struct block *block = &run->plan.blocks[visit->block];
	const struct cell *cell = plan_cell(&run->plan, visit->block, visit->allocator);
	const struct allocator_check *check = &run->checks[visit->allocator];

	*task = (struct worker_task){
		.pass = pass_names[visit->pass],
		.strategy = block->strategy,
		.implementation = block->implementation,
		.size = block->size,
		.allocator = &run->request->allocators[visit->allocator],
	};

	if (cell->skip != CELL_MEASURED || (visit->pass == plan_measuring_pass(block) &&
					    !plan_measures(&run->plan, cell, visit->round))) {
		set_skipped(run, visit, cell, record);
		return false;
	}
	if (visit->pass == PASS_TRACE && check->untraced[0] != '\0') {
		record_set_status(record, "untraced", "%s", check->untraced);
		return false;
	}
	if (visit->pass == PASS_TRACE && plan_trace_bytes(block) > run->plan.memory_bytes) {
		set_no_memory(run, plan_trace_bytes(block), record);
		return false;
	}
	if (visit->pass == plan_measuring_pass(block)) {
		task->iterations = plan_has_warm(&run->plan, cell) ? block->iterations : 0;
		task->values = cell->values;
	}
	if (visit->pass == PASS_TRACE && block->implementation == NULL &&
	    has_timeline(run, &block->size))
		task->points = run->request->timeline_points;
	return true;
}

static void do_cell(struct run *run, const struct visit *visit, struct record *record)
{
	struct worker_task task;

	if (prepare_cell(run, visit, &task, record))
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
		record_set_status(record, check->status, "%s", check->detail);
		return;
	}
	run->alive_ns += worker_run(&run->pool, &task, record);
}

void rows_note(struct run *run, const struct visit *visit, const struct record *record)
{
	extend_note(&run->notes, &run->plan, visit, record);
	requirements_note(&run->requirements, record);
	host_note(&run->host, record);
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

/* Completes the row of one visit. */
static void end_row(struct run *run, const struct visit *visit, uint64_t position,
		    struct record *record)
{
	/* A column of text that is empty in most rows makes readers guess its type wrongly. */
	if (record_has_status(record, "ok"))
		record_set_text(record, "status_detail", "measured");
	rows_set_cell(run, visit, position, record);
	rows_note(run, visit, record);
}

static void show(struct run *run, const struct visit *visit)
{
	const char *allocator = run->request->allocators[visit->allocator].name;
	g_autofree char *label = NULL;

	if (visit->pass == PASS_PROBE) {
		const struct probe_visit *probe = &run->plan.probes[visit->block];

		label = g_strdup_printf("probe %s %" PRIu64 " B %s", probe->probe->name,
					probe->bytes, allocator);
	} else {
		const struct block *block = &run->plan.blocks[visit->block];
		const struct implementation *program = block->implementation;

		label = g_strdup_printf("%s%s%s %" PRIu64 " x %" PRIu64 " B %s",
					program == NULL ? "" : program->name,
					program == NULL ? "" : " ", block->strategy->name,
					block->size.rows, block->size.row_bytes, allocator);
	}
	progress_show(&run->progress, label);
}

/* Writes the points first: points without a row are left out by who reads them, but a row whose
 * points are missing would not be measured again. */
static bool write_row(struct run *run, const struct record *record, struct error *error)
{
	g_autofree char *row = record_csv_row(record);
	g_autofree char *points = timeline_csv_rows(record);
	const bool ok =
		(*points == '\0' ||
		 folder_append_timeline(&run->folder, timeline_csv_header(), points, error)) &&
		folder_append(&run->folder, row, error);

	run->rows_written += ok;
	return ok;
}

/* Takes account of a row that is made, and writes it. A worker that a second Ctrl-C killed has
 * none: its cell is done again on resuming. */
static bool keep_row(struct run *run, const struct visit *visit, uint64_t position,
		     struct record *record, struct error *error)
{
	end_row(run, visit, position, record);
	return record_has_status(record, "interrupted") || write_row(run, record, error);
}

static bool do_visit(struct run *run, const struct visit *visit, uint64_t position,
		     struct error *error)
{
	struct record record = record_init();
	bool ok;

	show(run, visit);
	if (visit->pass == PASS_PROBE)
		do_probe(run, visit, &record);
	else
		do_cell(run, visit, &record);
	ok = keep_row(run, visit, position, &record, error);
	record_release(&record);
	progress_done(&run->progress, plan_visit_ns(&run->plan, visit));
	return ok;
}

/* The visits at `first` and after it, at once. One whose row is there already is made again to keep
 * the other company, and not kept. */
static bool do_duet(struct run *run, uint64_t first, struct error *error)
{
	struct lane_job jobs[2] = {{.is_skipped = true}, {.is_skipped = true}};
	bool ok = true;

	if (run->done[first] && run->done[first + 1]) {
		for (uint64_t i = first; i < first + 2; i++)
			progress_skip(&run->progress,
				      plan_visits_ns(&run->plan, &run->visits[i], 1));
		return true;
	}
	show(run, &run->visits[first]);
	for (int i = 0; i < 2; i++) {
		jobs[i].record = record_init();
		jobs[i].is_skipped = !prepare_cell(run, &run->visits[first + (uint64_t)i],
						   &jobs[i].task, &jobs[i].record);
	}
	run->alive_ns += duet_run(&run->pool, jobs);
	for (int i = 0; i < 2; i++) {
		const uint64_t position = first + (uint64_t)i;
		const struct visit *visit = &run->visits[position];

		if (ok && !run->done[position] && (jobs[i].is_skipped || jobs[i].is_done))
			ok = keep_row(run, visit, position, &jobs[i].record, error);
		record_release(&jobs[i].record);
		progress_done(&run->progress, plan_visit_ns(&run->plan, visit) / 2);
	}
	return ok;
}

void rows_look_at_host(struct run *run, enum host_moment moment)
{
	if (interrupts == 0)
		run->alive_ns += host_look(&run->host, moment, &run->pool);
}

/* ---- the instructions pass ---- */

static void prepare_counting(const struct run *run, const struct visit *visit, struct lane_job *job)
{
	const struct cell *cell = plan_cell(&run->plan, visit->block, visit->allocator);

	job->record = record_init();
	job->is_skipped = true;
	/* That the cell would take too long to be timed is no reason. */
	if (plan_is_open(cell))
		counting_prepare(&run->plan, &run->valgrind, &run->checks[visit->allocator], visit,
				 job);
	else
		set_skipped(run, visit, cell, &job->record);
}

/* The visits of the pass that stand next to each other in the order, from `first` on. */
struct counted_visits {
	struct run *run;
	struct lane_job *jobs;
	uint64_t first;
	unsigned lanes;
	struct error *error;
};

static bool take_counted(struct lane_job *job, void *data)
{
	const struct counted_visits *visits = data;
	struct run *run = visits->run;
	const uint64_t position = visits->first + (uint64_t)(job - visits->jobs);
	const struct visit *visit = &run->visits[position];

	show(run, visit);
	progress_done(&run->progress, plan_visit_ns(&run->plan, visit) / visits->lanes);
	return run->done[position] || keep_row(run, visit, position, &job->record, visits->error);
}

/* Makes and writes the rows from `first` to before `end` that are not there. */
static bool do_counting(struct run *run, uint64_t first, uint64_t end, struct error *error)
{
	struct counted_visits visits = {
		.run = run,
		.jobs = g_new0(struct lane_job, end - first),
		.first = first,
		.lanes = counting_lanes(&run->plan, &run->visits[first], end - first),
		.error = error,
	};
	const uint64_t start = process_now_ns();
	bool ok;

	for (uint64_t i = first; i < end; i++) {
		prepare_counting(run, &run->visits[i], &visits.jobs[i - first]);
		visits.jobs[i - first].is_skipped |= run->done[i];
	}
	ok = lanes_run(&run->pool, visits.lanes, visits.jobs, end - first, take_counted, &visits);
	for (uint64_t i = first; i < end; i++)
		record_release(&visits.jobs[i - first].record);
	g_free(visits.jobs);
	run->alive_ns += process_now_ns() - start;
	return ok;
}

static uint64_t end_of_counting(const struct run *run, uint64_t first, uint64_t count)
{
	while (first < count && run->visits[first].pass == PASS_INSTRUCTIONS)
		first++;
	return first;
}

bool rows_make(struct run *run, const char *what, uint64_t from, uint64_t to, struct error *error)
{
	bool middle = false;
	bool ok = true;

	progress_start(&run->progress, what, to - from,
		       plan_visits_ns(&run->plan, &run->visits[from], to - from));
	for (uint64_t i = from; ok && i < to && interrupts == 0; i++) {
		const struct visit *visit = &run->visits[i];

		/* Not before it: instructions may be counted across it. */
		if (from == 0 && i >= to / 2 && !middle) {
			rows_look_at_host(run, HOST_MIDDLE);
			middle = true;
		} else if (i > 0 && visit->round != visit[-1].round)
			host_sample(&run->host);
		if (visit->pass == PASS_INSTRUCTIONS) {
			/* Workers that count are busy on all CPUs, after which it is another. */
			rows_look_at_host(run, HOST_END);
			const uint64_t end = end_of_counting(run, i, to);

			ok = do_counting(run, i, end, error);
			i = end - 1;
		} else if (plan_is_duet(&run->plan, visit))
			ok = do_duet(run, i++, error);
		else if (run->done[i])
			progress_skip(&run->progress, plan_visit_ns(&run->plan, visit));
		else
			ok = do_visit(run, visit, i, error);
	}
	progress_end(&run->progress);
	return ok;
}
