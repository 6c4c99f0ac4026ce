#include "harness/runner/execute/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/common/text.h"
#include "harness/runner/execute/callgrind.h"
#include "harness/runner/execute/description.h"
#include "harness/runner/execute/pilot.h"
#include "harness/runner/execute/rows.h"
#include "harness/runner/machine/machine.h"
#include "harness/runner/plan/extension.h"
#include "harness/runner/process/interrupts.h"
#include "harness/runner/process/program.h"
#include "harness/runner/process/verbs.h"
#include "harness/runner/request/read.h"

/* The one whose folder is there, for run_give_up. */
static struct run *under_way;

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
	if (check->syscalls_unavailable[0] != '\0' && !warned->of_system_calls)
		progress_warn(&run->progress,
			      "system calls cannot be counted here: %s; their columns stay empty, "
			      "and all else is counted",
			      check->syscalls_unavailable);
	warned->of_peaks |= !check->resolution_known;
	warned->of_system_calls |= check->syscalls_unavailable[0] != '\0';
}

/* Finds Valgrind, if the plan has anything to count. */
static void find_valgrind(struct run *run)
{
	if (!run->request->passes[PASS_INSTRUCTIONS] || !plan_has_counts(&run->plan))
		return;
	run->valgrind = valgrind_find();
	run->pool.valgrind = run->valgrind.path;
	if (run->valgrind.path == NULL)
		progress_warn(&run->progress, "instructions are not counted: %s; all else is done",
			      run->valgrind.why_not.text);
}

static void check_counts(struct run *run, const struct allocator *allocator,
			 struct allocator_check *check)
{
	if (run->valgrind.path == NULL)
		return;
	check_counting(&run->pool, allocator, check);
	if (check->uncounted[0] != '\0')
		progress_warn(&run->progress, "instructions of %s are not counted: %s",
			      allocator->name, check->uncounted);
}

