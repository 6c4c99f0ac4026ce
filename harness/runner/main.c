/*
 * growbench - runs workers over strategies, sizes and allocators.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "build_info.h"
#include "harness/common/columns.h"
#include "harness/common/text.h"
#include "harness/runner/check.h"
#include "harness/runner/interrupts.h"
#include "harness/runner/machine.h"
#include "harness/runner/progress.h"
#include "harness/runner/run.h"
#include "harness/runner/verbs.h"

static int usage_error(const struct error *error)
{
	(void)fprintf(stderr, "growbench: %s\n", error->text);
	return EXIT_USAGE;
}

/* What reached standard output, all of it, decides: a full disk is no success. */
static int finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	(void)fprintf(stderr, "growbench: standard output cannot be written\n");
	return EXIT_FAILED;
}

/* ---- run ---- */

static int command_run(const struct options *options, int argc, char **argv)
{
	struct error error = {""};
	enum exit_status status = options->resume != NULL ? run_resume(options, &error)
							  : run_new(options, argc, argv, &error);

	if (error.text[0] != '\0')
		(void)fprintf(stderr, "growbench: %s\n", error.text);
	return (int)status;
}

/* ---- list ---- */

static void list_columns(void)
{
	static const char *const types[] = {
		[COLUMN_TEXT] = "text",
		[COLUMN_COUNT] = "count",
		[COLUMN_REAL] = "real",
	};

	for (size_t i = 0; i < column_count(); i++)
		(void)printf("%-32s %-5s %s\n", columns[i].name, types[columns[i].type],
			     columns[i].help);
}

static void list_strategy(const struct strategy *strategy)
{
	const char *counterpart = strategy->counterpart;

	(void)printf("  %-24s %-6s %s%s%s%s\n", strategy->name, strategy->implementation,
		     strategy->help, counterpart == NULL ? "" : " (as ",
		     counterpart == NULL ? "" : counterpart, counterpart == NULL ? "" : ")");
}

static void list_implementation(const struct implementation *implementation, bool of_patterns)
{
	if (strcmp(implementation->status, "ok") != 0 && !of_patterns)
		(void)printf("  %-24s %-6s %s\n", implementation->status, implementation->name,
			     implementation->detail);
	for (size_t i = 0; i < implementation->strategy_count; i++)
		if (implementation->strategies[i].is_pattern == of_patterns)
			list_strategy(&implementation->strategies[i]);
}

static void list_strategies(const struct options *options)
{
	(void)puts("Strategies:");
	for (size_t i = 0; strategies[i] != NULL; i++)
		list_strategy(strategies[i]);
	for (size_t i = 0; i < options->implementation_count; i++)
		list_implementation(&options->implementations[i], false);
	(void)puts("\nCopying patterns:");
	for (size_t i = 0; patterns[i] != NULL; i++)
		list_strategy(patterns[i]);
	for (size_t i = 0; i < options->implementation_count; i++)
		list_implementation(&options->implementations[i], true);
}

static void list_allocators(const struct options *options)
{
	(void)puts("\nAllocators:");
	for (size_t i = 0; i < options->allocator_count; i++) {
		const struct allocator *allocator = &options->allocators[i];

		(void)printf("  %-24s %s", allocator->name,
			     allocator->missing != NULL ? allocator->missing
							: allocator->expected_path);
		if (allocator->worker != NULL)
			(void)printf(", measured with %s", allocator->worker);
		(void)printf("\n");
	}
}

static void list_presets(void)
{
	(void)puts("\nPresets:");
	for (const struct preset *preset = presets; preset->name != NULL; preset++)
		(void)printf("  %-24s %s\n", preset->name, preset->help);
}

static void list_probes(void)
{
	(void)puts("\nProbes of the machine:");
	for (const struct probe *probe = probes; probe->name != NULL; probe++)
		(void)printf("  %-24s %s\n", probe->name, probe->help);
}

static int command_list(const struct options *options, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (options->columns) {
		list_columns();
		return finish_output();
	}
	list_strategies(options);
	list_allocators(options);
	list_presets();
	list_probes();
	(void)puts("\nWork:");
	for (const char *const *name = row_work_names; *name != NULL; name++)
		(void)printf("  %s\n", *name);
	return finish_output();
}

/* ---- plan ---- */

