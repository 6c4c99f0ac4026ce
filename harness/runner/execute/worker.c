#include "harness/runner/execute/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "harness/common/statuses.h"
#include "harness/runner/execute/callgrind.h"
#include "harness/runner/execute/judge.h"
#include "harness/runner/request/environment.h"
#include "harness/runner/process/preload.h"
#include "harness/runner/process/program.h"
#include "harness/worker/partner.h"

void worker_pool_init(struct worker_pool *pool, const char *path, const struct topology *topology,
		      const struct request *request, const volatile sig_atomic_t *interrupts)
{
	*pool = (struct worker_pool){
		.path = path,
		.topology = topology,
		.timeout_ns = request->timeout_s * 1000000000,
		.work = request->work,
		.profile = request->given.profile,
		.profile_process = request->replay != NULL ? request->replay->process : 0,
		.interrupts = interrupts,
		.kill_at = 2,
		.environment = environment_for_workers(),
		.process = g_new(struct process_result, 1),
	};
	cgroup_watch_open("", &pool->watch);
}

void worker_pool_release(struct worker_pool *pool)
{
	g_strfreev(pool->environment);
	g_free(pool->process);
	cgroup_watch_close(&pool->watch);
	memset(pool, 0, sizeof *pool);
}

/* ---- what is started ---- */

static void add(GPtrArray *command, const char *option, const char *value)
{
	g_ptr_array_add(command, g_strdup(option));
	if (value != NULL)
		g_ptr_array_add(command, g_strdup(value));
}

static void add_number(GPtrArray *command, const char *option, uint64_t value)
{
	g_ptr_array_add(command, g_strdup(option));
	g_ptr_array_add(command, g_strdup_printf("%" PRIu64, value));
}

const char *worker_program(const struct worker_pool *pool, const struct allocator *allocator)
{
	return allocator->worker != NULL ? allocator->worker : pool->path;
}

size_t worker_cpu_count(const struct topology *topology, unsigned threads)
{
	return threads < topology->worker_cpu_count ? threads : topology->worker_cpu_count;
}

static bool is_pass(const struct worker_task *task, enum pass pass)
{
	return strcmp(task->pass, pass_names[pass]) == 0;
}

/* The CPUs that a worker is pinned to. */
struct cpus {
	const unsigned *numbers;
	size_t count; /* 0: it is not pinned */
};

static struct cpus cpus_of(const struct worker_pool *pool, const struct worker_task *task)
{
	const struct topology *topology = pool->topology;
	const unsigned wanted = request_cpus(task->strategy, task->size.threads);
	struct cpus cpus = {&topology->worker_cpus[task->first_cpu], 0};

	if (is_pass(task, PASS_INSTRUCTIONS))
		return cpus;
	cpus.count = worker_cpu_count(topology, wanted);
	/* Of a duet there are as many for the partner. */
	if (task->partner_fd != NULL)
		cpus.count = wanted;
	return cpus;
}

/* "--cpus", and those that it runs on. */
static void add_cpus(GPtrArray *command, struct cpus cpus)
{
	g_autoptr(GString) list = g_string_new(NULL);

	for (size_t i = 0; i < cpus.count; i++)
		g_string_append_printf(list, "%s%u", i > 0 ? "," : "", cpus.numbers[i]);
	if (cpus.count > 0)
		add(command, "--cpus", list->str);
}

/* The worker's command line, for g_strfreev; callgrind: what counts it, or NULL. */
static char **make_command(const struct worker_pool *pool, const struct worker_task *task,
			   const struct callgrind *callgrind)
{
	GPtrArray *command = g_ptr_array_new();

	if (callgrind != NULL)
		callgrind_add_command(callgrind, pool->valgrind, command);
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
	if (task->strategy != NULL && task->strategy->takes_turns) {
		add(command, "--profile", pool->profile);
		add_number(command, "--process", pool->profile_process);
	}
	if (task->probe != NULL)
		add(command, "--probe", task->probe);
	if (task->points > 0)
		add_number(command, "--points", task->points);
	if (task->size.rows > 0) {
		add_number(command, "--rows", task->size.rows);
		add_number(command, "--row-bytes", task->size.row_bytes);
		add_number(command, "--threads", task->size.threads);
		add(command, "--work", row_work_names[pool->work]);
		add_number(command, "--iterations", task->iterations);
		add_number(command, "--values", task->values > 0 ? task->values : 1);
	}
	add_cpus(command, cpus_of(pool, task));
	add_number(command, "--report-fd", PROCESS_REPORT_FD);
	g_ptr_array_add(command, NULL);
	return (char **)g_ptr_array_free(command, FALSE);
}

