#include "harness/runner/request/implementations.h"

#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "harness/common/columns.h"
#include "harness/common/report.h"
#include "harness/common/utf8.h"
#include "harness/runner/request/environment.h"
#include "harness/runner/process/interrupts.h"
#include "harness/runner/process/process.h"
#include "harness/runner/process/program.h"
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
		       const char *detail)
{
	size_t used = 0;

	(void)snprintf(implementation->status, sizeof implementation->status, "%s", status);
	/* It may be what a program wrote to stderr: only whole and printable characters. */
	while (*detail != '\0') {
		size_t length = utf8_length(detail);
		bool printable = length > 0 && !utf8_is_control(detail);

		if (used + (length == 0 ? 1 : length) >= sizeof implementation->detail)
			break;
		if (printable)
			memcpy(implementation->detail + used, detail, length);
		else
			implementation->detail[used] = '?';
		used += printable ? length : 1;
		detail += length == 0 ? 1 : length;
	}
	implementation->detail[used] = '\0';
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

/* Is the first word of `text` that one? */
static bool is_word(const char *text, const char *word)
{
	size_t length = strcspn(text, " ");

	return strlen(word) == length && strncmp(text, word, length) == 0;
}

/* `rest`: the kind, and words of help behind it if there are any. */
static bool add_strategy(struct implementation *implementation, const char *name, size_t length,
			 const char *rest)
{
	struct strategy *strategy = &implementation->strategies[implementation->strategy_count];
	const bool quadratic = is_word(rest, "quadratic");
	const bool pattern = is_word(rest, "pattern");
	const char *help = rest + strcspn(rest, " ");

	help += *help == ' ';
	if (implementation->strategy_count == MOST_STRATEGIES || !is_name(name, length) ||
	    (*help != '\0' && !column_accepts(COLUMN_TEXT, help)) ||
	    (!quadratic && !pattern && !is_word(rest, "linear")))
		return false;
	for (size_t i = 0; i < implementation->strategy_count; i++)
		if (strlen(implementation->strategies[i].name) == length &&
		    strncmp(implementation->strategies[i].name, name, length) == 0)
			return false;
	strategy->name = strndup(name, length);
	strategy->implementation = implementation->name;
	strategy->help = strdup(help);
	strategy->order = quadratic ? GROWTH_QUADRATIC : GROWTH_LINEAR;
	strategy->is_pattern = pattern;
	strategy->cost = quadratic ? cost_quadratic : cost_linear;
	implementation->strategy_count++;
	return true;
}

/* The rest of the line if it begins with that word and a space, else NULL. */
static const char *after_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

/* "NAME KIND HELP" */
static bool read_strategy(struct implementation *implementation, const char *text)
{
	const char *space = strchr(text, ' ');

	return space != NULL && after_word(text, IMPLEMENTATION_UNLISTED) == NULL &&
	       add_strategy(implementation, text, (size_t)(space - text), space + 1);
}

/* "measure trace ...": names that we do not know are of a later version, and left out. */
static void read_passes(struct implementation *implementation, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, " ");

		for (size_t i = 0; i < PASS_PROBE; i++)
			if (strlen(pass_names[i]) == length &&
			    strncmp(pass_names[i], text, length) == 0)
				implementation->passes[i] = true;
		text += length + (text[length] == ' ');
	}
}

/* Takes the lines that only the answer to list has out of it; the rest is a report. False for a
 * line that cannot be. */
