#include "harness/runner/worker.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/common/columns.h"
#include "harness/common/statuses.h"
#include "harness/runner/environment.h"
#include "harness/runner/program.h"

bool worker_pool_init(struct worker_pool *pool, const char *path, const struct topology *topology,
		      const struct options *options, const volatile sig_atomic_t *interrupts,
		      struct error *error)
{
	memset(pool, 0, sizeof *pool);
	pool->path = path;
	pool->topology = topology;
	pool->timeout_ns = options->timeout_s * 1000000000;
	pool->work = options->work;
	pool->interrupts = interrupts;
	pool->kill_at = 2;
	pool->environment = environment_for_workers(&pool->environment_count);
	pool->process = malloc(sizeof *pool->process);
	return (pool->environment != NULL && pool->process != NULL) ||
	       error_set(error, "no memory for the workers' environment");
}

void worker_pool_release(struct worker_pool *pool)
{
	environment_free(pool->environment);
	free(pool->process);
	memset(pool, 0, sizeof *pool);
}

static void set_status(struct record *record, const char *status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void set_status(struct record *record, const char *status, const char *format, ...)
{
	char detail[700];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(detail, sizeof detail, format, arguments);
	va_end(arguments);
	record_set_text(record, "status", status);
	record_set_text(record, "status_detail", detail);
}

/* A worker's command line. */
struct command {
	char cpus[TOPOLOGY_MAX_WORKER_CPUS * 6];
	char numbers[7][24];
	const char *arguments[72];
	size_t count;
};

static void add(struct command *command, const char *option, const char *value)
{
	command->arguments[command->count++] = option;
	if (value != NULL)
		command->arguments[command->count++] = value;
}

static void add_number(struct command *command, unsigned slot, const char *option, uint64_t value)
{
	(void)snprintf(command->numbers[slot], sizeof command->numbers[slot], "%" PRIu64, value);
	add(command, option, command->numbers[slot]);
}

const char *worker_program(const struct worker_pool *pool, const struct allocator *allocator)
{
	return allocator->worker != NULL ? allocator->worker : pool->path;
}

size_t worker_cpu_count(const struct topology *topology, unsigned threads)
{
	return threads < topology->worker_cpu_count ? threads : topology->worker_cpu_count;
}

static void make_command(const struct worker_pool *pool, const struct worker_task *task,
			 struct command *command)
{
	size_t used = 0;

	memset(command, 0, sizeof *command);
	if (task->implementation == NULL)
		add(command, worker_program(pool, task->allocator), NULL);
	else
		for (char **word = task->implementation->arguments; *word != NULL; word++)
			add(command, *word, NULL);
	add(command, task->pass, NULL);
	if (task->strategy != NULL) {
		add(command, "--implementation", task->strategy->implementation);
		add(command, "--strategy", task->strategy->name);
	}
	if (task->probe != NULL)
		add(command, "--probe", task->probe);
	if (task->points > 0)
		add_number(command, 6, "--points", task->points);
	if (task->size.rows > 0) {
		add_number(command, 0, "--rows", task->size.rows);
		add_number(command, 1, "--row-bytes", task->size.row_bytes);
		add_number(command, 2, "--threads", task->size.threads);
		add(command, "--work", row_work_names[pool->work]);
		add_number(command, 3, "--iterations", task->iterations);
		add_number(command, 4, "--values", task->values > 0 ? task->values : 1);
	}
	for (size_t i = 0; i < worker_cpu_count(pool->topology, task->size.threads); i++)
		used += (size_t)snprintf(command->cpus + used, sizeof command->cpus - used, "%s%u",
					 i > 0 ? "," : "", pool->topology->worker_cpus[i]);
	if (used > 0)
		add(command, "--cpus", command->cpus);
	add_number(command, 5, "--report-fd", PROCESS_REPORT_FD);
}

/* The pool's environment with the allocator's variables and LD_PRELOAD: an array to be freed, whose
 * last string (LD_PRELOAD) is in `preload`. An allocator's variable replaces ours of that name. */
static const char **make_environment(const struct worker_pool *pool, const struct worker_task *task,
				     char *preload, size_t size)
{
	const struct allocator *const allocator = task->allocator;
	const bool traced = strcmp(task->pass, pass_names[PASS_TRACE]) == 0;
	size_t own = 0;
	size_t count = 0;
	const char **environment;

	while (allocator->environment[own] != NULL)
		own++;
	environment = calloc(pool->environment_count + own + 2, sizeof *environment);
	if (environment == NULL)
		return NULL;
	for (size_t i = 0; i < pool->environment_count; i++) {
		const char *entry = pool->environment[i];
		size_t name = strcspn(entry, "=") + 1;
		bool replaced = false;

		for (size_t j = 0; j < own; j++)
			replaced |= strncmp(entry, allocator->environment[j], name) == 0;
		if (!replaced)
			environment[count++] = entry;
	}
	for (size_t i = 0; i < own; i++)
		environment[count++] = allocator->environment[i];
	if (traced || allocator->library != NULL) {
		const char *library = allocator->library == NULL ? "" : allocator->library;
		char interposer[PATH_MAX + 32] = "";

		if (traced)
			program_interposer(worker_program(pool, allocator), interposer,
					   sizeof interposer);
		(void)snprintf(preload, size, "LD_PRELOAD=%s%s%s", interposer,
			       traced && *library != '\0' ? ":" : "", library);
		environment[count++] = preload;
	}
	return environment;
}

/* Clock ticks that the hypervisor took from these CPUs so far (proc(5), /proc/stat, "steal"). */
static uint64_t stolen_ticks(const struct topology *topology, size_t cpus)
{
	char text[16 * 1024];
	uint64_t sum = 0;
	ssize_t length;
	int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	length = read(fd, text, sizeof text - 1);
	(void)close(fd);
	text[length < 0 ? 0 : length] = '\0';
	for (size_t i = 0; i < cpus; i++) {
		char key[32];
		unsigned long long steal;
		const char *line;

		(void)snprintf(key, sizeof key, "\ncpu%u ", topology->worker_cpus[i]);
		line = strstr(text, key);
		if (line != NULL &&
		    sscanf(line + strlen(key), "%*u %*u %*u %*u %*u %*u %*u %llu", &steal) == 1)
			sum += steal;
	}
	return sum;
}

static void set_started(struct record *record)
{
	char text[40];
	char full[48];
	struct timespec now;
	struct tm utc;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &utc);
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(full, sizeof full, "%s.%03uZ", text, (unsigned)(now.tv_nsec / 1000000));
	record_set_text(record, "started_utc", full);
}