static void check_allocators(struct run *run)
{
	const struct request *request = run->request;
	struct warned warned = {false, false};

	find_valgrind(run);
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
			check_counts(run, allocator, check);
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
	progress_duration(plan_expected_ns(&run->plan) + extension_expected_ns(&run->plan),
			  duration, sizeof duration);
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

/* What the run saw of its host, into its description; told if it changed. */
static void describe_host(struct run *run)
{
	char changes[300];

	(void)json_object_set_new(run->description, "host", host_describe(&run->host));
	if (host_changed(&run->host, changes, sizeof changes))
		progress_warn(
			&run->progress,
			"the host changed while the run went on: %s; compare what stands next "
			"to each other in it, and no times with other runs",
			changes);
}

static double runner_share(const struct run *run)
{
	return run->rounds_ns == 0 ? 0 : 1 - (double)run->alive_ns / (double)run->rounds_ns;
}

static void warn_of_all(struct run *run, char *const *sentences)
{
	for (; *sentences != NULL; sentences++)
		progress_warn(&run->progress, "%s", *sentences);
}

/* Are all rows there? Those of an extension are not planned before it is chosen. */
static bool is_whole(const struct run *run)
{
	return run->rows_written == plan_row_count(&run->plan) &&
	       (run->request->extra_rounds == 0 ||
		json_object_get(run->description, "extension") != NULL);
}

/* Prints how a run ended that could write all it had. */
static enum exit_status tell_end(struct run *run)
{
	const uint64_t planned = plan_row_count(&run->plan);
	g_auto(GStrv) unmet = requirements_unmet(&run->requirements);
	char duration[16];

	progress_duration((double)run->rounds_ns, duration, sizeof duration);
	progress_note(&run->progress,
		      "%" PRIu64 " of %" PRIu64 " rows in %s, the runner's own "
		      "share of it %.1f%%",
		      run->rows_written, planned, duration, 100 * runner_share(run));
	if (!is_whole(run)) {
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
	warn_of_all(run, unmet);
	if (*unmet != NULL)
		return EXIT_UNMEASURED;
	return run->rows_failed > 0 ? EXIT_WORKERS : EXIT_DONE;
}

/* The visits of a plan that is extended now; nothing is there yet of what stands after the rounds.
 */
static void set_visits(struct run *run)
{
	g_free(run->visits);
	run->visits = plan_order(&run->plan);
	run->done = g_renew(bool, run->done, plan_row_count(&run->plan));
}

/* Chooses the extension, and writes it down. */
static bool extend(struct run *run, struct error *error)
{
	const uint64_t end = plan_rounds_end(&run->plan, run->visits);
	const uint64_t count = plan_row_count(&run->plan);
	const json_t *of_run = json_object_get(run->description, "run");
	double used_ns = 1e9 * json_real_value(json_object_get(of_run, "pilot_s"));
	char duration[16];

	used_ns += plan_visits_ns(&run->plan, &run->visits[end], count - end);
	extend_choose(&run->plan, &run->notes, used_ns);
	set_visits(run);
	memset(&run->done[end], 0, plan_row_count(&run->plan) - end);
	if (extension_row_count(&run->plan) > 0) {
		progress_duration(plan_visits_ns(&run->plan, &run->visits[end],
						 extension_row_count(&run->plan)),
				  duration, sizeof duration);
		progress_note(&run->progress,
			      "rounds done: %" PRIu64
			      " rows more, where intervals are widest, will take about %s",
			      extension_row_count(&run->plan), duration);
	} else {
		progress_note(
			&run->progress,
			"rounds done; none is added: there is no time left, or no wide interval");
	}
	(void)json_object_set_new(run->description, "extension", extend_save(&run->plan));
	return description_write(run->description, &run->folder, error);
}

/* The rounds that all have, the extension, and what stands at the end. */
static bool make_all(struct run *run, struct error *error)
{
	const bool extends = run->request->extra_rounds > 0 &&
			     json_object_get(run->description, "extension") == NULL;
	const uint64_t end = plan_rounds_end(&run->plan, run->visits);

	if (!extends)
		return rows_make(run, "rounds", 0, plan_row_count(&run->plan), error);
	return rows_make(run, "rounds", 0, end, error) &&
	       (interrupts > 0 ||
		(extend(run, error) &&
		 rows_make(run, "the rest", end, plan_row_count(&run->plan), error)));
}

/* All rows that are not there yet, until there is an interrupt. */
static bool make_rows(struct run *run, struct error *error)
{
	const uint64_t start = process_now_ns();
	bool ok;

	rows_look_at_host(run, HOST_START);
	ok = make_all(run, error);
	if (ok)
		rows_look_at_host(run, HOST_END);
	run->rounds_ns = process_now_ns() - start;
	return ok;
}

/* Pilot (unless it was done), rounds and end of a run whose files are there. */
static enum exit_status do_all(struct run *run, struct error *error)
{
	const json_t *pilot = json_object_get(run->description, "pilot");
	bool ok = (pilot != NULL ? pilot_load(&run->plan, pilot, error) : do_pilot(run, error)) &&
		  make_rows(run, error);
	bool failed = !ok && error->text[0] != '\0';
	struct error ignored;

	describe_host(run);
	description_end(run->description,
			is_whole(run) ? "complete"
			: failed      ? "failed"
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

static bool run_init(struct run *run, const struct request *request, struct error *error)
{
	interrupts_ignore_write_signals();
	*run = (struct run){
		.request = request,
		.progress = progress_init(request->given.quiet),
		.folder = {.csv_fd = -1, .timeline_fd = -1},
	};
	if (!topology_load(&run->topology, request->cpu, error) ||
	    !program_worker(request->worker, run->worker_path, error) ||
	    !plan_make(&run->plan, request, &run->topology, machine_memory_bytes(), error))
		return false;
	worker_pool_init(&run->pool, run->worker_path, &run->topology, request, &interrupts);
	machine_id(&run->topology, run->machine_id, sizeof run->machine_id);
	run->checks = g_new0(struct allocator_check, request->allocator_count);
	run->done = g_new0(bool, plan_row_count(&run->plan));
	run->visits = plan_order(&run->plan);
	run->host = host_init(&run->topology, request, &run->plan, run->visits);
	run->notes = extend_notes_init(&run->plan);
	return true;
}

static void run_release(struct run *run)
{
	under_way = NULL;
	folder_release(&run->folder);
	json_decref(run->description);
	worker_pool_release(&run->pool);
	plan_release(&run->plan);
	requirements_release(&run->requirements);
	extend_notes_release(&run->notes);
	g_free(run->checks);
	valgrind_release(&run->valgrind);
	g_free(run->done);
	g_free(run->visits);
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

static bool avoid_cpus(const struct run *run)
{
	const struct counts *threads = &run->request->threads;

	return topology_avoid_cpus(&run->topology, threads->values[threads->count - 1]);
}

static struct description_facts facts_of(const struct run *run)
{
	return (struct description_facts){
		.run_id = run->run_id,
		.machine_id = run->machine_id,
		.request = run->request,
		.plan = &run->plan,
		.visits = run->visits,
		.topology = &run->topology,
	};
}

/* The run's name: the machine and the time, as in ...-20260131T235959Z. */
static void name_run(struct run *run)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");

	(void)snprintf(run->run_id, sizeof run->run_id, "%s-%s", run->machine_id, time);
}

static bool claim_folder(struct run *run, struct error *error)
{
	g_autofree char *path = NULL;

	name_run(run);
	path = g_build_filename(GROWBENCH_RESULTS, run->run_id, NULL);
	return folder_init(&run->folder,
			   run->request->given.out != NULL ? run->request->given.out : path,
			   error) &&
	       folder_check(&run->folder, run->request->given.overwrite, error);
}

/* Does the plan have rows of all that was named? It is told now, and not only in the end. */
static void check_requirements(struct run *run)
{
	const uint64_t count = plan_row_count(&run->plan);
	g_auto(GStrv) unplanned = NULL;
	bool missing = true;

	run->requirements = requirements_init(run->request);
	for (uint64_t i = 0; i < count && missing; i++) {
		struct record record = record_init();

		rows_set_cell(run, &run->visits[i], i, &record);
		missing = requirements_plan(&run->requirements, &record);
		record_release(&record);
	}
	unplanned = requirements_unplanned(&run->requirements);
	warn_of_all(run, unplanned);
}

/* Finds out what can be measured, and writes it down. */
static bool detect(struct run *run, struct error *error)
{
	warn_of_implementations(run);
	check_allocators(run);
	description_set_allocators(run->description, run->request, run->checks, &run->valgrind);
	return interrupts > 0 || description_write(run->description, &run->folder, error);
}

static bool begin(struct run *run, struct error *error)
{
	struct description_facts facts = facts_of(run);
	g_autofree char *header = record_csv_header();
	bool ok = folder_create(&run->folder, header, run->request->given.overwrite,
				needed_bytes(run), error);

	if (!ok)
		return false;
	under_way = run;
	facts.runner_has_its_own_cpu = avoid_cpus(run);
	run->description = description_begin(&facts);
	/* From here on the run can be gone on with, whatever happens. */
	run->can_be_resumed = description_write(run->description, &run->folder, error);
	ok = run->can_be_resumed && detect(run, error);
	if (ok && interrupts == 0)
		return true;
	if (interrupts > 0)
		(void)error_set(error, "interrupted before anything was measured; nothing is kept");
	/* Without a description the run could not be gone on with. */
	folder_abandon(&run->folder);
	return false;
}

/* What a person should know before it begins. */
static void announce(struct run *run)
{
	g_auto(GStrv) warnings = machine_warnings(&run->topology);

	for (char **warning = warnings; *warning != NULL; warning++)
		progress_note(&run->progress, "note: %s", *warning);
	progress_note(&run->progress, "%zu cells in %" PRIu64 " rounds, seed %" PRIu64 ", into %s",
		      run->plan.cell_count, run->request->rounds, run->request->seed,
		      run->folder.path);
	check_requirements(run);
}

enum exit_status run_new(const struct request *request, struct error *error)
{
	enum exit_status status = EXIT_USAGE;
	struct run run;

	error->text[0] = '\0';
	if (run_init(&run, request, error) && claim_folder(&run, error)) {
		announce(&run);
		if (begin(&run, error))
			status = do_all(&run, error);
		else
			status = interrupts > 0 ? EXIT_INTERRUPTED : EXIT_FAILED;
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
		run->done[position - 1] = true;
		run->rows_written++;
		rows_note(run, &run->visits[position - 1], &record);
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

/* The extension of a run that had one already. */
static bool load_extension(struct run *run, struct error *error)
{
	const json_t *extension = json_object_get(run->description, "extension");

	if (extension == NULL)
		return true;
	if (!extend_load(&run->plan, extension, error))
		return false;
	set_visits(run);
	memset(run->done, 0, plan_row_count(&run->plan));
	return true;
}

static bool resume(struct run *run, struct error *error)
{
	struct description_facts facts = facts_of(run);
	const char *id = json_string_value(json_object_get(run->description, "run_id"));
	g_autofree char *header = record_csv_header();
	bool ok;

	(void)snprintf(run->run_id, sizeof run->run_id, "%s", id == NULL ? "" : id);
	host_load(&run->host, json_object_get(run->description, "host"));
	(void)avoid_cpus(run);
	check_requirements(run);
	ok = description_check_same(run->description, &facts, error);
	/* It may have been killed before it knew its allocators. */
	if (ok && json_object_get(run->description, "allocators") == NULL) {
		ok = detect(run, error);
	} else if (ok) {
		check_allocators(run);
		ok = description_check_allocators(run->description, &facts, run->checks, error) &&
		     description_check_valgrind(run->description, &run->valgrind, error);
	}
	ok = ok && load_extension(run, error) &&
	     folder_check_space(&run->folder, needed_bytes(run), error) &&
	     folder_read(&run->folder, header, mark_done, run, error) &&
	     folder_cut_timeline(&run->folder, timeline_csv_header(), has_row, run, error);
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

/* Goes on with the run in the folder, which is open and released in the end. */
static enum exit_status resume_begun(const struct request *begun, json_t *description,
				     const struct folder *folder, struct error *error)
{
	enum exit_status status = EXIT_USAGE;
	struct run run;
	const bool ok = run_init(&run, begun, error);

	run.description = json_incref(description);
	run.folder = *folder;
	run.can_be_resumed = true;
	under_way = &run;
	if (ok && resume(&run, error)) {
		progress_note(&run.progress,
			      "going on with %s: %" PRIu64 " of %" PRIu64 " rows are there",
			      run.folder.path, run.rows_written, plan_row_count(&run.plan));
		status = do_all(&run, error);
	}
	run_release(&run);
	return status;
}

enum exit_status run_resume(const struct request *request, struct error *error)
{
	enum exit_status status = EXIT_USAGE;
	struct folder folder;
	struct request begun = {.preset = NULL};
	json_t *description;
	g_autofree char **argv = NULL;

	error->text[0] = '\0';
	if (!folder_init(&folder, request->given.resume, error) || !folder_open(&folder, error))
		return EXIT_USAGE;
	description = description_read(&folder, error);
	if (description != NULL && begun_request(description, request, &begun, &argv, error))
		status = resume_begun(&begun, description, &folder, error);
	else
		folder_release(&folder);
	request_release(&begun);
	json_decref(description);
	return status;
}
