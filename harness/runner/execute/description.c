#include "harness/runner/execute/description.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "harness/common/columns.h"
#include "harness/runner/execute/duet.h"
#include "harness/runner/machine/machine.h"

/* As 2026-01-31T23:59:59Z. */
static json_t *utc_now(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *text = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");

	return json_string(text);
}

/* The words that say what was asked for, without those that say where to write. */
static json_t *arguments_of(const struct request *request)
{
	json_t *array = json_array();

	for (int i = 1; i < request->argc; i++) {
		const char *word = request->argv[i];

		if (strcmp(word, "--out") == 0)
			i++;
		else if (!g_str_has_prefix(word, "--out=") && strcmp(word, "--overwrite") != 0)
			(void)json_array_append_new(array, json_string(word));
	}
	return array;
}

static json_t *allocator_environment(void)
{
	json_t *array = json_array();

	for (char **entry = environ; *entry != NULL; entry++)
		if (allocator_variable(*entry))
			(void)json_array_append_new(array, json_string(*entry));
	return array;
}

static json_t *worker_cpus(const struct topology *topology, const struct request *request)
{
	json_t *array = json_array();
	const unsigned most = duet_workers(request) * request_most_cpus(request);

	for (size_t i = 0; i < worker_cpu_count(topology, most); i++)
		(void)json_array_append_new(array,
					    json_integer((json_int_t)topology->worker_cpus[i]));
	return array;
}

static json_t *names_of(const bool passes[PASS_COUNT])
{
	json_t *array = json_array();

	for (size_t i = 0; i < PASS_COUNT; i++)
		if (passes[i])
			(void)json_array_append_new(array, json_string(pass_names[i]));
	return array;
}

static char *plan_digest_text(const struct description_facts *facts)
{
	return g_strdup_printf("0x%016" PRIx64, plan_digest(facts->plan, facts->visits));
}

/* What a replay is of; NULL if there is none. */
static json_t *describe_profile(const struct request *request)
{
	const struct replay_facts *facts = request->replay;

	if (facts == NULL)
		return NULL;
	return json_pack("{s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sha256",
			 request->profile_digest, "process", (json_int_t)facts->process,
			 "process_count", (json_int_t)facts->profile.process_count,
			 "recorded_until", profile_end_names[facts->recorded.end], "event_count",
			 (json_int_t)facts->recorded.event_count, "all_event_count",
			 (json_int_t)facts->profile.event_count, "thread_count",
			 (json_int_t)facts->recorded.thread_count, "replay_thread_count",
			 (json_int_t)facts->threads, "most_block_count",
			 (json_int_t)facts->recorded.most_blocks, "most_requested_bytes",
			 (json_int_t)facts->recorded.most_bytes, "most_touched_bytes",
			 (json_int_t)facts->totals.most_touched_bytes, "final_block_count",
			 (json_int_t)facts->totals.final_blocks);
}

static json_t *describe_run(const struct description_facts *facts)
{
	const struct request *request = facts->request;
	g_autofree char *digest = plan_digest_text(facts);

	return json_pack(
		"{s:s, s:o, s:s, s:o, s:s, s:I, s:I, s:I, s:o, s:I, s:I, s:s, s:s, s:o, s:b, s:o, "
		"s:I, s:s}",
		"state", "running", "started_utc", utc_now(), "preset", request->preset->name,
		"arguments", arguments_of(request), "work", row_work_names[request->work], "seed",
		(json_int_t)request->seed, "rounds", (json_int_t)request->rounds, "extra_rounds",
		(json_int_t)request->extra_rounds, "passes", names_of(request->passes), "budget_s",
		(json_int_t)request->budget_s, "timeout_s", (json_int_t)request->timeout_s, "order",
		request->pairing == PAIRING_DUET
			? "rounds of shuffled blocks, pairs of allocators in Latin-square order"
			: "rounds of shuffled blocks, allocators in Latin-square order",
		"pairing", pairing_names[request->pairing], "worker_cpus",
		worker_cpus(facts->topology, request), "runner_has_its_own_cpu",
		(int)facts->runner_has_its_own_cpu, "allocator_environment",
		allocator_environment(), "planned_row_count",
		(json_int_t)plan_row_count(facts->plan), "plan_digest", digest);
}