/* The first line that the worker wrote to stderr, if any, for a detail. */
static const char *first_message(const struct process_result *process, char *text, size_t size)
{
	size_t length = 0;

	while (length < process->message_length && length < size - 3 &&
	       process->message[length] != '\n')
		length++;
	if (length == 0)
		return "";
	(void)snprintf(text, size, ": %.*s", (int)length, process->message);
	return text;
}

/* Drops what a worker said but for the allocator's identity. */
static void drop_figures(struct record *record)
{
	free(record->points);
	record->points = NULL;
	record->points_length = 0;
	for (size_t i = 0; i < column_count(); i++) {
		if (columns[i].source != FROM_WORKER ||
		    strncmp(columns[i].name, "allocator_", 10) == 0)
			continue;
		free(record->values[i]);
		record->values[i] = NULL;
	}
}

/* Does the record have what a worker that did this pass cannot do without? */
static bool has_figures(const struct worker_task *task, const struct record *record)
{
	static const struct {
		const char *pass;
		const char *columns[2];
	} needed[] = {
		{"measure", {"cold_build_ns", "checksum"}},
		{"pattern", {"cold_build_ns", "checksum"}},
		{"trace", {"malloc_count", "checksum"}},
		{"latency", {"latency_max_ns", "checksum"}},
		{"probe", {"probe_ns", "probe_ns"}},
	};

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (strcmp(task->pass, needed[i].pass) == 0)
			return record_get(record, needed[i].columns[0]) != NULL &&
			       record_get(record, needed[i].columns[1]) != NULL;
	return true;
}

static void judge_report(const struct worker_task *task, const struct process_result *process,
			 struct record *record)
{
	struct error error;
	char message[256];
	const char *path;

