#include "harness/runner/request/implementations.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/common/columns.h"
#include "harness/common/report.h"
#include "harness/common/utf8.h"
#include "harness/runner/request/environment.h"
#include "harness/runner/process/interrupts.h"
#include "harness/runner/process/process.h"
#include "harness/runner/process/program.h"
#include "harness/runner/process/verbs.h"
#include "harness/runner/record/record.h"
#include "kernels/saturating.h"

/* All of ours are served by the same script. */
const char *const known_implementations[] = {"numpy", "python", NULL};

enum {
	MOST_STRATEGIES = 256,
	MOST_NAME = 64
};

/* ---- what it takes to measure one ---- */

/* What is not known of a foreign build is taken to be large: that much is asked of the memory. */
static void cost_of_order(size_t rows, size_t row_bytes, uint64_t copied,
			  struct strategy_cost *cost)
{
	const uint64_t payload = saturating_multiply(rows, row_bytes);
	const uint64_t peak =
		saturating_add(saturating_multiply(3, payload), saturating_multiply(256, rows));

	*cost = (struct strategy_cost){
		.malloc_count = rows,
		.copied_bytes = copied,
		.peak_bytes = peak,
		.peak_moving_bytes = peak,
		.final_bytes = payload,
	};
}

static void cost_linear(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	cost_of_order(rows, row_bytes, saturating_multiply(rows, row_bytes), cost);
}

static void cost_quadratic(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	cost_of_order(rows, row_bytes, saturating_multiply(saturating_sum_below(rows), row_bytes),
		      cost);
}

/* ---- reading its answer ---- */

static void set_status(struct implementation *implementation, const char *status,
		       const char *format, ...) __attribute__((format(printf, 3, 4)));

static void set_status(struct implementation *implementation, const char *status,
		       const char *format, ...)
{
	va_list arguments;

	(void)snprintf(implementation->status, sizeof implementation->status, "%s", status);
	va_start(arguments, format);
	(void)vsnprintf(implementation->detail, sizeof implementation->detail, format, arguments);
	va_end(arguments);
	/* It may be what a program wrote to stderr. */
	utf8_trim(implementation->detail);
	make_printable(implementation->detail);
}

static bool is_name(const char *text, size_t length)
{
	if (length == 0 || length > MOST_NAME || !islower((unsigned char)*text))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) &&
		    strchr("_.-", text[i]) == NULL)
			return false;
	return true;
}

static bool add_strategy(struct implementation *implementation, const char *name, const char *kind,
			 const char *help)
{
	struct strategy *strategy = &implementation->strategies[implementation->strategy_count];
	const bool quadratic = strcmp(kind, "quadratic") == 0;
	const bool pattern = strcmp(kind, "pattern") == 0;

	if (implementation->strategy_count == MOST_STRATEGIES || !is_name(name, strlen(name)) ||
	    (*help != '\0' && !column_accepts(COLUMN_TEXT, help)) ||
	    (!quadratic && !pattern && strcmp(kind, "linear") != 0))
		return false;
	for (size_t i = 0; i < implementation->strategy_count; i++)
		if (g_strcmp0(implementation->strategies[i].name, name) == 0)
			return false;
	strategy->name = g_strdup(name);
	strategy->implementation = implementation->name;
	strategy->help = g_strdup(help);
	strategy->order = quadratic ? GROWTH_QUADRATIC : GROWTH_LINEAR;
	strategy->is_pattern = pattern;
	strategy->cost = quadratic ? cost_quadratic : cost_linear;
	implementation->strategy_count++;
	return true;
}

/* "NAME KIND HELP", or without help. */
static bool read_strategy(struct implementation *implementation, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 3);
	const guint count = g_strv_length(words);

	return count >= 2 && strcmp(words[0], IMPLEMENTATION_UNLISTED) != 0 &&
	       add_strategy(implementation, words[0], words[1], count == 3 ? words[2] : "");
}

