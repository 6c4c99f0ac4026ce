#include "harness/worker/command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/common/strategy_value.h"
#include "harness/common/text.h"
#include "harness/worker/aged.h"
#include "harness/worker/identity.h"
#include "harness/worker/measure.h"
#include "harness/worker/passes.h"
#include "harness/worker/replay.h"
#include "harness/worker/traced.h"

enum {
	EXIT_USAGE = 2,
	MOST_NAMES = 64 /* of passes, of probes */
};

/* The strategy of that implementation (NULL: whichever) and name, or NULL. */
static const struct strategy *strategy_of(const struct worker_program *program,
					  const char *implementation, const char *name)
{
	for (size_t t = 0; t < WORKER_TABLES && program->tables[t] != NULL; t++)
		for (size_t i = 0; program->tables[t][i] != NULL; i++) {
			const struct strategy *strategy = program->tables[t][i];

			if (strcmp(strategy->name, name) == 0 &&
			    (implementation == NULL ||
			     strcmp(strategy->implementation, implementation) == 0))
				return strategy;
		}
	return NULL;
}

/* The replay of the profile, which has one name. */
static bool find_replay(struct worker_request *request, struct error *error)
{
	const struct replay_choice choice = {request->profile, request->process,
					     request->measure.threads};

	if (request->program->replay == NULL)
		return error_set(error, "--profile: no profiles are replayed by this program");
	request->measure.strategy = request->program->replay(&choice, error);
	if (request->measure.strategy == NULL)
		return false;
	return strcmp(request->measure.strategy->name, request->strategy) == 0 ||
	       error_set(error, "%s is %s, and not %s", request->profile,
			 request->measure.strategy->name, request->strategy);
}

/* Finds the strategy that was named, with its value if it has a parameter. */
static bool find_strategy(struct worker_request *request, struct error *error)
{
	struct measure_request *measure = &request->measure;

	static struct strategy_instance instance;
	char name[sizeof instance.name];
	const char *value;

	if (request->strategy == NULL)
		return true;
	if (request->profile != NULL)
		return find_replay(request, error);
	value = strchr(request->strategy, ':');
	(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(request->strategy, ":"),
		       request->strategy);
	measure->strategy = strategy_of(request->program, request->implementation, name);
	if (measure->strategy == NULL)
		return error_set(error,
				 "unknown strategy '%.64s'%s%.64s; growbench list shows them", name,
				 request->implementation == NULL ? "" : " of implementation ",
				 request->implementation == NULL ? "" : request->implementation);
	if (value == NULL && measure->strategy->parameter == NULL)
		return true;
	if (!strategy_value(measure->strategy, value == NULL ? NULL : value + 1, &instance, error))
		return false;
	measure->strategy = &instance.strategy;
	return true;
}

static bool set_probe(struct worker_request *request, const char *name, struct error *error)
{
	const char *names[MOST_NAMES] = {NULL};

	for (size_t i = 0; probes[i].name != NULL; i++)
		names[i] = probes[i].name;
	request->probe = probe_find(name);
	return request->probe != NULL || unknown_name("probe", name, names, error);
}

static bool set_work(struct worker_request *request, const char *name, struct error *error)
{
	for (unsigned i = 0; row_work_names[i] != NULL; i++)
		if (strcmp(name, row_work_names[i]) == 0) {
			request->measure.work = (enum row_work)i;
			return true;
		}
	return unknown_name("work", name, row_work_names, error);
}

static bool set_number(const char *text, const char *what, uint64_t most, uint64_t *number,
		       struct error *error)
{
	if (!parse_seed(text, what, number, error))
		return false;
	if (*number > most)
		return error_set(error, "%s: '%s' is more than %" PRIu64, what, text, most);
	return true;
}

static bool set_option(struct worker_request *request, int option, const char *argument,
		       struct error *error)
{
	uint64_t number = 0;

	switch (option) {
	case 'm':
		request->implementation = argument;
		return true;
	case 's':
		request->strategy = argument;
		return true;
	case 'e':
		request->profile = argument;
		return true;
	case 'n':
		return set_number(argument, "--process", PROFILE_MOST_PROCESSES, &request->process,
				  error);
	case 'o':
		return set_probe(request, argument, error);
	case 'p':
		return set_number(argument, "--points", TRACED_MOST_POINTS, &request->points,
				  error);
	case 'w':
		return set_work(request, argument, error);
	case 'c':
		return measure_pin(argument, error);
	case 'r':
		if (!parse_count(argument, "--rows", &number, error))
			return false;
		request->measure.rows = number;
		return true;
	case 'b':
		if (!parse_count(argument, "--row-bytes", &number, error))
			return false;
		request->measure.row_bytes = number;
		return true;
	case 't':
		if (!set_number(argument, "--threads", 4096, &number, error))
			return false;
		request->measure.threads = (unsigned)number;
		return number > 0 || error_set(error, "--threads: 0 threads; give 1 or more");
	case 'i':
		return set_number(argument, "--iterations", INT64_MAX / 4096,
				  &request->measure.iterations, error);
	case 'v':
		if (!set_number(argument, "--values", MEASURE_MAX_VALUES, &number, error))
			return false;
		request->measure.values = (unsigned)number;
		return number > 0 || error_set(error, "--values: 0 values; give 1 or more");
	case 'f':
		if (!set_number(argument, "--report-fd", 1 << 20, &number, error))
			return false;
		request->report_fd = (int)number;
		return fcntl(request->report_fd, F_GETFD) >= 0 ||
		       error_set(error, "--report-fd: descriptor %s is not open", argument);
	default:
		return error_set(error, "unknown option or missing value; see --help");
	}
}

