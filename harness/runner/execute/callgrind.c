#include "harness/runner/execute/callgrind.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/common/text.h"

struct counted {
	const char *function;
	const char *column;
};

static const struct counted counted[] = {
#define COUNTED(function, column) {#function, #column},
#include "harness/common/counted.def"
#undef COUNTED
};

enum {
	COUNTED_COUNT = sizeof counted / sizeof *counted
};

/* ---- starting it ---- */

/* Names in full, costs by function: that is what callgrind_parse reads. No debugger is waited for,
 * and what the libraries hold when the worker ends is not freed. */
static const char *const options[] = {
	"--tool=callgrind",      "--quiet",           "--vgdb=no",
	"--run-libc-freeres=no", "--cache-sim=no",    "--branch-sim=no",
	"--compress-strings=no", "--compress-pos=no", "--collect-systime=no",
};

/* The first line that it prints for --version, for g_free; NULL if it prints none. */
static char *ask_version(const char *path)
{
	const char *words[] = {path, "--version", NULL};
	g_autofree char *said = NULL;
	char *end;

	if (!g_spawn_sync(NULL, (char **)words, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &said,
			  NULL, NULL, NULL) ||
	    said == NULL || !g_utf8_validate(said, -1, NULL))
		return NULL;
	end = strchr(said, '\n');
	return end == NULL || end == said ? NULL : g_strndup(said, (gsize)(end - said));
}

struct valgrind valgrind_find(void)
{
	struct valgrind valgrind = {.path = g_find_program_in_path("valgrind")};

	if (valgrind.path != NULL)
		valgrind.version = ask_version(valgrind.path);
	else
		(void)error_set(&valgrind.why_not,
				"valgrind is not on the PATH; install the package valgrind");
	return valgrind;
}

void valgrind_release(struct valgrind *valgrind)
{
	g_free(valgrind->path);
	g_free(valgrind->version);
	*valgrind = (struct valgrind){0};
}

json_t *valgrind_describe(const struct valgrind *valgrind)
{
	g_auto(GStrv) environment = callgrind_environment(NULL);
	json_t *array = json_array();

	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		(void)json_array_append_new(array, json_string(options[i]));
	return json_pack("{s:s?, s:s?, s:o, s:s?}", "valgrind", valgrind->version, "why_not",
			 valgrind->path != NULL ? NULL : valgrind->why_not.text, "options", array,
			 "glibc_tunables", g_environ_getenv(environment, "GLIBC_TUNABLES"));
}

bool callgrind_open(struct callgrind *callgrind, struct error *error)
{
	callgrind->fd = memfd_create("growbench-counts", MFD_CLOEXEC);
	if (callgrind->fd < 0)
		return error_set(error, "no memory for what Callgrind writes: %s", strerror(errno));
	(void)snprintf(callgrind->path, sizeof callgrind->path, "/proc/%d/fd/%d", (int)getpid(),
		       callgrind->fd);
	return true;
}

void callgrind_close(struct callgrind *callgrind)
{
	if (callgrind->fd >= 0)
		(void)close(callgrind->fd);
	callgrind->fd = -1;
}

void callgrind_add_command(const struct callgrind *callgrind, const char *program,
			   GPtrArray *command)
{
	g_ptr_array_add(command, g_strdup(program));
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		g_ptr_array_add(command, g_strdup(options[i]));
	for (size_t i = 0; i < COUNTED_COUNT; i++)
		g_ptr_array_add(command,
				g_strdup_printf("--toggle-collect=%s", counted[i].function));
	g_ptr_array_add(command, g_strdup_printf("--callgrind-out-file=%s", callgrind->path));
}

char **callgrind_environment(char **environment)
{
#if defined(__x86_64__)
	static const char hwcaps[] = "glibc.cpu.hwcaps=";
	const char *given = g_environ_getenv(environment, "GLIBC_TUNABLES");
	g_auto(GStrv) tunables = g_strsplit(given == NULL ? "" : given, ":", -1);
	g_autoptr(GString) list = g_string_new(NULL);
	const char *also = "";

	for (char **tunable = tunables; *tunable != NULL; tunable++) {
		if (g_str_has_prefix(*tunable, hwcaps))
			also = *tunable + strlen(hwcaps);
		else if (**tunable != '\0')
			g_string_append_printf(list, "%s:", *tunable);
	}
	g_string_append_printf(list, "%s-ERMS%s%s", hwcaps, *also == '\0' ? "" : ",", also);
	environment = g_environ_setenv(environment, "GLIBC_TUNABLES", list->str, TRUE);
#endif
	return environment;
}