static const char *const skip_notes[] = {
	[CELL_MEASURED] = "",
	[CELL_PREDICTED] = "skipped_predicted",
	[CELL_NO_MEMORY] = "skipped_memory",
	[CELL_UNSUPPORTED] = "unsupported",
	[CELL_UNAVAILABLE] = "unavailable",
	[CELL_WRONG_ALLOCATOR] = "wrong_allocator",
	[CELL_NO_IMPLEMENTATION] = "without a program",
};

static void print_probe_visit(const struct plan *plan, const struct visit *visit, uint64_t position)
{
	const struct probe_visit *probe = &plan->probes[visit->block];

	(void)printf("%" PRIu64 ",%" PRIu64 ",probe,c,%s,%s,1,%" PRIu64 ",1,%.3f,\n", position,
		     visit->round + 1, probe->probe->name,
		     plan->options->allocators[visit->allocator].name, probe->bytes,
		     plan_visit_ns(plan, visit) / 1e6);
}

static void print_visit(const struct plan *plan, const struct visit *visit, uint64_t position)
{
	const struct block *block;
	const struct cell *cell;
	const char *note;

	if (visit->pass == PASS_PROBE) {
		print_probe_visit(plan, visit, position);
		return;
	}
	block = &plan->blocks[visit->block];
	cell = plan_cell(plan, visit->block, visit->allocator);
	note = cell->skip == CELL_NO_IMPLEMENTATION ? block->implementation->status
						    : skip_notes[cell->skip];
	if (visit->pass == plan_measuring_pass(block) && cell->skip == CELL_MEASURED &&
	    !plan_measures(plan, cell, visit->round))
		note = "skipped_rounds";
	(void)printf("%" PRIu64 ",%" PRIu64 ",%s,%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%u,%.3f,%s\n",
		     position, visit->round + 1, pass_names[visit->pass],
		     block->strategy->implementation, block->strategy->name,
		     plan->options->allocators[visit->allocator].name, block->size.rows,
		     block->size.row_bytes, block->size.threads, plan_visit_ns(plan, visit) / 1e6,
		     note);
}

static void print_plan_end(const struct plan *plan)
{
	size_t skipped[sizeof skip_notes / sizeof *skip_notes] = {0};
	char duration[16];

	for (size_t i = 0; i < plan->cell_count; i++)
		skipped[plan->cells[i].skip]++;
	progress_duration(plan_expected_ns(plan), duration, sizeof duration);
	for (size_t i = 0; i < plan->options->allocator_count; i++)
		if (plan->options->allocators[i].worker != NULL)
			(void)fprintf(stderr, "%s is measured with %s\n",
				      plan->options->allocators[i].name,
				      plan->options->allocators[i].worker);
	(void)fprintf(stderr,
		      "%" PRIu64 " rows: %zu cells x %" PRIu64 " rounds, seed %" PRIu64
		      "\nexpected time: about %s, by a model of typical machines; the pilot of a "
		      "run measures it\n",
		      plan_row_count(plan), plan->cell_count, plan->options->rounds,
		      plan->options->seed, duration);
	for (size_t i = 1; i < sizeof skipped / sizeof *skipped; i++)
		if (skipped[i] > 0)
			(void)fprintf(stderr, "%zu cells will be %s%s\n", skipped[i], skip_notes[i],
				      i == CELL_PREDICTED ? ", if the pilot agrees" : "");
	if (skipped[CELL_NO_MEMORY] > 0)
		(void)fprintf(stderr, "a worker may use %" PRIu64 " MB here\n",
			      plan->memory_bytes / 1000000);
}

static bool print_plan(const struct plan *plan, struct error *error)
{
	struct visit *visits = plan_order(plan);
	const uint64_t count = plan_row_count(plan);

	if (visits == NULL)
		return error_set(error, "no memory for a plan of %zu cells", plan->cell_count);
	(void)puts("position,round,pass,implementation,strategy,allocator,rows,row_bytes,threads,"
		   "expected_ms,note");
	for (uint64_t i = 0; i < count; i++)
		print_visit(plan, &visits[i], i + 1);
	print_plan_end(plan);
	free(visits);
	return true;
}

static int command_plan(const struct options *options, int argc, char **argv)
{
	struct error error;
	struct plan plan;
	struct topology topology;
	bool ok = topology_load(&topology, options->cpu, &error);

	memset(&plan, 0, sizeof plan);
	ok = ok && plan_make(&plan, options, &topology, machine_memory_bytes(), &error) &&
	     print_plan(&plan, &error);

	(void)argc;
	(void)argv;
	plan_release(&plan);
	return ok ? finish_output() : usage_error(&error);
}

/* ---- doctor ---- */