json_t *description_begin(const struct description_facts *facts)
{
	json_t *description = json_pack("{s:i, s:s, s:s, s:o}", "schema_version", SCHEMA_VERSION,
					"run_id", facts->run_id, "machine_id", facts->machine_id,
					"run", describe_run(facts));

	if (facts->request->replay != NULL)
		(void)json_object_set_new(json_object_get(description, "run"), "profile",
					  describe_profile(facts->request));
	(void)json_object_update_new(description, machine_describe(facts->topology));
	(void)json_object_set_new(description, "state_at_start", machine_state());
	return description;
}

static const char *or_null(const char *text)
{
	return *text == '\0' ? NULL : text;
}

static json_t *describe_allocator(const struct allocator *allocator,
				  const struct allocator_check *check)
{
	json_t *environment = json_array();
	json_t *resolution = check->resolution_known
				     ? json_integer((json_int_t)check->resolution_bytes)
				     : json_null();

	for (char **entry = allocator->environment; *entry != NULL; entry++)
		(void)json_array_append_new(environment, json_string(*entry));
	return json_pack(
		"{s:s, s:s, s:s, s:s?, s:s, s:s, s:o, s:s?, s:s?, s:s?, s:o, s:s?, s:s?, s:s?}",
		"name", allocator->name, "status", check->status, "status_detail", check->detail,
		"path", allocator->expected_path, "version", check->version, "build_id",
		check->build_id, "environment", environment, "worker", allocator->build,
		"worker_build_id", or_null(check->worker_build_id), "why_no_worker_build_id",
		or_null(check->no_worker_build_id), "peak_resolution_bytes", resolution,
		"why_not_traced", or_null(check->untraced), "why_no_system_calls",
		or_null(check->syscalls_unavailable), "why_not_counted", or_null(check->uncounted));
}

static json_t *describe_allocators(const struct request *request,
				   const struct allocator_check *checks)
{
	json_t *array = json_array();

	for (size_t i = 0; i < request->allocator_count; i++)
		(void)json_array_append_new(
			array, describe_allocator(&request->allocators[i], &checks[i]));
	return array;
}

static json_t *strategies_of(const struct implementation *implementation)
{
	json_t *array = json_array();

	for (size_t i = 0; i < implementation->strategy_count; i++)
		(void)json_array_append_new(array, json_string(implementation->strategies[i].name));
	return array;
}

static json_t *describe_implementations(const struct request *request)
{
	json_t *array = json_array();

	for (size_t i = 0; i < request->implementation_count; i++) {
		const struct implementation *implementation = &request->implementations[i];

		(void)json_array_append_new(
			array, json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:o, s:o}", "name",
					 implementation->name, "status", implementation->status,
					 "status_detail", or_null(implementation->detail),
					 "version", or_null(implementation->version),
					 "layers_before_malloc", or_null(implementation->layers),
					 "passes", names_of(implementation->passes), "strategies",
					 strategies_of(implementation)));
	}
	return array;
}

static bool was_looked_for(const struct valgrind *valgrind)
{
	return valgrind->path != NULL || valgrind->why_not.text[0] != '\0';
}

void description_set_allocators(json_t *description, const struct request *request,
				const struct allocator_check *checks,
				const struct valgrind *valgrind)
{
	if (was_looked_for(valgrind))
		(void)json_object_set_new(description, "instructions", valgrind_describe(valgrind));
	(void)json_object_set_new(description, "allocators", describe_allocators(request, checks));
	(void)json_object_set_new(description, "implementations",
				  describe_implementations(request));
}

void description_end(json_t *description, const char *state, uint64_t row_count, uint64_t rounds_ns,
		     double runner_share)
{
	json_t *run = json_object_get(description, "run");

	(void)json_object_set_new(run, "state", json_string(state));
	(void)json_object_set_new(run, "ended_utc", utc_now());
	(void)json_object_set_new(run, "row_count", json_integer((json_int_t)row_count));
	(void)json_object_set_new(run, "rounds_s", json_real((double)rounds_ns / 1e9));
	(void)json_object_set_new(run, "runner_share", json_real(runner_share));
	(void)json_object_set_new(description, "state_at_end", machine_state());
}