/* "measure trace ...": names that we do not know are of a later version, and left out. */
static void read_passes(struct implementation *implementation, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);

	for (size_t i = 0; i < PASS_PROBE; i++)
		implementation->passes[i] |=
			g_strv_contains((const char *const *)words, pass_names[i]);
}

/* Takes the lines that only the answer to list has, and gives back the others, which are a report;
 * NULL for a line that cannot be. */
static char *take_lines(struct implementation *implementation, const char *answer,
			struct error *error)
{
	g_auto(GStrv) lines = g_strsplit(answer, "\n", -1);
	g_autoptr(GPtrArray) others = g_ptr_array_new();

	for (char **line = lines; *line != NULL; line++) {
		if (g_str_has_prefix(*line, REPORT_PASSES " ")) {
			read_passes(implementation, *line + strlen(REPORT_PASSES " "));
		} else if (!g_str_has_prefix(*line, REPORT_STRATEGY " ")) {
			g_ptr_array_add(others, *line);
		} else if (!read_strategy(implementation, *line + strlen(REPORT_STRATEGY " "))) {
			(void)error_set(
				error,
				"'%.100s' is not \"strategy NAME KIND HELP\": a name of "
				"lower-case letters, digits and _.-, not twice, and linear, "
				"quadratic or pattern",
				*line);
			return NULL;
		}
	}
	g_ptr_array_add(others, NULL);
	return g_strjoinv("\n", (char **)others->pdata);
}

static bool read_report(struct implementation *implementation, const struct process_result *process,
			struct record *record, struct error *error)
{
	g_autofree char *answer = g_strndup(process->report, process->report_length);
	g_autofree char *report = NULL;

	/* What stands behind a zero byte would not be looked at. */
	if (strlen(answer) < process->report_length)
		return record_read_report(record, process->report, process->report_length, error);
	report = take_lines(implementation, answer, error);
	return report != NULL && record_read_report(record, report, strlen(report), error);
}

static void read_answer(struct implementation *implementation, const struct process_result *process)
{
	struct record record = record_init();
	struct error error = {""};

	if (process->report_too_long)
		set_status(implementation, "bad_report", "the answer to list is too long");
	else if (!read_report(implementation, process, &record, &error))
		set_status(implementation, "bad_report", "%s", error.text);
	else {
		record_copy(&record, "status", implementation->status,
			    sizeof implementation->status);
		record_copy(&record, "status_detail", implementation->detail,
			    sizeof implementation->detail);
		record_copy(&record, "implementation_version", implementation->version,
			    sizeof implementation->version);
		record_copy(&record, "layers_before_malloc", implementation->layers,
			    sizeof implementation->layers);
		if (implementation->strategy_count == 0 &&
		    strcmp(implementation->status, "ok") == 0)
			set_status(implementation, "bad_report",
				   "the answer to list names no strategy");
	}
	record_release(&record);
}

static void tell_end(struct implementation *implementation, const struct process_result *process)
{
	char text[403];
	const char *message = process_first_message(process, text, sizeof text);

	switch (process->end) {
	case PROCESS_TIMED_OUT:
		set_status(implementation, "timeout", "list: killed after --timeout");
		return;
	case PROCESS_INTERRUPTED:
		set_status(implementation, "interrupted", "list: killed by the interrupt");
		return;
	case PROCESS_SIGNALLED:
		set_status(implementation, "crashed", "list: ended by signal %d%s", process->code,
			   message);
		return;
	case PROCESS_EXITED:
		set_status(implementation, "exited", "list: ended with exit status %d%s",
			   process->code, message);
		return;
	}
}

/* ---- asking ---- */

static bool run_list(struct implementation *implementation, uint64_t timeout_s,
		     struct process_result *process, struct error *error)
{
	g_auto(GStrv) environment = environment_for_workers();
	g_autofree char *report_fd = g_strdup_printf("%d", PROCESS_REPORT_FD);
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	struct process_request request = {
		.environment = (const char *const *)environment,
		.timeout_ns = timeout_s * 1000000000,
		.interrupts = &interrupts,
		.kill_at = 1,
	};
	const char *const list[] = {"list",        "--implementation", implementation->name,
				    "--report-fd", report_fd,          NULL};

