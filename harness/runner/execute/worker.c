#include "harness/runner/execute/worker.h"

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
#include "harness/runner/request/environment.h"
#include "harness/runner/process/preload.h"
#include "harness/runner/process/program.h"

bool worker_pool_init(struct worker_pool *pool, const char *path, const struct topology *topology,
		      const struct request *request, const volatile sig_atomic_t *interrupts,
		      struct error *error)
{
	memset(pool, 0, sizeof *pool);
	pool->path = path;
	pool->topology = topology;
	pool->timeout_ns = request->timeout_s * 1000000000;
	pool->work = request->work;
	pool->interrupts = interrupts;
	pool->kill_at = 2;
	pool->environment = environment_for_workers(&pool->environment_count);
	pool->process = malloc(sizeof *pool->process);
	cgroup_watch_open("", &pool->watch);
	return (pool->environment != NULL && pool->process != NULL) ||
	       error_set(error, "no memory for the workers' environment");
}

void worker_pool_release(struct worker_pool *pool)
{
	environment_free(pool->environment);
	free(pool->process);
	cgroup_watch_close(&pool->watch);
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

/* What is loaded before the C library: the interposer in the trace pass, and the allocator. */
static bool make_preload(const struct worker_pool *pool, const struct worker_task *task,
			 struct preload *preload, struct error *error)
{
	const char *const library = task->allocator->library;
	char interposer[PATH_MAX + 32];

	*preload = preload_init();
	if (strcmp(task->pass, pass_names[PASS_TRACE]) == 0) {
		program_interposer(worker_program(pool, task->allocator), interposer,
				   sizeof interposer);
		if (!preload_add(preload, interposer, error))
			return false;
	}
	return library == NULL || preload_add(preload, library, error);
}

/* The pool's environment with the allocator's variables and LD_PRELOAD: an array to be freed, whose
 * last string is the preload's. An allocator's variable replaces ours of that name. */
static const char **make_environment(const struct worker_pool *pool,
				     const struct allocator *allocator,
				     const struct preload *preload)
{
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
	if (preload->entry[0] != '\0')
		environment[count++] = preload->entry;
	return environment;
}

/* Clock ticks that the hypervisor took from these CPUs so far (proc(5), /proc/stat, "steal"). False
 * where the system does not say. */
static bool stolen_ticks(const struct topology *topology, size_t cpus, uint64_t *ticks)
{
	char text[16 * 1024];
	ssize_t length;
	int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);

	*ticks = 0;
	if (fd < 0)
		return false;
	length = read(fd, text, sizeof text - 1);
	(void)close(fd);
	text[length < 0 ? 0 : length] = '\0';
	for (size_t i = 0; i < cpus; i++) {
		char key[32];
		unsigned long long steal;
		const char *line;

		(void)snprintf(key, sizeof key, "\ncpu%u ", topology->worker_cpus[i]);
		line = strstr(text, key);
		if (line == NULL ||
		    sscanf(line + strlen(key), "%*u %*u %*u %*u %*u %*u %*u %llu", &steal) != 1)
			return false;
		*ticks += steal;
	}
	return cpus > 0;
}

/* What was counted so far against whoever runs where this worker does. */
struct disturbance {
	bool stolen_known;
	uint64_t stolen_ticks;
	struct cgroup_counts group;
};

static struct disturbance look_for_disturbance(const struct worker_pool *pool, size_t cpus)
{
	struct disturbance now = {.group = cgroup_watch_read(&pool->watch)};

	now.stolen_known = stolen_ticks(pool->topology, cpus, &now.stolen_ticks);
	return now;
}

/* Empty is not zero: it was not counted. */
static void set_disturbance(const struct disturbance *before, const struct disturbance *after,
			    struct record *record)
{
	const uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);

	if (before->stolen_known && after->stolen_known)
		record_set_count(record, "steal_ns",
				 (after->stolen_ticks - before->stolen_ticks) * tick_ns);
	if (before->group.throttled_known && after->group.throttled_known)
		record_set_count(record, "throttled_ns",
				 after->group.throttled_ns - before->group.throttled_ns);
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

