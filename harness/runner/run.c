#include "harness/runner/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "build_info.h"
#include "harness/common/columns.h"
#include "harness/common/text.h"
#include "harness/runner/machine.h"
#include "harness/runner/pilot.h"
#include "harness/runner/plan.h"

/* How many interrupts (Ctrl-C, SIGTERM) came so far: after the first the row in hand is finished,
 * at the second its worker is killed. */
static volatile sig_atomic_t interrupts;

static void count_interrupt(int number)
{
	(void)number;
	interrupts++;
}

static void catch_interrupts(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = count_interrupt;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	/* A closed pipe is reported by write. */
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL);
}

/* A run under way. */
struct run {
	const struct options *options;
	struct topology topology;
	struct plan plan;
	struct worker_pool pool;
	struct progress progress;
	char worker_path[PATH_MAX];
	char machine_id[96];
	char run_id[128];
	char folder[PATH_MAX - 64];
	int csv_fd;
	json_t *machine; /* machine.json as it grows */
	struct allocator_check *checks;
	unsigned char *done; /* for each position from 0: is its row in the file? */
	uint64_t rows_written;
	uint64_t rows_failed;
	uint64_t worker_ns; /* time in which workers lived */
	uint64_t rounds_ns; /* time of the rounds */
};

bool run_worker_path(const struct options *options, char *path, struct error *error)
{
	ssize_t length;

	if (options->worker != NULL) {
		if (realpath(options->worker, path) == NULL || access(path, X_OK) != 0)
			return error_set(error, "--worker: %s cannot be executed: %s",
					 options->worker, strerror(errno));
		return true;
	}
	length = readlink("/proc/self/exe", path, PATH_MAX - 16);
	if (length <= 0)
		return error_set(error, "/proc/self/exe cannot be read: %s", strerror(errno));
	path[length] = '\0';
	(void)strcpy(strrchr(path, '/') + 1, "growbench-worker");
	if (access(path, X_OK) != 0)
		return error_set(error,
				 "%s is not there; build it with cmake --build, or name one with "
				 "--worker",
				 path);
	return true;
}

void run_check_allocator(struct worker_pool *pool, const struct allocator *allocator,
			 struct allocator_check *check)
{
	const struct worker_task task = {.pass = "resolution",
					 .size = {.threads = 1},
					 .allocator = allocator,
					 .values = 1};
	struct record record = record_init();
	const char *detail;

	memset(check, 0, sizeof *check);
	worker_run(pool, &task, &record);
	detail = record_get(&record, "status_detail");
	(void)snprintf(check->status, sizeof check->status, "%s", record_get(&record, "status"));
	(void)snprintf(check->detail, sizeof check->detail, "%s", detail == NULL ? "" : detail);
	if (record_get(&record, "allocator_version") != NULL)
		(void)snprintf(check->version, sizeof check->version, "%s",
			       record_get(&record, "allocator_version"));
	if (record_get(&record, "allocator_build_id") != NULL)
		(void)snprintf(check->build_id, sizeof check->build_id, "%s",
			       record_get(&record, "allocator_build_id"));
	check->resolution_known = record_get(&record, "peak_resolution_bytes") != NULL;
	check->resolution_bytes =
		(uint64_t)record_get_real(&record, "peak_resolution_bytes", 0);
	record_release(&record);
}

/* ---- machine.json ---- */

/* The time as 2026-01-31T23:59:59Z. */
static void utc_now(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm utc;

	(void)gmtime_r(&now, &utc);
	(void)strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* The words that say what was asked for, without those that say where to write. */
static json_t *arguments_of(int argc, char **argv)
{
	json_t *array = json_array();

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--out") == 0) {
			i++;
			continue;
		}
		if (strncmp(argv[i], "--out=", 6) == 0 || strcmp(argv[i], "--overwrite") == 0)
			continue;
		(void)json_array_append_new(array, json_string(argv[i]));
	}
	return array;
}