/* Writes a JSON value to a file: a temporary file beside it, then a rename. */
static bool write_json(const json_t *value, const char *path, struct error *error)
{
	g_autofree char *temporary = g_strconcat(path, ".tmp", NULL);
	g_autofree char *dumped = json_dumps(value, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	g_autofree char *text = g_strconcat(dumped, "\n", NULL);
	const ssize_t length = (ssize_t)strlen(text);
	ssize_t written = length;
	bool ok = false;
	int fd;

	/* Whatever has its name: left by a run that was killed, or put there to be written
	 * through. */
	(void)unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0) {
		written = write(fd, text, (size_t)length);
		ok = written == length && fsync(fd) == 0;
		ok = close(fd) == 0 && ok && rename(temporary, path) == 0;
	}
	if (ok)
		return true;
	(void)error_set(error, "%s cannot be written: %s", path,
			written >= 0 && written < length ? "the disk is full" : strerror(errno));
	if (fd >= 0)
		(void)unlink(temporary);
	return false;
}

bool description_write(const json_t *description, const struct folder *folder, struct error *error)
{
	g_autofree char *path = g_build_filename(folder->path, "machine.json", NULL);

	return write_json(description, path, error);
}

json_t *description_read(const struct folder *folder, struct error *error)
{
	g_autofree char *path = g_build_filename(folder->path, "machine.json", NULL);
	json_error_t parse_error;
	json_t *description = json_load_file(path, 0, &parse_error);

	if (description == NULL)
		(void)error_set(
			error,
			"%s cannot be read: %s (line %d); is this a run's folder? One that was "
			"killed as it began is begun again with --overwrite",
			path, parse_error.text, parse_error.line);
	return description;
}

char **description_arguments(const json_t *description, int *argc, struct error *error)
{
	const json_t *arguments = json_object_get(json_object_get(description, "run"), "arguments");
	char **argv;

	if (!json_is_array(arguments)) {
		(void)error_set(error, "machine.json does not say how the run was begun");
		return NULL;
	}
	*argc = (int)json_array_size(arguments) + 1;
	argv = g_new0(char *, (size_t)*argc + 1);
	argv[0] = (char *)"run";
	for (int i = 1; i < *argc; i++) {
		const char *word = json_string_value(json_array_get(arguments, (size_t)i - 1));

		argv[i] = (char *)(word == NULL ? "" : word);
	}
	return argv;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "nothing" : text;
}

static bool same_build(const json_t *then, const json_t *now, struct error *error)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)now, key, value)
	{
		if (!json_equal(value, json_object_get(then, key)))
			return error_set(error,
					 "the run was begun by another build: %s was %s and is %s; "
					 "begin a new run",
					 key, text_of(then, key), text_of(now, key));
	}
	return true;
}

static bool same_allocators(const json_t *then, const json_t *now, struct error *error)
{
	static const char *const keys[] = {"name",        "status", "version",        "build_id",
					   "environment", "worker", "worker_build_id"};

	for (size_t i = 0; i < json_array_size(now); i++) {
		const json_t *a = json_array_get(then, i);
		const json_t *b = json_array_get(now, i);

		for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
			if (!json_equal(json_object_get(a, keys[k]), json_object_get(b, keys[k])))
				return error_set(error,
						 "allocator %s is not the one that the run was "
						 "begun with: its %s has changed; begin a new run",
						 text_of(b, "name"), keys[k]);
	}
	return true;
}

static bool same_implementations(const json_t *then, const json_t *now, struct error *error)
{
	for (size_t i = 0; i < json_array_size(now); i++) {
		const json_t *a = json_array_get(then, i);
		const json_t *b = json_array_get(now, i);

		if (!json_equal(a, b))
			return error_set(
				error,
				"implementation %s is not the one that the run was begun "
				"with: it was %s (%s) and is %s (%s), or what it can build "
				"has changed; begin a new run",
				text_of(b, "name"), text_of(a, "version"), text_of(a, "status"),
				text_of(b, "version"), text_of(b, "status"));
	}
	return true;
}