static bool take_lines(struct implementation *implementation, const char *report, size_t length,
		       char *rest, size_t *rest_length, struct error *error)
{
	const char *end = report + length;

	*rest_length = 0;
	while (report < end) {
		const char *newline = memchr(report, '\n', (size_t)(end - report));
		size_t size = (size_t)((newline == NULL ? end : newline) - report);
		char line[512];
		const char *strategy;
		const char *passes;

		(void)snprintf(line, sizeof line, "%.*s", (int)(size < 511 ? size : 511), report);
		utf8_trim(line);
		strategy = after_word(line, REPORT_STRATEGY);
		passes = after_word(line, REPORT_PASSES);
		if (strategy != NULL && !read_strategy(implementation, strategy))
			return error_set(
				error,
				"'%.100s' is not \"strategy NAME KIND HELP\": a name of "
				"lower-case letters, digits and _.-, not twice, and linear, "
				"quadratic or pattern",
				line);
		if (passes != NULL)
			read_passes(implementation, passes);
		if (strategy == NULL && passes == NULL) {
			memcpy(rest + *rest_length, report, size + (newline != NULL));
			*rest_length += size + (newline != NULL);
		}
		report += size + (newline != NULL);
	}
	return true;
}

static void read_answer(struct implementation *implementation, const struct process_result *process)
{
	struct record record = record_init();
	struct error error = {""};
	char *rest = malloc(process->report_length + 1);
	size_t rest_length = 0;

	if (process->report_too_long)
		set_status(implementation, "bad_report", "the answer to list is too long");
	else if (rest == NULL ||
		 !take_lines(implementation, process->report, process->report_length, rest,
			     &rest_length, &error) ||
		 !record_read_report(&record, rest, rest_length, &error))
		set_status(implementation, "bad_report", error.text);
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
	free(rest);
}

/* The first line that it wrote to stderr, and how it ended. */
static void tell_end(struct implementation *implementation, const struct process_result *process)
{
	char detail[600];
	size_t line = 0;

	while (line < process->message_length && line < 400 && process->message[line] != '\n')
		line++;
	switch (process->end) {
	case PROCESS_TIMED_OUT:
		set_status(implementation, "timeout", "list: killed after --timeout");
		return;
	case PROCESS_INTERRUPTED:
		set_status(implementation, "interrupted", "list: killed by the interrupt");
		return;
	case PROCESS_SIGNALLED:
		(void)snprintf(detail, sizeof detail, "list: ended by signal %d%s%.*s",
			       process->code, line > 0 ? ": " : "", (int)line, process->message);
		set_status(implementation, "crashed", detail);
		return;
	case PROCESS_EXITED:
		(void)snprintf(detail, sizeof detail, "list: ended with exit status %d%s%.*s",
			       process->code, line > 0 ? ": " : "", (int)line, process->message);
		set_status(implementation, "exited", detail);
		return;
	}
}

/* ---- asking ---- */

static bool run_list(struct implementation *implementation, uint64_t timeout_s,
		     struct process_result *process, struct error *error)
{
	static char report_fd[8];
	const char *words[48] = {NULL};
	size_t count = 0;
	size_t variables;
	char **environment = environment_for_workers(&variables);
	struct process_request request = {
		.arguments = words,
		.environment = (const char *const *)environment,
		.timeout_ns = timeout_s * 1000000000,
		.interrupts = &interrupts,
		.kill_at = 1,
	};
	bool ok;

	(void)snprintf(report_fd, sizeof report_fd, "%d", PROCESS_REPORT_FD);
	while (count < 40 && implementation->arguments[count] != NULL) {
		words[count] = implementation->arguments[count];
		count++;
	}
	words[count++] = "list";
	words[count++] = "--implementation";
	words[count++] = implementation->name;
	words[count++] = "--report-fd";
	words[count++] = report_fd;
	ok = environment != NULL && process_run(&request, process, error);
	environment_free(environment);
	return ok;
}

static void forget_strategies(struct implementation *implementation)
{
	for (size_t i = 0; i < implementation->strategy_count; i++) {
		free((void *)implementation->strategies[i].name);
		free((void *)implementation->strategies[i].help);
	}
	if (implementation->strategies != NULL)
		memset(implementation->strategies, 0,
		       MOST_STRATEGIES * sizeof *implementation->strategies);
	implementation->strategy_count = 0;
}