static json_t *allocator_environment(void)
{
	extern char **environ;
	json_t *array = json_array();

	for (char **entry = environ; *entry != NULL; entry++)
		if (allocator_variable(*entry))
			(void)json_array_append_new(array, json_string(*entry));
	return array;
}

static json_t *worker_cpus(const struct run *run)
{
	json_t *array = json_array();
	uint64_t most = run->options->threads.values[run->options->threads.count - 1];

	for (size_t i = 0; i < run->topology.worker_cpu_count && i < most; i++)
		(void)json_array_append_new(array,
					    json_integer((json_int_t)run->topology.worker_cpus[i]));
	return array;
}

static json_t *run_description(const struct run *run, int argc, char **argv, bool own_cpu)
{
	const struct options *options = run->options;
	char started[32];

	utc_now(started, sizeof started);
	return json_pack("{s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:b, s:o, s:I, s:s}",
			 "started_utc", started, "preset", options->preset->name, "arguments",
			 arguments_of(argc, argv), "work", row_work_names[options->work], "seed",
			 (json_int_t)options->seed, "rounds", (json_int_t)options->rounds,
			 "budget_s", (json_int_t)options->budget_s, "timeout_s",
			 (json_int_t)options->timeout_s, "order",
			 "rounds of shuffled blocks, allocators in Latin-square order",
			 "worker_cpus", worker_cpus(run), "runner_has_its_own_cpu", own_cpu,
			 "allocator_environment", allocator_environment(), "planned_row_count",
			 (json_int_t)plan_row_count(&run->plan), "state", "running");
}

static json_t *describe_allocators(const struct run *run)
{
	json_t *array = json_array();

	for (size_t i = 0; i < run->options->allocator_count; i++) {
		const struct allocator *allocator = &run->options->allocators[i];
		const struct allocator_check *check = &run->checks[i];
		json_t *environment = json_array();

		for (char **entry = allocator->environment; *entry != NULL; entry++)
			(void)json_array_append_new(environment, json_string(*entry));
		(void)json_array_append_new(
			array,
			json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:o, s:o}", "name",
				  allocator->name, "status", check->status, "status_detail",
				  check->detail, "path", allocator->expected_path, "version",
				  check->version, "build_id", check->build_id, "environment",
				  environment, "peak_resolution_bytes",
				  check->resolution_known
					  ? json_integer((json_int_t)check->resolution_bytes)
					  : json_null()));
	}
	return array;
}

static bool write_machine(const struct run *run, struct error *error)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/machine.json", run->folder);
	return machine_write(run->machine, path, error);
}

/* ---- files ---- */

static bool make_folders(const char *path, struct error *error)
{
	char partial[PATH_MAX];

	(void)snprintf(partial, sizeof partial, "%s", path);
	for (char *slash = strchr(partial + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(partial, 0755) != 0 && errno != EEXIST)
			return error_set(error, "%s cannot be made: %s; choose another --out",
					 partial, strerror(errno));
		if (slash == NULL)
			return true;
		*slash = '/';
	}
}

static bool has_run(const char *folder)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/runs.csv", folder);
	return access(path, F_OK) == 0;
}

static bool is_empty_folder(const char *folder)
{
	return rmdir(folder) == 0;
}

/* Refuses a folder that has something in it, unless it is a run that may be overwritten. */
static bool check_folder(const struct run *run, struct error *error)
{
	if (access(run->folder, F_OK) != 0)
		return true;
	if (has_run(run->folder) && run->options->overwrite)
		return true;
	if (!has_run(run->folder) && is_empty_folder(run->folder))
		return true;
	if (has_run(run->folder))
		return error_set(error,
				 "%s has a run in it; choose another --out, go on with it by "
				 "--resume %s, or replace it with --overwrite",
				 run->folder, run->folder);
	return error_set(error, "%s exists and is not an empty folder; choose another --out",
			 run->folder);
}