	if (process->report_too_long) {
		set_status(record, "bad_report", "the report is longer than %d bytes",
			   REPORT_MAX_BYTES);
		return;
	}
	if (!record_read_report(record, process->report, process->report_length, &error)) {
		set_status(record, "bad_report", "%s%s", error.text,
			   first_message(process, message, sizeof message));
		return;
	}
	if (strcmp(record_get(record, "status"), "ok") == 0 && !has_figures(task, record)) {
		set_status(record, "bad_report", "the report says ok and has no figures");
		drop_figures(record);
		return;
	}
	path = record_get(record, "allocator_path");
	/* A worker that could not tell says more than we can, and one that does nothing need not.
	 */
	if (strcmp(record_get(record, "status"), "wrong_allocator") != 0 &&
	    strcmp(record_get(record, "status"), "unsupported") != 0 &&
	    strcmp(record_get(record, "status"), "unavailable") != 0 &&
	    (path == NULL || strcmp(path, task->allocator->expected_path) != 0))
		set_status(record, "wrong_allocator", "malloc was supplied by %s instead of %s%s",
			   path == NULL ? "nobody knows what" : path,
			   task->allocator->expected_path,
			   first_message(process, message, sizeof message));
	if (strcmp(record_get(record, "status"), "ok") == 0)
		return;
	drop_figures(record);
	if (record_get(record, "status_detail") == NULL)
		record_set_text(record, "status_detail", "its worker says no more than that");
}

static void judge(const struct worker_pool *pool, const struct worker_task *task,
		  struct record *record)
{
	const struct process_result *process = pool->process;
	char text[256];
	const char *message = first_message(process, text, sizeof text);

	switch (process->end) {
	case PROCESS_TIMED_OUT:
		set_status(record, "timeout", "killed after %" PRIu64 " s; --timeout gives it more",
			   pool->timeout_ns / 1000000000);
		break;
	case PROCESS_INTERRUPTED:
		set_status(record, "interrupted", "killed by the second interrupt");
		break;
	case PROCESS_SIGNALLED:
		set_status(record, "crashed", "ended by signal %d (SIG%s)%s", process->code,
			   sigabbrev_np(process->code) == NULL ? "?" : sigabbrev_np(process->code),
			   message);
		break;
	case PROCESS_EXITED:
		if (process->code != 0)
			set_status(record, "exited", "ended with exit status %d%s", process->code,
				   message);
		else
			judge_report(task, process, record);
		break;
	}
}

uint64_t worker_run(struct worker_pool *pool, const struct worker_task *task, struct record *record)
{
	char preload[2 * PATH_MAX + 64];
	struct command command;
	const char **environment;
	struct process_request request = {.timeout_ns = pool->timeout_ns,
					  .interrupts = pool->interrupts,
					  .kill_at = pool->kill_at};
	struct error error;
	size_t cpus = worker_cpu_count(pool->topology, task->size.threads);
	cpu_set_t cpu_set;
	uint64_t stolen;
	uint64_t alive_ns = 0;

	if (task->allocator->missing != NULL) {
		set_status(record, "unavailable", "%s", task->allocator->missing);
		return 0;
	}
	make_command(pool, task, &command);
	environment = make_environment(pool, task, preload, sizeof preload);
	if (environment == NULL) {
		set_status(record, "not_started", "no memory for the worker's environment");
		return 0;
	}
	request.arguments = command.arguments;
	request.environment = environment;
	CPU_ZERO(&cpu_set);
	for (size_t i = 0; i < cpus; i++)
		CPU_SET(pool->topology->worker_cpus[i], &cpu_set);
	request.cpus = cpus > 0 ? &cpu_set : NULL;
	set_started(record);
	stolen = stolen_ticks(pool->topology, cpus);
	if (!process_run(&request, pool->process, &error)) {
		set_status(record, "not_started", "%s", error.text);
	} else {
		alive_ns = pool->process->alive_ns;
		stolen = stolen_ticks(pool->topology, cpus) - stolen;
		record_set_count(record, "worker_ns", pool->process->wall_ns);
		record_set_count(record, "steal_ns",
				 stolen * (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK)));
		if (cpus > 0) {
			record_set_count(record, "cpu", pool->topology->worker_cpus[0]);
			record_set_count(record, "cpu_count", cpus);
		}
		judge(pool, task, record);
	}
	free(environment);
	return alive_ns;
}

bool worker_failed(const struct record *record)
{
	return status_class_of(record_get(record, "status")) == STATUS_FAILURE;
}