	for (char **word = implementation->arguments; *word != NULL; word++)
		g_ptr_array_add(words, *word);
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		g_ptr_array_add(words, (char *)list[i]);
	request.arguments = (const char *const *)words->pdata;
	return process_run(&request, process, error);
}

static void forget_strategies(struct implementation *implementation)
{
	for (size_t i = 0; i < implementation->strategy_count; i++) {
		g_free((char *)implementation->strategies[i].name);
		g_free((char *)implementation->strategies[i].help);
	}
	g_free(implementation->strategies);
	implementation->strategies = NULL;
	implementation->strategy_count = 0;
}

void implementation_ask(struct implementation *implementation, uint64_t timeout_s)
{
	g_autofree struct process_result *process = g_new(struct process_result, 1);
	struct error error = {""};

	implementation->strategies = g_new0(struct strategy, MOST_STRATEGIES);
	if (!run_list(implementation, timeout_s, process, &error))
		set_status(implementation, "not_started", "%s", error.text);
	else if (process->end != PROCESS_EXITED || process->code != 0)
		tell_end(implementation, process);
	else
		read_answer(implementation, process);
	if (strcmp(implementation->status, "ok") == 0 ||
	    (strcmp(implementation->status, "unavailable") == 0 &&
	     implementation->strategy_count > 0))
		return;
	forget_strategies(implementation);
	implementation->strategies = g_new0(struct strategy, 1);
	(void)add_strategy(implementation, IMPLEMENTATION_UNLISTED, "linear", "");
	implementation->passes[PASS_MEASURE] = true;
}

/* ---- finding ---- */

void implementation_find(const char *name, struct implementation *implementation)
{
	const char *python = verb_python();
	char *path = g_find_program_in_path(python);
	char **words = g_new0(char *, 3);

	words[0] = path == NULL ? g_strdup(python) : path;
	words[1] = g_build_filename(program_scripts(), "python_worker.py", NULL);
	*implementation = (struct implementation){
		.name = g_strdup(name), .is_known = true, .arguments = words};
}

bool implementation_is_named(const char *text)
{
	return strchr(text, '=') != NULL && strcspn(text, "/") > strcspn(text, "=");
}

bool implementation_parse(const char *text, struct implementation *implementation,
			  struct error *error)
{
	size_t length = strcspn(text, "=");
	g_autoptr(GError) reason = NULL;
	g_auto(GStrv) words = NULL;
	g_autofree char *path = NULL;
	int count = 0;

	memset(implementation, 0, sizeof *implementation);
	if (!is_name(text, length))
		return error_set(error,
				 "--worker %.60s: a name begins with a lower-case letter, and has "
				 "these, digits and _.-; give NAME=COMMAND, or the path of a "
				 "growbench-worker",
				 text);
	if (!g_shell_parse_argv(text + length + 1, &count, &words, &reason))
		return error_set(error,
				 "--worker %.*s: %s; give NAME=COMMAND, such as "
				 "mine=\"perl worker.pl\"",
				 (int)length, text, reason->message);
	path = g_find_program_in_path(words[0]);
	if (path == NULL || count > 32)
		return error_set(error, "--worker %.*s: %s", (int)length, text,
				 path == NULL ? "there is no such program that can be executed"
					      : "more than 32 words");
	/* Links stay: an interpreter may tell by them which environment it is of. */
	g_free(words[0]);
	words[0] = g_canonicalize_filename(path, NULL);
	implementation->name = g_strndup(text, length);
	implementation->arguments = g_steal_pointer(&words);
	return true;
}

void implementation_release(struct implementation *implementation)
{
	g_strfreev(implementation->arguments);
	forget_strategies(implementation);
	g_free(implementation->name);
	memset(implementation, 0, sizeof *implementation);
}