/* Room for all rows, the summary and the plots, with a margin. */
static bool check_space(const struct run *run, struct error *error)
{
	struct statvfs disk;
	uint64_t needed = plan_row_count(&run->plan) * 800 + (16 << 20);

	if (statvfs(run->folder, &disk) != 0)
		return true;
	if ((uint64_t)disk.f_bavail * disk.f_frsize < needed)
		return error_set(error,
				 "%s has only %" PRIu64 " MB free, and this run needs up to %" PRIu64
				 " MB; make room or choose another --out",
				 run->folder, (uint64_t)disk.f_bavail * disk.f_frsize / 1000000,
				 needed / 1000000);
	return true;
}

static bool append_text(const struct run *run, const char *text, struct error *error)
{
	size_t length = text == NULL ? 0 : strlen(text);
	off_t start = lseek(run->csv_fd, 0, SEEK_END);
	ssize_t written = text == NULL ? -1 : write(run->csv_fd, text, length);

	if (written == (ssize_t)length)
		return true;
	(void)error_set(error, "%s/runs.csv cannot be written: %s; the rows so far are whole",
			run->folder,
			text == NULL	? "no memory"
			: written >= 0	? "the disk is full"
					: strerror(errno));
	/* Half a row is worse than none. */
	if (written > 0 && start >= 0 && ftruncate(run->csv_fd, start) != 0)
		(void)error_set(error, "%s/runs.csv cannot be written, and its last row is torn",
				run->folder);
	return false;
}

static bool open_csv(struct run *run, struct error *error)
{
	char path[PATH_MAX];
	char *header = record_csv_header();
	bool ok;

	(void)snprintf(path, sizeof path, "%s/runs.csv", run->folder);
	run->csv_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
			   0644);
	if (run->csv_fd < 0) {
		free(header);
		return error_set(error, "%s cannot be written: %s; choose another --out", path,
				 strerror(errno));
	}
	ok = append_text(run, header, error);
	free(header);
	return ok;
}

/* A run that is replaced must not leave its summary and plots beside the new rows. */
static void remove_old(const struct run *run, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s", run->folder, name);
	(void)unlink(path);
}

/* ---- rows ---- */

static void set_cell(const struct run *run, const struct visit *visit, uint64_t position,
		     struct record *record)
{
	const struct block *block = &run->plan.blocks[visit->block];
	const struct allocator_check *check = &run->checks[visit->allocator];

	record_set_count(record, "schema_version", SCHEMA_VERSION);
	record_set_text(record, "run_id", run->run_id);
	record_set_text(record, "machine_id", run->machine_id);
	record_set_count(record, "round", visit->round + 1);
	record_set_count(record, "position", position + 1);
	record_set_text(record, "pass", "measure");
	record_set_text(record, "implementation", block->strategy->implementation);
	record_set_text(record, "strategy", block->strategy->name);
	record_set_text(record, "allocator", run->options->allocators[visit->allocator].name);
	record_set_count(record, "rows", block->size.rows);
	record_set_count(record, "row_bytes", block->size.row_bytes);
	record_set_count(record, "threads", block->size.threads);
	record_set_text(record, "work", row_work_names[run->options->work]);
	record_set_count(record, "payload_bytes", plan_payload_bytes(block));
	if (check->resolution_known)
		record_set_count(record, "peak_resolution_bytes", check->resolution_bytes);
}

static void set_skipped(const struct run *run, const struct visit *visit, struct record *record)
{
	const struct block *block = &run->plan.blocks[visit->block];
	const struct cell *cell =
		&run->plan.cells[visit->block * run->options->allocator_count + visit->allocator];
	const struct allocator_check *check = &run->checks[visit->allocator];
	char detail[256];

	switch (cell->skip) {
	case CELL_PREDICTED:
		record_set_text(record, "status", "skipped_predicted");
		(void)snprintf(detail, sizeof detail,
			       "%" PRIu64 " rounds would take more than 2%% of the budget of %" PRIu64
			       " s; --budget gives more",
			       run->options->rounds, run->options->budget_s);
		record_set_text(record, "status_detail", detail);
		record_set_real(record, "predicted_cold_build_release_ns", cell->cold_ns);
		record_set_real(record, "predicted_warm_build_release_ns", cell->warm_ns);
		break;
	case CELL_NO_MEMORY:
		record_set_text(record, "status", "skipped_memory");
		(void)snprintf(detail, sizeof detail,
			       "it needs up to %" PRIu64 " MB, and a worker may use %" PRIu64 " MB",
			       plan_needed_bytes(block) / 1000000,
			       run->plan.memory_bytes / 1000000);
		record_set_text(record, "status_detail", detail);
		break;
	case CELL_UNAVAILABLE:
	case CELL_WRONG_ALLOCATOR:
	case CELL_MEASURED:
		record_set_text(record, "status", check->status);
		record_set_text(record, "status_detail", check->detail);
		break;
	}
}