/* What doctor and peak need of a run: the machine's CPUs and a way to start workers. */
struct bench_side {
	struct topology topology;
	struct worker_pool pool;
	char worker_path[PATH_MAX];
};

static bool side_init(struct bench_side *side, const struct options *options, struct error *error)
{
	bool ok;

	memset(side, 0, sizeof *side);
	ok = topology_load(&side->topology, options->cpu, error) &&
	     run_worker_path(options, side->worker_path, error) &&
	     worker_pool_init(&side->pool, side->worker_path, &side->topology, options, &interrupts,
			      error);
	/* There is nothing to finish. */
	side->pool.kill_at = 1;
	return ok;
}

static void print_allocator_check(const struct allocator *allocator,
				  const struct allocator_check *check)
{
	if (strcmp(check->status, "ok") != 0) {
		(void)printf("  %-12s %s: %s\n", allocator->name, check->status, check->detail);
		return;
	}
	(void)printf("  %-12s ok: version %s, build-id %.16s, %s\n", allocator->name,
		     check->version[0] == '\0' ? "unknown" : check->version,
		     check->build_id[0] == '\0' ? "none" : check->build_id,
		     allocator->expected_path);
	if (allocator->worker != NULL)
		(void)printf("  %-12s measured with %s, build-id %.16s\n", "", allocator->worker,
			     check->worker_build_id[0] == '\0' ? "none" : check->worker_build_id);
	if (check->resolution_known)
		(void)printf("  %-12s peak memory is read within %" PRIu64 " KiB\n", "",
			     check->resolution_bytes / 1024);
	else
		(void)printf("  %-12s peak memory cannot be read: %s\n", "", check->detail);
	if (check->untraced[0] != '\0')
		(void)printf("  %-12s cannot be traced: %s\n", "", check->untraced);
	else
		(void)printf("  %-12s can be traced%s%s\n", "",
			     check->blind[0] == '\0' ? ", its system calls too"
						     : ", but not its system calls: ",
			     check->blind);
}

static void print_warning(const char *text, void *data)
{
	(void)data;
	(void)printf("  %s\n", text);
}

static void print_probe(const char *what, const char *why_not, void *data)
{
	(void)data;
	(void)printf("  %-52s %s%s\n", what,
		     why_not == NULL ? "works" : "not here: ", why_not == NULL ? "" : why_not);
}

static void print_machine(const struct topology *topology)
{
	char id[96];

	machine_id(topology, id, sizeof id);
	(void)printf("Machine:\n  %s: %u cores, %u CPUs (%u allowed), %" PRIu64 " MiB of memory\n",
		     id, topology->cores, topology->cpus, topology->allowed,
		     topology->memory_bytes >> 20);
	for (size_t i = 0; i < topology->cache_count; i++)
		(void)printf("  L%u%c cache: %" PRIu64 " KiB, shared by %u CPU%s\n",
			     topology->caches[i].level, topology->caches[i].type,
			     topology->caches[i].bytes / 1024, topology->caches[i].shared_by,
			     topology->caches[i].shared_by == 1 ? "" : "s");
	if (topology->worker_cpu_count > 0)
		(void)printf("  workers run on CPU %u; a worker may use %" PRIu64 " MB\n",
			     topology->worker_cpus[0], machine_memory_bytes() / 1000000);
}

static int command_doctor(const struct options *options, int argc, char **argv)
{
	struct bench_side side;
	struct error error;
	size_t bad = 0;

	(void)argc;
	(void)argv;
	if (!side_init(&side, options, &error)) {
		worker_pool_release(&side.pool);
		return usage_error(&error);
	}
	print_machine(&side.topology);
	(void)puts("\nAllocators, each as a worker found it:");
	for (size_t i = 0; i < options->allocator_count && interrupts == 0; i++) {
		struct allocator_check check = check_allocator(&side.pool, &options->allocators[i]);

		if (strcmp(check.status, "ok") == 0)
			check_trace(&side.pool, &options->allocators[i], &check);
		print_allocator_check(&options->allocators[i], &check);
		bad += strcmp(check.status, "ok") != 0;
	}
	if (interrupts > 0) {
		worker_pool_release(&side.pool);
		return EXIT_INTERRUPTED;
	}
	(void)puts("\nProbes:");
	machine_probes(print_probe, NULL);
	(void)puts("\nWhat will make figures noisy:");
	if (machine_warnings(&side.topology, print_warning, NULL) == 0)
		(void)puts("  nothing that could be seen");
	worker_pool_release(&side.pool);
	if (finish_output() != EXIT_DONE)
		return EXIT_FAILED;
	return bad > 0 ? EXIT_WORKERS : EXIT_DONE;
}