/* What of the system changes figures, and may have been changed since. */
static bool same_system(const json_t *then, const json_t *now, struct error *error)
{
	static const char *const keys[] = {
		"kernel",
		"libc",
		"isa_level",
		"memory_policy",
		"page_bytes",
		"thp_enabled",
		"thp_defrag",
		"governor",
		"turbo_off_intel",
		"turbo_on",
		"smt_active",
		"aslr",
		"overcommit_memory",
		"clock_source",
		"cgroup_memory_max",
		"cgroup_cpu_max",
	};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const json_t *before = json_object_get(then, keys[i]);
		const json_t *after = json_object_get(now, keys[i]);

		/* Runs that began before a fact was recorded do not have it. */
		if (before != NULL && !json_equal(before, after))
			return error_set(error,
					 "the machine has changed since the run was begun: %s was "
					 "%s and is %s; set it back, or begin a new run",
					 keys[i], text_of(then, keys[i]), text_of(now, keys[i]));
	}
	return true;
}

static bool same_plan(const json_t *run, const struct description_facts *facts, struct error *error)
{
	const json_int_t rows = json_integer_value(json_object_get(run, "planned_row_count"));
	g_autofree char *digest = plan_digest_text(facts);
	const json_t *profile = json_object_get(run, "profile");

	if (profile != NULL &&
	    g_strcmp0(text_of(profile, "sha256"), facts->request->profile_digest) != 0)
		return error_set(error,
				 "%s is not the profile that the run was begun with; begin a new "
				 "run",
				 facts->request->given.profile);
	if (rows != (json_int_t)plan_row_count(facts->plan))
		return error_set(
			error,
			"the run's options give another plan now: it had %" JSON_INTEGER_FORMAT
			" rows and has %" PRIu64 "; begin a new run",
			rows, plan_row_count(facts->plan));
	return strcmp(text_of(run, "plan_digest"), digest) == 0 ||
	       error_set(
		       error,
		       "the run's options and seed give another plan now: other cells, or another "
		       "order; begin a new run");
}

bool description_check_same(const json_t *description, const struct description_facts *facts,
			    struct error *error)
{
	json_t *now;
	bool same;

	if (strcmp(text_of(description, "machine_id"), facts->machine_id) != 0)
		return error_set(error, "the run was begun on machine %s, and this is %s",
				 text_of(description, "machine_id"), facts->machine_id);
	now = machine_describe(facts->topology);
	same = same_build(json_object_get(description, "build"), json_object_get(now, "build"),
			  error) &&
	       same_system(json_object_get(description, "system"), json_object_get(now, "system"),
			   error) &&
	       same_plan(json_object_get(description, "run"), facts, error);
	json_decref(now);
	return same;
}

bool description_check_allocators(const json_t *description, const struct description_facts *facts,
				  const struct allocator_check *checks, struct error *error)
{
	json_t *allocators = describe_allocators(facts->request, checks);
	json_t *implementations = describe_implementations(facts->request);
	bool same =
		same_allocators(json_object_get(description, "allocators"), allocators, error) &&
		same_implementations(json_object_get(description, "implementations"),
				     implementations, error);

	json_decref(implementations);
	json_decref(allocators);
	return same;
}

bool description_check_valgrind(const json_t *description, const struct valgrind *valgrind,
				struct error *error)
{
	const json_t *then = json_object_get(description, "instructions");
	json_t *now;
	bool same;

	if (then == NULL || !was_looked_for(valgrind))
		return true;
	now = valgrind_describe(valgrind);
	same = json_equal(then, now) ||
	       error_set(
		       error,
		       "instructions are not counted as when the run was begun: by %s, and now by "
		       "%s, or with other options; begin a new run",
		       text_of(then, "valgrind"), text_of(now, "valgrind"));
	json_decref(now);
	return same;
}