/* Makes the row of one visit. */
static void make_row(struct run *run, const struct visit *visit, uint64_t position,
		     struct record *record)
{
	const struct block *block = &run->plan.blocks[visit->block];
	const struct cell *cell = plan_cell(&run->plan, visit->block, visit->allocator);
	const struct worker_task task = {
		.pass = "measure",
		.strategy = block->strategy,
		.size = block->size,
		.allocator = &run->options->allocators[visit->allocator],
		.iterations = block->iterations,
		.values = block->values,
	};

	if (cell->skip == CELL_MEASURED)
		worker_run(&run->pool, &task, record);
	else
		set_skipped(run, visit, record);
	set_cell(run, visit, position, record);
	run->worker_ns += (uint64_t)record_get_real(record, "worker_ns", 0);
	run->rows_failed += worker_failed(record);
}

static bool do_visit(struct run *run, const struct visit *visit, uint64_t position,
		     struct error *error)
{
	const struct block *block = &run->plan.blocks[visit->block];
	const struct cell *cell = plan_cell(&run->plan, visit->block, visit->allocator);
	struct record record = record_init();
	char label[160];
	char *row;
	bool ok;

	(void)snprintf(label, sizeof label, "%s %" PRIu64 " x %" PRIu64 " B %s",
		       block->strategy->name, block->size.rows, block->size.row_bytes,
		       run->options->allocators[visit->allocator].name);
	progress_show(&run->progress, label);
	make_row(run, visit, position, &record);
	row = record_csv_row(&record);
	/* A worker that a second Ctrl-C killed has no row: its cell is done again on resuming. */
	ok = strcmp(record_get(&record, "status"), "interrupted") == 0 ||
	     append_text(run, row, error);
	if (ok && strcmp(record_get(&record, "status"), "interrupted") != 0)
		run->rows_written++;
	free(row);
	record_release(&record);
	progress_done(&run->progress, cell->skip == CELL_MEASURED ? cell->worker_ns : 0);
	return ok;
}

static bool do_rounds(struct run *run, struct error *error)
{
	const size_t cells = run->plan.cell_count;
	struct visit *visits = calloc(cells, sizeof *visits);
	uint64_t start = process_now_ns();
	bool ok = visits != NULL || error_set(error, "no memory for the order of %zu cells", cells);

	progress_start(&run->progress, "rounds", plan_row_count(&run->plan),
		       plan_expected_ns(&run->plan));
	for (uint64_t round = 0; ok && round < run->options->rounds && interrupts == 0; round++) {
		plan_round(&run->plan, round, visits);
		for (size_t i = 0; ok && i < cells && interrupts == 0; i++) {
			uint64_t position = round * cells + i;

			if (run->done[position]) {
				const struct cell *cell = plan_cell(&run->plan, visits[i].block,
								    visits[i].allocator);

				progress_done(&run->progress,
					      cell->skip == CELL_MEASURED ? cell->worker_ns : 0);
				continue;
			}
			ok = do_visit(run, &visits[i], position, error);
		}
	}
	progress_end(&run->progress);
	run->rounds_ns = process_now_ns() - start;
	free(visits);
	return ok;
}

/* ---- the whole ---- */