/* ---- peak ---- */

/* The reading for one size, or a negative number if there is none. */
static double read_peak(struct bench_side *side, const struct allocator *allocator,
			const char *pass, uint64_t bytes)
{
	const struct worker_task task = {
		.pass = pass,
		.size = {.rows = bytes, .row_bytes = 1, .threads = 1},
		.allocator = allocator,
		.values = 1,
	};
	struct record record = record_init();
	double peak;

	(void)worker_run(&side->pool, &task, &record);
	peak = record_get_real(&record, "peak_memory_bytes", -1);
	record_release(&record);
	return peak;
}

static double print_peaks(struct bench_side *side, const struct allocator *allocator)
{
	static const char *const passes[] = {"peak-lasts", "peak-over"};
	double worst = 0;

	for (uint64_t mib = 1; mib <= 1024 && interrupts == 0; mib *= 4) {
		/* Not a whole number of the kernel's batches. */
		uint64_t bytes = (mib << 20) + 21 * (uint64_t)sysconf(_SC_PAGESIZE);

		(void)printf("%-12s %8" PRIu64, allocator->name, bytes >> 10);
		for (size_t i = 0; i < 2; i++) {
			double peak = read_peak(side, allocator, passes[i], bytes);
			double off = peak - (double)bytes;

			if (peak < 0) {
				(void)printf(" %21s", "none");
				worst = 1e18;
				continue;
			}
			(void)printf(" %12.0f %+8.0f", peak / 1024, off / 1024);
			worst = off > worst ? off : -off > worst ? -off : worst;
		}
		(void)printf("\n");
		(void)fflush(stdout);
	}
	return worst;
}