/* The kernel has killed this worker, or a process of its own, for memory. */
static void set_oom_killed(struct record *record)
{
	struct cgroup_memory memory;

	cgroup_memory("", &memory);
	if (memory.bytes == UINT64_MAX)
		set_status(record, "oom_killed",
			   "the kernel killed it for want of memory; no control group limits it, "
			   "so the machine had none left");
	else
		set_status(record, "oom_killed",
			   "the kernel killed it for want of memory: its control group allows "
			   "%" PRIu64 " bytes (%.400s)",
			   memory.bytes, memory.file);
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

/* Did the kernel kill for memory in our group, and did the worker not end well? */
static bool is_oom_killed(const struct process_result *process, const struct disturbance *before,
			  const struct disturbance *after)
{
	return before->group.oom_known && after->group.oom_known &&
	       after->group.oom_kills > before->group.oom_kills &&
	       (process->end == PROCESS_SIGNALLED ||
		(process->end == PROCESS_EXITED && process->code != 0));
}

/* Fills the record of a worker whose process was run. */
static void note_process(const struct worker_pool *pool, const struct worker_task *task,
			 const struct disturbance *before, struct record *record)
{
	const size_t cpus = worker_cpu_count(pool->topology, task->size.threads);
	const struct disturbance after = look_for_disturbance(pool, cpus);

	record_set_count(record, "worker_ns", pool->process->wall_ns);
	set_disturbance(before, &after, record);
	if (cpus > 0) {
		record_set_count(record, "cpu", pool->topology->worker_cpus[0]);
		record_set_count(record, "cpu_count", cpus);
	}
	if (is_oom_killed(pool->process, before, &after))
		set_oom_killed(record);
	else
		judge(pool, task, record);
}

/* Runs what `command` and `preload` say; returns for how long it lived, in ns. */
static uint64_t run_command(struct worker_pool *pool, const struct worker_task *task,
			    const struct command *command, const struct preload *preload,
			    struct record *record)
{
	const size_t cpus = worker_cpu_count(pool->topology, task->size.threads);
	const char **environment = make_environment(pool, task->allocator, preload);
	struct process_request request = {.timeout_ns = pool->timeout_ns,
					  .arguments = command->arguments,
					  .environment = environment,
					  .interrupts = pool->interrupts,
					  .kill_at = pool->kill_at};
	struct disturbance before;
	struct error error;
	cpu_set_t cpu_set;
	bool ran;

	if (environment == NULL) {
		set_status(record, "not_started", "no memory for the worker's environment");
		return 0;
	}
	CPU_ZERO(&cpu_set);
	for (size_t i = 0; i < cpus; i++)
		CPU_SET(pool->topology->worker_cpus[i], &cpu_set);
	request.cpus = cpus > 0 ? &cpu_set : NULL;
	set_started(record);
	before = look_for_disturbance(pool, cpus);
	ran = process_run(&request, pool->process, &error);
	if (ran)
		note_process(pool, task, &before, record);
	else
		set_status(record, "not_started", "%s", error.text);
	free(environment);
	return ran ? pool->process->alive_ns : 0;
}

uint64_t worker_run(struct worker_pool *pool, const struct worker_task *task, struct record *record)
{
	struct command command;
	struct preload preload;
	struct error error;
	uint64_t alive_ns = 0;

	if (task->allocator->missing != NULL) {
		set_status(record, "unavailable", "%s", task->allocator->missing);
		return 0;
	}
	make_command(pool, task, &command);
	if (make_preload(pool, task, &preload, &error))
		alive_ns = run_command(pool, task, &command, &preload, record);
	else
		set_status(record, "not_started", "%s", error.text);
	preload_release(&preload);
	return alive_ns;
}

bool worker_failed(const struct record *record)
{
	return status_class_of(record_get(record, "status")) == STATUS_FAILURE;
}