static void check_allocators(struct run *run)
{
	const struct options *options = run->options;

	for (size_t a = 0; a < options->allocator_count; a++) {
		struct allocator_check *check = &run->checks[a];

		run_check_allocator(&run->pool, &options->allocators[a], check);
		if (strcmp(check->status, "ok") == 0) {
			if (!check->resolution_known)
				progress_warn(&run->progress, "%s", check->detail);
			continue;
		}
		progress_warn(&run->progress, "%s is left out (%s): %s",
			      options->allocators[a].name, check->status, check->detail);
		for (size_t b = 0; b < run->plan.block_count; b++)
			plan_cell(&run->plan, b, a)->skip =
				options->allocators[a].missing != NULL ? CELL_UNAVAILABLE
								       : CELL_WRONG_ALLOCATOR;
	}
}

static bool run_init(struct run *run, const struct options *options, struct error *error)
{
	memset(run, 0, sizeof *run);
	run->options = options;
	run->csv_fd = -1;
	run->progress = progress_init(options->quiet);
	if (!topology_load(&run->topology, options->cpu, error) ||
	    !run_worker_path(options, run->worker_path, error) ||
	    !plan_make(&run->plan, options, machine_memory_bytes(), error) ||
	    !worker_pool_init(&run->pool, run->worker_path, &run->topology, options, &interrupts,
			      error))
		return false;
	machine_id(&run->topology, run->machine_id, sizeof run->machine_id);
	run->checks = calloc(options->allocator_count, sizeof *run->checks);
	run->done = calloc(plan_row_count(&run->plan), 1);
	if (run->checks == NULL || run->done == NULL)
		return error_set(error, "no memory for a run of %" PRIu64 " rows",
				 plan_row_count(&run->plan));
	return true;
}

static void run_release(struct run *run)
{
	if (run->csv_fd >= 0)
		(void)close(run->csv_fd);
	json_decref(run->machine);
	worker_pool_release(&run->pool);
	plan_release(&run->plan);
	free(run->checks);
	free(run->done);
}

/* The pilot, and machine.json with its result. False if it was interrupted or failed. */
static bool do_pilot(struct run *run, struct error *error)
{
	uint64_t start = process_now_ns();
	char duration[16];
	size_t predicted = 0;

	error->text[0] = '\0';
	if (!pilot_run(&run->plan, &run->pool, &run->progress))
		return false;
	for (size_t i = 0; i < run->plan.cell_count; i++)
		predicted += run->plan.cells[i].skip == CELL_PREDICTED;
	(void)json_object_set_new(run->machine, "pilot", pilot_save(&run->plan));
	(void)json_object_set_new(json_object_get(run->machine, "run"), "pilot_s",
				  json_real((double)(process_now_ns() - start) / 1e9));
	progress_duration(plan_expected_ns(&run->plan), duration, sizeof duration);
	progress_note(&run->progress,
		      "pilot done: %zu of %zu cells are predicted, not measured; the rounds will "
		      "take about %s",
		      predicted, run->plan.cell_count, duration);
	return write_machine(run, error);
}

static void note_end(struct run *run, const char *state)
{
	json_t *description = json_object_get(run->machine, "run");
	double share = run->rounds_ns > 0
			       ? 1 - (double)run->worker_ns / (double)run->rounds_ns
			       : 0;
	char now[32];

	utc_now(now, sizeof now);
	(void)json_object_set_new(description, "state", json_string(state));
	(void)json_object_set_new(description, "ended_utc", json_string(now));
	(void)json_object_set_new(description, "row_count",
				  json_integer((json_int_t)run->rows_written));
	(void)json_object_set_new(description, "rounds_s",
				  json_real((double)run->rounds_ns / 1e9));
	(void)json_object_set_new(description, "runner_share", json_real(share));
	(void)json_object_set_new(run->machine, "state_at_end", machine_state());
}