void implementation_ask(struct implementation *implementation, uint64_t timeout_s)
{
	struct process_result *process = malloc(sizeof *process);
	struct error error = {"no memory"};

	implementation->strategies = calloc(MOST_STRATEGIES, sizeof *implementation->strategies);
	if (implementation->strategies == NULL || process == NULL)
		abort();
	set_status(implementation, "not_started", "");
	if (!run_list(implementation, timeout_s, process, &error))
		set_status(implementation, "not_started", error.text);
	else if (process->end != PROCESS_EXITED || process->code != 0)
		tell_end(implementation, process);
	else
		read_answer(implementation, process);
	free(process);
	if (strcmp(implementation->status, "ok") == 0 ||
	    (strcmp(implementation->status, "unavailable") == 0 &&
	     implementation->strategy_count > 0))
		return;
	forget_strategies(implementation);
	(void)add_strategy(implementation, IMPLEMENTATION_UNLISTED, strlen(IMPLEMENTATION_UNLISTED),
			   "linear");
	implementation->passes[PASS_MEASURE] = true;
}

/* ---- finding ---- */

static char **words_of(size_t count, const char *const *words)
{
	char **copy = calloc(count + 1, sizeof *copy);

	for (size_t i = 0; copy != NULL && i < count; i++)
		copy[i] = strdup(words[i]);
	return copy;
}

bool implementation_find(const char *name, struct implementation *implementation,
			 struct error *error)
{
	const char *python = getenv("PYTHON");
	char script[PATH_MAX + 64];
	char *path;

	memset(implementation, 0, sizeof *implementation);
	if (python == NULL || *python == '\0')
		python = GROWBENCH_PYTHON;
	(void)snprintf(script, sizeof script, "%s/python_worker.py", program_scripts());
	path = g_find_program_in_path(python);
	implementation->name = strdup(name);
	implementation->is_known = true;
	implementation->arguments =
		words_of(2, (const char *const[]){path == NULL ? python : path, script});
	g_free(path);
	return (implementation->arguments != NULL && implementation->name != NULL) ||
	       error_set(error, "no memory");
}

bool implementation_is_named(const char *text)
{
	return strchr(text, '=') != NULL && strcspn(text, "/") > strcspn(text, "=");
}

bool implementation_parse(const char *text, struct implementation *implementation,
			  struct error *error)
{
	size_t length = strcspn(text, "=");
	GError *reason = NULL;
	char **words = NULL;
	char *absolute;
	char *path;
	int count = 0;

	memset(implementation, 0, sizeof *implementation);
	if (!is_name(text, length))
		return error_set(error,
				 "--worker %.60s: a name begins with a lower-case letter, and has "
				 "these, digits and _.-; give NAME=COMMAND, or the path of a "
				 "growbench-worker",
				 text);
	if (!g_shell_parse_argv(text + length + 1, &count, &words, &reason)) {
		(void)error_set(error,
				"--worker %.*s: %s; give NAME=COMMAND, such as "
				"mine=\"perl worker.pl\"",
				(int)length, text, reason->message);
		g_error_free(reason);
		return false;
	}
	path = g_find_program_in_path(words[0]);
	if (path == NULL || count > 32) {
		(void)error_set(error, "--worker %.*s: %s", (int)length, text,
				path == NULL ? "there is no such program that can be executed"
					     : "more than 32 words");
		g_free(path);
		g_strfreev(words);
		return false;
	}
	implementation->name = strndup(text, length);
	implementation->arguments = words_of((size_t)count, (const char *const *)words);
	free(implementation->arguments[0]);
	/* Links stay: an interpreter may tell by them which environment it is of. */
	absolute = g_canonicalize_filename(path, NULL);
	implementation->arguments[0] = strdup(absolute);
	g_free(absolute);
	g_free(path);
	g_strfreev(words);
	return (implementation->name != NULL && implementation->arguments[0] != NULL) ||
	       error_set(error, "no memory");
}

void implementation_release(struct implementation *implementation)
{
	for (char **word = implementation->arguments; word != NULL && *word != NULL; word++)
		free(*word);
	free(implementation->arguments);
	forget_strategies(implementation);
	free(implementation->strategies);
	free(implementation->name);
	memset(implementation, 0, sizeof *implementation);
}