static int command_peak(const struct options *options, int argc, char **argv)
{
	const size_t ballast_bytes = (size_t)300 << 20;
	/* 256 KiB where pages have 4: twice what the kernel counts in one go. */
	const double goal = 64 * (double)sysconf(_SC_PAGESIZE);
	unsigned char *ballast = mmap(NULL, ballast_bytes, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct bench_side side;
	struct error error;
	double worst = 0;
	bool unread = false;

	(void)argc;
	(void)argv;
	if (ballast == MAP_FAILED || !side_init(&side, options, &error)) {
		if (ballast == MAP_FAILED)
			(void)error_set(&error, "no 300 MiB of memory for the runner to hold");
		else
			worker_pool_release(&side.pool);
		return usage_error(&error);
	}
	(void)puts("A worker touches a known amount of memory; the runner holds 300 MiB. In KiB:\n"
		   "allocator       truth   peak that lasts (off)  peak that is over (off)");
	for (size_t i = 0; i < options->allocator_count; i++) {
		const struct allocator *allocator = &options->allocators[i];
		double off;

		if (allocator->missing != NULL) {
			if (options_name_allocator(options, allocator->name)) {
				(void)fprintf(stderr, "growbench: %s: no peak was read: %s\n",
					      allocator->name, allocator->missing);
				unread = true;
			}
			continue;
		}
		off = print_peaks(&side, allocator);
		worst = off > worst ? off : worst;
	}
	worker_pool_release(&side.pool);
	(void)munmap(ballast, ballast_bytes);
	if (interrupts > 0)
		return EXIT_INTERRUPTED;
	(void)printf("largest difference: %.0f KiB (goal: at most %.0f)\n", worst / 1024,
		     goal / 1024);
	if (finish_output() != EXIT_DONE)
		return EXIT_FAILED;
	if (unread)
		return EXIT_UNMEASURED;
	return worst <= goal ? EXIT_DONE : EXIT_WORKERS;
}

/* ---- the commands ---- */

static const struct {
	const char *name;
	int (*run)(const struct options *options, int argc, char **argv);
	const char *help;
	const char *examples;
} commands[] = {
	{"run", command_run, "measure, and write runs.csv, summary.csv and machine.json",
	 "  growbench run --preset quick\n"
	 "  growbench run --strategies realloc_doubling,realloc_x1.5 --rows 1k,10k,100k\n"
	 "  growbench run --allocator mine=/opt/lib/libmine.so --allocators glibc,mine\n"
	 "  growbench run --allocator lazy=jemalloc,MALLOC_CONF=dirty_decay_ms:-1\n"
	 "  growbench run --allocator old=glibc@../before/build --allocators old,glibc\n"
	 "  growbench run --resume results/my-run\n"},
	{"list", command_list, "strategies, allocators, presets; --columns: of runs.csv",
	 "  growbench list\n  growbench list --columns\n"},
	{"plan", command_plan, "every cell, the order and the expected time, without running",
	 "  growbench plan --preset full | head\n  growbench plan --seed 1 > order.csv\n"},
	{"doctor", command_doctor, "which allocators were found, and what makes figures noisy here",
	 "  growbench doctor\n  growbench doctor --allocator mine=/opt/lib/libmine.so\n"},
	{"peak", command_peak, "how exactly peak memory is read here, against known amounts",
	 "  growbench peak\n  growbench peak --allocators glibc\n"},
};

enum {
	COMMAND_COUNT = sizeof commands / sizeof *commands
};

static void print_help(void)
{
	(void)puts("growbench measures what it costs to build an array row by row: strategies x "
		   "sizes x\nallocators, in time and peak memory.\n\n"
		   "usage: growbench COMMAND [OPTION...]\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		(void)printf("  %-15s %s\n", commands[i].name, commands[i].help);
	(void)puts("\nOf a run, by Python:\n");
	for (const struct verb *verb = python_verbs; verb->name != NULL; verb++)
		(void)printf("  %-15s %s\n", verb->name, verb->help);
	(void)puts("\ngrowbench COMMAND --help shows the options. Exit status: 0 done, 1 failed, 2 "
		   "wrong\nusage and nothing written, 3 some workers failed, 4 something that was "
		   "named was not\n"
		   "measured, or nothing was, 130 interrupted.");
}

static int print_command_help(size_t command)
{
	(void)printf("usage: growbench %s [OPTION...]\n%s\n\nOptions:\n", commands[command].name,
		     commands[command].help);
	options_help(stdout);
	(void)printf("\nExamples:\n%s", commands[command].examples);
	return finish_output();
}

static int run_command(size_t command, int argc, char **argv)
{
	struct options options;
	struct error error;
	int status;

	if (!options_parse(argc, argv, &options, &error))
		status = usage_error(&error);
	else if (interrupts > 0)
		status = EXIT_INTERRUPTED;
	else if (options.help)
		status = print_command_help(command);
	else
		status = commands[command].run(&options, argc, argv);
	options_release(&options);
	return status;
}

/* If standard error were closed, runs.csv would be opened in its place, and messages written into
 * it. What is put there instead cannot be written to, so that it is told as it would be. */
static void keep_standard_descriptors_taken(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* We run what the command line and the environment name: so nobody may lend us rights that the
 * caller has not, nor may a worker get any. */
static bool has_callers_rights_only(struct error *error)
{
	if (getauxval(AT_SECURE) != 0)
		return error_set(error,
				 "this program is set-user-ID, set-group-ID or has capabilities, "
				 "and would run its workers with rights that you do not have; "
				 "take that from it: chmod u-s,g-s, setcap -r");
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ||
	       error_set(error, "prctl(PR_SET_NO_NEW_PRIVS): %s", strerror(errno));
}

/* What is neither a command of ours nor a verb of Python's is misspelt. */
static int unknown_verb(const char *word)
{
	const char **names;
	size_t count = COMMAND_COUNT;
	struct error error;

	for (const struct verb *verb = python_verbs; verb->name != NULL; verb++)
		count++;
	names = calloc(count + 1, sizeof *names);
	if (names == NULL) {
		(void)error_set(&error, "unknown command '%s'", word);
		return usage_error(&error);
	}
	count = 0;
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[count++] = commands[i].name;
	for (const struct verb *verb = python_verbs; verb->name != NULL; verb++)
		names[count++] = verb->name;
	(void)unknown_name("command", word, names, &error);
	free(names);
	return usage_error(&error);
}

int main(int argc, char **argv)
{
	struct error error;

	keep_standard_descriptors_taken();
	if (!has_callers_rights_only(&error))
		return usage_error(&error);
	interrupts_catch();
	if (argc < 2) {
		print_help();
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help();
		return finish_output();
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)puts("growbench " GROWBENCH_VERSION);
		return finish_output();
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run_command(i, argc - 1, argv + 1);
	for (const struct verb *verb = python_verbs; verb->name != NULL; verb++)
		if (strcmp(argv[1], verb->name) == 0) {
			(void)verb_execute(argv + 1, &error);
			return usage_error(&error);
		}
	return unknown_verb(argv[1]);
}