static bool parse_request(int argc, char **argv, struct worker_request *request,
			  struct error *error)
{
	static const struct option options[] = {
		{"implementation", required_argument, NULL, 'm'},
		{"strategy", required_argument, NULL, 's'},
		{"profile", required_argument, NULL, 'e'},
		{"process", required_argument, NULL, 'n'},
		{"probe", required_argument, NULL, 'o'},
		{"points", required_argument, NULL, 'p'},
		{"rows", required_argument, NULL, 'r'},
		{"row-bytes", required_argument, NULL, 'b'},
		{"threads", required_argument, NULL, 't'},
		{"work", required_argument, NULL, 'w'},
		{"iterations", required_argument, NULL, 'i'},
		{"values", required_argument, NULL, 'v'},
		{"cpus", required_argument, NULL, 'c'},
		{"report-fd", required_argument, NULL, 'f'},
		{NULL, 0, NULL, 0},
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!set_option(request, option, optarg, error))
			return false;
	if (optind < argc)
		return error_set(error, "'%s' is one word too many; see --help", argv[optind]);
	return find_strategy(request, error);
}

static int fail(const struct worker_program *program, const char *message)
{
	(void)fprintf(stderr, "%s: %s\n", program->name, message);
	return EXIT_USAGE;
}

/* Ages the heap before a pass that builds something, if that was asked for, and says so. */
static void age(const struct worker_pass *pass, struct report *report)
{
	struct error ignored;
	uint64_t seed;

	if (!pass->needs_strategy || !aged_seed(&seed, &ignored) || seed == 0)
		return;
	aged_make(0);
	report_count(report, "allocator_aged_seed", seed);
}

/* Does the pass if what it needs is there; returns the status. */
static const char *do_pass(const struct worker_request *request, const struct worker_pass *pass,
			   struct report *report, struct error *error)
{
	const struct measure_request *measure = &request->measure;
	const struct strategy *strategy = measure->strategy;

	if (!pass->needs_strategy || strategy == NULL)
		return pass->run(request, report, error);
	if (request->program->missing != NULL) {
		(void)error_set(error, "%s", request->program->missing);
		return "unavailable";
	}
	if (!strategy_supports(strategy, measure->row_bytes)) {
		(void)error_set(error, "%s has no rows of %zu bytes", strategy->name,
				measure->row_bytes);
		return "unsupported";
	}
	if (measure->threads > 1 && request->program->interpreter_ns != NULL) {
		(void)error_set(error, "%s is of one thread only", strategy->name);
		return "unsupported";
	}
	return pass->run(request, report, error);
}

/* A worker whose runner was killed must not go on. One that was killed before we asked to be told
 * sends no signal: its end of the report's pipe is closed then. */
static bool end_with_reader(int report_fd)
{
	struct pollfd report = {.fd = report_fd};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	return poll(&report, 1, 0) >= 0 && (report.revents & POLLERR) == 0;
}

static int run_pass(const struct worker_program *program, const struct worker_pass *pass, int argc,
		    char **argv)
{
	static struct report report;
	struct worker_request request = {
		.program = program,
		.measure = {.threads = 1, .row_bytes = 80, .values = 1},
		.process = PROFILE_UNKNOWN,
		.report_fd = STDOUT_FILENO,
	};
	struct error error = {""};
	struct identity identity;
	uint64_t seed;
	const char *status;

	if (!parse_request(argc, argv, &request, &error) || !aged_seed(&seed, &error))
		return fail(program, error.text);
	if (pass->needs_strategy && (request.measure.strategy == NULL || request.measure.rows == 0))
		return fail(program, "--strategy and --rows are needed; see --help");
	if (!end_with_reader(request.report_fd))
		return fail(program, "nobody reads the report");
	request.measure.scan_warm = pass->is_of_patterns;

	report_begin(&report, request.report_fd);
	if (!identity_find(&identity, &error)) {
		status = "wrong_allocator";
	} else {
		report_text(&report, "allocator_path", identity.path);
		report_text(&report, "allocator_version", identity.version);
		report_text(&report, "allocator_build_id", identity.build_id);
		age(pass, &report);
		status = do_pass(&request, pass, &report, &error);
	}
	if (!report_end(&report, status, error.text[0] == '\0' ? NULL : error.text)) {
		(void)fprintf(stderr, "%s: the report could not be written: %s\n", program->name,
			      strerror(errno));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

int worker_command(const struct worker_program *program, int argc, char **argv)
{
	/* A lookup that finds nothing leaves a message on the heap that begins with argv[0]
	 * (glibc's elf/dl-lookup.c, DSO_FILENAME). Which blocks the allocator has at hand when the
	 * first build begins must not depend on where the program lies. */
	static char fixed_name[] = "growbench-worker";
	const char *names[MOST_NAMES] = {NULL};
	struct error error;

	if (argc < 2)
		return fail(program, "say what to do; see --help");
	argv[0] = fixed_name;
	for (size_t i = 0; worker_passes[i].name != NULL; i++) {
		names[i] = worker_passes[i].name;
		if (strcmp(argv[1], names[i]) == 0)
			return run_pass(program, &worker_passes[i], argc - 1, argv + 1);
	}
	(void)unknown_name("pass", argv[1], names, &error);
	return fail(program, error.text);
}