/* ---- reading what it wrote ---- */

/* What has been read so far. */
struct reading {
	const char *line; /* the one at hand */
	bool known[COUNTED_COUNT];
	uint64_t counts[COUNTED_COUNT];
	int called; /* which of the functions the next calls= is of; -1: another */
	bool in_call;
	bool has_events;
	bool has_total;
	uint64_t total;
};

static int counted_index(const char *function)
{
	for (int i = 0; i < COUNTED_COUNT; i++)
		if (strcmp(function, counted[i].function) == 0)
			return i;
	return -1;
}

/* The line behind a calls=: "POSITION COST", the instructions of the call. */
static bool read_call(struct reading *reading, struct error *error)
{
	const char *cost = strchr(reading->line, ' ');
	const int i = reading->called;

	reading->in_call = false;
	reading->called = -1;
	if (i < 0)
		return true;
	if (reading->known[i])
		return error_set(error, "%s was called more than once", counted[i].function);
	reading->known[i] = true;
	return cost != NULL ? parse_seed(cost + 1, "the cost of a call", &reading->counts[i], error)
			    : error_set(error, "a call of %s has no cost", counted[i].function);
}

static bool read_line(struct reading *reading, struct error *error)
{
	const char *line = reading->line;

	if (reading->in_call)
		return read_call(reading, error);
	if (g_str_has_prefix(line, "cfn=")) {
		reading->called = counted_index(line + strlen("cfn="));
	} else if (g_str_has_prefix(line, "calls=")) {
		reading->in_call = true;
		if (reading->called >= 0 && !g_str_has_prefix(line, "calls=1 "))
			return error_set(error, "%s was called more than once",
					 counted[reading->called].function);
	} else if (g_str_has_prefix(line, "events: ")) {
		reading->has_events = strcmp(line, "events: Ir") == 0;
	} else if (g_str_has_prefix(line, "totals: ")) {
		reading->has_total = true;
		return parse_seed(line + strlen("totals: "), "the total", &reading->total, error);
	}
	return true;
}

static bool check(const struct reading *reading, struct error *error)
{
	uint64_t sum = 0;

	if (!reading->has_events)
		return error_set(error, "it does not say that it counted instructions");
	if (!reading->has_total)
		return error_set(error, "it is cut off");
	for (size_t i = 0; i < COUNTED_COUNT; i++) {
		if (!reading->known[i])
			return error_set(error, "%s was not called", counted[i].function);
		sum += reading->counts[i];
	}
	return sum == reading->total ||
	       error_set(error, "its parts are %" PRIu64 " instructions and its total %" PRIu64,
			 sum, reading->total);
}

bool callgrind_parse(const char *dump, struct record *record, struct error *error)
{
	g_auto(GStrv) lines = g_strsplit(dump, "\n", -1);
	struct reading reading = {.called = -1};
	bool ok = true;

	for (char **line = lines; ok && *line != NULL; line++) {
		reading.line = *line;
		ok = read_line(&reading, error);
	}
	if (!ok || !check(&reading, error))
		return false;
	for (size_t i = 0; i < COUNTED_COUNT; i++)
		record_set_count(record, counted[i].column, reading.counts[i]);
	return true;
}

bool callgrind_read(const struct callgrind *callgrind, struct record *record, struct error *error)
{
	g_autofree char *dump = NULL;
	struct error reason;
	bool ok;

	if (!g_file_get_contents(callgrind->path, &dump, NULL, NULL))
		return error_set(error, "what Callgrind wrote cannot be read");
	ok = callgrind_parse(dump, record, &reason);
	return ok || error_set(error, "what Callgrind wrote makes no sense: %s", reason.text);
}