/* Runs a program of ours to its end, with our own output. True if it succeeded. */
static bool run_script(const char *script, const char *argument)
{
	const char *python = getenv("PYTHON");
	int status = -1;
	pid_t pid;

	if (python == NULL || *python == '\0')
		python = GROWBENCH_PYTHON;
	pid = fork();
	if (pid == 0) {
		/* Standard output holds the folder's name alone; and Ctrl-C was for the run. */
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)signal(SIGINT, SIG_IGN);
		(void)execlp(python, python, script, argument, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void summarise(struct run *run)
{
	if (run->options->no_summary)
		return;
	if (!run_script(GROWBENCH_SCRIPTS "/summarise.py", run->folder))
		progress_warn(&run->progress,
			      "summary.csv was not written; the rows are safe, and "
			      "scripts/summarise.py %s makes it from them",
			      run->folder);
}

static enum exit_status finish(struct run *run, bool ok, struct error *error)
{
	uint64_t planned = plan_row_count(&run->plan);
	bool whole = run->rows_written == planned;
	char duration[16];

	if (!ok && error->text[0] == '\0')
		ok = interrupts > 0;
	note_end(run, whole ? "complete" : interrupts > 0 ? "interrupted" : "failed");
	if (ok)
		ok = write_machine(run, error);
	if (ok && fsync(run->csv_fd) != 0)
		ok = error_set(error, "%s/runs.csv cannot be written: %s", run->folder,
			       strerror(errno));
	if (run->rows_written > 0)
		summarise(run);
	if (!ok)
		return EXIT_FAILED;
	progress_duration((double)run->rounds_ns, duration, sizeof duration);
	progress_note(&run->progress, "%" PRIu64 " of %" PRIu64
				      " rows in %s, of which the runner itself %.1f%%",
		      run->rows_written, planned, duration,
		      run->rounds_ns > 0
			      ? 100 - 100.0 * (double)run->worker_ns / (double)run->rounds_ns
			      : 0);
	if (!whole) {
		(void)fprintf(stderr, "interrupted; go on with: growbench run --resume %s\n",
			      run->folder);
		return EXIT_INTERRUPTED;
	}
	(void)printf("%s\n", run->folder);
	if (fflush(stdout) != 0)
		return EXIT_FAILED;
	if (run->rows_failed > 0) {
		progress_warn(&run->progress,
			      "%" PRIu64 " workers failed; the status columns of runs.csv say how",
			      run->rows_failed);
		return EXIT_WORKERS;
	}
	return EXIT_DONE;
}

static void warn_about_machine(const char *text, void *data)
{
	progress_note(data, "note: %s", text);
}

/* 2026-01-31T23:59:59Z becomes 20260131T235959Z, which is fit for a file's name. */
static void drop_punctuation(char *text)
{
	char *write = text;

	for (; *text != '\0'; text++)
		if (*text != '-' && *text != ':')
			*write++ = *text;
	*write = '\0';
}

static bool prepare_new(struct run *run, int argc, char **argv, struct error *error)
{
	const struct options *options = run->options;
	char now[32];
	bool own_cpu;

	utc_now(now, sizeof now);
	drop_punctuation(now);
	(void)snprintf(run->run_id, sizeof run->run_id, "%s-%s", run->machine_id, now);
	if (options->out != NULL && strlen(options->out) >= sizeof run->folder)
		return error_set(error, "--out: the name is too long");
	if (options->out != NULL)
		(void)snprintf(run->folder, sizeof run->folder, "%s", options->out);
	else
		(void)snprintf(run->folder, sizeof run->folder, "%s/%s", GROWBENCH_RESULTS,
			       run->run_id);
	if (!check_folder(run, error) || !make_folders(run->folder, error) ||
	    !check_space(run, error) || !open_csv(run, error))
		return false;
	remove_old(run, "summary.csv");
	own_cpu = topology_stay_off(&run->topology,
				    options->threads.values[options->threads.count - 1]);
	run->machine = machine_describe(&run->topology);
	(void)json_object_set_new(run->machine, "schema_version", json_integer(SCHEMA_VERSION));
	(void)json_object_set_new(run->machine, "run_id", json_string(run->run_id));
	(void)json_object_set_new(run->machine, "machine_id", json_string(run->machine_id));
	(void)json_object_set_new(run->machine, "run", run_description(run, argc, argv, own_cpu));
	(void)json_object_set_new(run->machine, "state_at_start", machine_state());
	check_allocators(run);
	(void)json_object_set_new(run->machine, "allocators", describe_allocators(run));
	return write_machine(run, error);
}

enum exit_status run_new(const struct options *options, int argc, char **argv,
			 struct error *error)
{
	enum exit_status status = EXIT_FAILED;
	struct run run;
	bool ok;

	error->text[0] = '\0';
	if (!run_init(&run, options, error)) {
		run_release(&run);
		return EXIT_USAGE;
	}
	catch_interrupts();
	if (!check_folder(&run, error)) {
		status = EXIT_USAGE;
	} else if (prepare_new(&run, argc, argv, error)) {
		(void)machine_warnings(&run.topology, warn_about_machine, &run.progress);
		progress_note(&run.progress,
			      "%zu cells in %" PRIu64 " rounds, seed %" PRIu64 ", into %s",
			      run.plan.cell_count, options->rounds, options->seed, run.folder);
		ok = do_pilot(&run, error) && do_rounds(&run, error);
		status = finish(&run, ok, error);
	}
	run_release(&run);
	return status;
}

/* ---- going on ---- */

/* Reads the rows so far: marks their positions as done and cuts off a torn last line. */
static bool read_rows(struct run *run, struct error *error)
{
	char path[PATH_MAX];
	char *header = record_csv_header();
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	off_t whole = 0;
	uint64_t number = 0;
	bool ok = true;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/runs.csv", run->folder);
	file = fopen(path, "re");
	if (file == NULL) {
		free(header);
		return error_set(error, "%s cannot be read: %s", path, strerror(errno));
	}
	while (ok && (length = getline(&line, &size, file)) > 0 && line[length - 1] == '\n') {
		char *fields[RECORD_MAX_COLUMNS];
		struct error ignored;
		uint64_t position;

		number++;
		if (number == 1) {
			ok = strcmp(line, header) == 0 ||
			     error_set(error, "%s, line 1: its columns are of another version",
				       path);
			whole += length;
			continue;
		}
		line[length - 1] = '\0';
		ok = (csv_split(line, fields, RECORD_MAX_COLUMNS) == column_count() &&
		      parse_count(fields[column_find("position")], "position", &position,
				  &ignored) &&
		      position <= plan_row_count(&run->plan) && !run->done[position - 1] &&
		      strcmp(fields[column_find("run_id")], run->run_id) == 0) ||
		     error_set(error, "%s, line %" PRIu64 ": this is no row of this run", path,
			       number);
		if (!ok)
			break;
		run->done[position - 1] = 1;
		run->rows_written++;
		whole += length;
	}
	ok = ok && (number > 0 || error_set(error, "%s has no header", path));
	free(line);
	free(header);
	(void)fclose(file);
	if (!ok)
		return false;
	run->csv_fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (run->csv_fd < 0 || ftruncate(run->csv_fd, whole) != 0)
		return error_set(error, "%s cannot be written: %s", path, strerror(errno));
	return true;
}

/* Is what the run's description says of the machine and the build still so? */
static bool check_same(const struct run *run, struct error *error)
{
	json_t *now = machine_describe(&run->topology);
	const char *id = json_string_value(json_object_get(run->machine, "machine_id"));
	json_t *build = json_object_get(run->machine, "build");
	bool ok = true;

	if (id == NULL || strcmp(id, run->machine_id) != 0)
		ok = error_set(error, "%s was begun on machine %s, and this is %s; begin a new run",
			       run->folder, id == NULL ? "?" : id, run->machine_id);
	else if (!json_equal(build, json_object_get(now, "build")))
		ok = error_set(error,
			       "%s was begun with another build (%s, now %s); begin a new run",
			       run->folder,
			       json_string_value(json_object_get(build, "git_commit")),
			       GROWBENCH_GIT_COMMIT);
	json_decref(now);
	return ok;
}

/* Are the allocators still the ones of the run's beginning? */
static bool check_same_allocators(const struct run *run, struct error *error)
{
	json_t *now = describe_allocators(run);
	json_t *then = json_object_get(run->machine, "allocators");
	bool ok = json_array_size(now) == json_array_size(then);

	for (size_t i = 0; ok && i < json_array_size(now); i++) {
		json_t *a = json_array_get(now, i);
		json_t *b = json_array_get(then, i);

		ok = json_equal(json_object_get(a, "status"), json_object_get(b, "status")) &&
		     json_equal(json_object_get(a, "build_id"), json_object_get(b, "build_id"));
		if (!ok)
			(void)error_set(error,
					"allocator %s is not the one that %s was begun with; begin "
					"a new run",
					run->options->allocators[i].name, run->folder);
	}
	json_decref(now);
	return ok;
}

/* Reads machine.json and the options that the run was begun with. *argv is owned by the caller and
 * its words by the JSON. */
static bool load_description(const char *folder, json_t **machine, char ***argv, int *argc,
			     struct error *error)
{
	char path[PATH_MAX];
	json_error_t parse_error;
	json_t *arguments;

	(void)snprintf(path, sizeof path, "%s/machine.json", folder);
	*machine = json_load_file(path, 0, &parse_error);
	if (*machine == NULL)
		return error_set(error, "--resume: %s cannot be read: %s (line %d)", path,
				 parse_error.text, parse_error.line);
	arguments = json_object_get(json_object_get(*machine, "run"), "arguments");
	*argc = (int)json_array_size(arguments) + 1;
	*argv = calloc((size_t)*argc + 1, sizeof **argv);
	if (!json_is_array(arguments) || *argv == NULL)
		return error_set(error, "--resume: %s does not say how the run was begun", path);
	(*argv)[0] = (char *)"run";
	for (int i = 1; i < *argc; i++) {
		const char *word = json_string_value(json_array_get(arguments, (size_t)i - 1));

		(*argv)[i] = (char *)(word == NULL ? "" : word);
	}
	return true;
}

static bool prepare_resumed(struct run *run, struct error *error)
{
	const char *id = json_string_value(json_object_get(run->machine, "run_id"));

	(void)snprintf(run->run_id, sizeof run->run_id, "%s", id == NULL ? "" : id);
	if (!check_same(run, error) || !read_rows(run, error) || !check_space(run, error))
		return false;
	(void)topology_stay_off(
		&run->topology,
		run->options->threads.values[run->options->threads.count - 1]);
	check_allocators(run);
	return check_same_allocators(run, error);
}

enum exit_status run_resume(const struct options *options, struct error *error)
{
	enum exit_status status = EXIT_USAGE;
	struct options begun;
	struct run run;
	char **argv = NULL;
	int argc = 0;
	json_t *pilot;
	json_t *machine = NULL;
	bool ok;

	memset(&run, 0, sizeof run);
	memset(&begun, 0, sizeof begun);
	run.csv_fd = -1;
	error->text[0] = '\0';
	ok = load_description(options->resume, &machine, &argv, &argc, error) &&
	     options_parse(argc, argv, &begun, error);
	if (ok) {
		begun.seed = (uint64_t)json_integer_value(
			json_object_get(json_object_get(machine, "run"), "seed"));
		begun.quiet = options->quiet;
		begun.no_summary = options->no_summary;
		ok = run_init(&run, &begun, error);
		run.machine = json_incref(machine);
		(void)snprintf(run.folder, sizeof run.folder, "%s", options->resume);
		catch_interrupts();
		ok = ok && prepare_resumed(&run, error);
	}
	if (ok) {
		progress_note(&run.progress, "going on with %s: %" PRIu64 " of %" PRIu64 " rows",
			      run.folder, run.rows_written, plan_row_count(&run.plan));
		pilot = json_object_get(run.machine, "pilot");
		ok = (pilot != NULL ? pilot_load(&run.plan, pilot, error)
				    : do_pilot(&run, error)) &&
		     do_rounds(&run, error);
		status = finish(&run, ok, error);
	}
	run_release(&run);
	options_release(&begun);
	json_decref(machine);
	free(argv);
	return status;
}