/* What is loaded before the C library: what the pass needs there, and the allocator. */
static bool make_preload(const struct worker_pool *pool, const struct worker_task *task,
			 struct preload *preload, struct error *error)
{
	const char *const library = task->allocator->library;
	const char *program = worker_program(pool, task->allocator);
	g_autofree char *ours = is_pass(task, PASS_TRACE)          ? program_interposer(program)
				: is_pass(task, PASS_INSTRUCTIONS) ? program_clock(program)
								   : NULL;

	*preload = preload_init();
	/* The loader goes on without a library that is not there; a worker would miss the
	 * interposer, but not the clock. */
	if (ours != NULL && is_pass(task, PASS_INSTRUCTIONS) && access(ours, R_OK) != 0)
		return error_set(error,
				 "%s cannot be read: %s; it is built and installed with growbench",
				 ours, strerror(errno));
	return (ours == NULL || preload_add(preload, ours, error)) &&
	       (library == NULL || preload_add(preload, library, error));
}

/* The pool's environment with the allocator's variables, the partner's descriptor and LD_PRELOAD,
 * for g_strfreev. An allocator's variable replaces ours of that name. */
static char **make_environment(const struct worker_pool *pool, const struct worker_task *task,
			       const struct preload *preload)
{
	char **environment = g_strdupv(pool->environment);

	for (char **entry = task->allocator->environment; *entry != NULL; entry++) {
		g_auto(GStrv) parts = g_strsplit(*entry, "=", 2);

		environment = g_environ_setenv(environment, parts[0], parts[1], TRUE);
	}
	/* No option, which workers of other builds and in other languages would refuse. */
	if (task->partner_fd != NULL) {
		g_autofree char *number = g_strdup_printf("%d", PROCESS_PARTNER_FD);

		environment = g_environ_setenv(environment, PARTNER_VARIABLE, number, TRUE);
	}
	if (preload->list[0] != '\0')
		environment = g_environ_setenv(environment, "LD_PRELOAD", preload->list, TRUE);
	return environment;
}

/* ---- what disturbed it ---- */

/* Clock ticks that the hypervisor took from these CPUs so far (proc(5), /proc/stat, "steal"). False
 * where the system does not say. */
static bool stolen_ticks(struct cpus cpus, uint64_t *ticks)
{
	g_autofree char *text = NULL;

	*ticks = 0;
	if (!g_file_get_contents("/proc/stat", &text, NULL, NULL))
		return false;
	for (size_t i = 0; i < cpus.count; i++) {
		g_autofree char *key = g_strdup_printf("\ncpu%u ", cpus.numbers[i]);
		const char *line = strstr(text, key);
		unsigned long long steal;

		if (line == NULL ||
		    sscanf(line + strlen(key), "%*u %*u %*u %*u %*u %*u %*u %llu", &steal) != 1)
			return false;
		*ticks += steal;
	}
	return cpus.count > 0;
}

/* What was counted so far against whoever runs where this worker does. */
struct disturbance {
	bool stolen_known;
	uint64_t stolen_ticks;
	struct cgroup_counts group;
};

static struct disturbance look_for_disturbance(const struct worker_pool *pool, struct cpus cpus)
{
	struct disturbance now = {.group = cgroup_watch_read(&pool->watch)};

	now.stolen_known = stolen_ticks(cpus, &now.stolen_ticks);
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
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *second = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
	g_autofree char *text =
		g_strdup_printf("%s.%03dZ", second, g_date_time_get_microsecond(now) / 1000);

	record_set_text(record, "started_utc", text);
}

/* ---- what became of it ---- */

/* The kernel has killed this worker, or a process of its own, for memory. */
static void set_oom_killed(struct record *record)
{
	struct cgroup_memory memory;

	cgroup_memory("", &memory);
	if (memory.bytes == UINT64_MAX)
		record_set_status(
			record, "oom_killed",
			"the kernel killed it for want of memory; no control group limits it, "
			"so the machine had none left");
	else
		record_set_status(
			record, "oom_killed",
			"the kernel killed it for want of memory: its control group allows "
			"%" PRIu64 " bytes (%.400s)",
			memory.bytes, memory.file);
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
	const struct cpus cpus = cpus_of(pool, task);
	const struct disturbance after = look_for_disturbance(pool, cpus);

	record_set_count(record, "worker_ns", pool->process->wall_ns);
	set_disturbance(before, &after, record);
	if (cpus.count > 0) {
		record_set_count(record, "cpu", cpus.numbers[0]);
		record_set_count(record, "cpu_count", cpus.count);
	}
	if (is_oom_killed(pool->process, before, &after))
		set_oom_killed(record);
	else
		judge(task->pass, task->allocator, pool->timeout_ns, pool->process, record);
}

/* Runs the worker with what is preloaded, and what counts it or NULL; returns for how long it
 * lived, in ns. */
static uint64_t run_with(struct worker_pool *pool, const struct worker_task *task,
			 const struct preload *preload, const struct callgrind *callgrind,
			 struct record *record)
{
	const struct cpus cpus = cpus_of(pool, task);
	g_auto(GStrv) command = make_command(pool, task, callgrind);
	g_auto(GStrv) environment = make_environment(pool, task, preload);
	struct process_request request = {.timeout_ns = pool->timeout_ns,
					  .arguments = (const char *const *)command,
					  .interrupts = pool->interrupts,
					  .kill_at = pool->kill_at,
					  .partner_fd = task->partner_fd};
	struct disturbance before;
	struct error error;
	cpu_set_t cpu_set;

	if (callgrind != NULL)
		environment = callgrind_environment(g_steal_pointer(&environment));
	request.environment = (const char *const *)environment;
	CPU_ZERO(&cpu_set);
	for (size_t i = 0; i < cpus.count; i++)
		CPU_SET(cpus.numbers[i], &cpu_set);
	request.cpus = cpus.count > 0 ? &cpu_set : NULL;
	set_started(record);
	before = look_for_disturbance(pool, cpus);
	if (!process_run(&request, pool->process, &error)) {
		record_set_status(record, "not_started", "%s", error.text);
		return 0;
	}
	note_process(pool, task, &before, record);
	return pool->process->alive_ns;
}

/* The same with Callgrind around it, whose counts go into the record. */
static uint64_t run_counted(struct worker_pool *pool, const struct worker_task *task,
			    const struct preload *preload, struct record *record)
{
	struct callgrind callgrind;
	struct error error;
	uint64_t alive_ns;

	if (!callgrind_open(&callgrind, &error)) {
		record_set_status(record, "not_started", "%s", error.text);
		return 0;
	}
	alive_ns = run_with(pool, task, preload, &callgrind, record);
	if (record_has_status(record, "ok") && !callgrind_read(&callgrind, record, &error))
		record_set_status(record, "bad_report", "%s", error.text);
	callgrind_close(&callgrind);
	return alive_ns;
}

static uint64_t run_task(struct worker_pool *pool, const struct worker_task *task,
			 struct record *record)
{
	struct preload preload;
	struct error error;
	uint64_t alive_ns = 0;

	if (task->allocator->missing != NULL) {
		record_set_status(record, "unavailable", "%s", task->allocator->missing);
		return 0;
	}
	if (!make_preload(pool, task, &preload, &error))
		record_set_status(record, "not_started", "%s", error.text);
	else if (is_pass(task, PASS_INSTRUCTIONS))
		alive_ns = run_counted(pool, task, &preload, record);
	else
		alive_ns = run_with(pool, task, &preload, NULL, record);
	preload_release(&preload);
	return alive_ns;
}

uint64_t worker_run(struct worker_pool *pool, const struct worker_task *task, struct record *record)
{
	const uint64_t alive_ns = run_task(pool, task, record);

	/* Nobody waits for one that could not be started. */
	if (task->partner_fd != NULL && *task->partner_fd >= 0) {
		(void)close(*task->partner_fd);
		*task->partner_fd = -1;
	}
	return alive_ns;
}

bool worker_failed(const struct record *record)
{
	return status_class_of(record_get(record, "status")) == STATUS_FAILURE;
}
