/*
 * fake_system.c - the linker puts these in place of functions that would start programs, or look
 * at this machine (--wrap), so that what is read is the input alone, and quickly.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "harness/runner/machine/machine.h"

/* The linker's names. */
// NOLINTBEGIN(bugprone-reserved-identifier)
bool __wrap_process_run(const struct process_request *request, struct process_result *result,
			struct error *error);
int __wrap_glob(const char *pattern, int flags, int (*failed)(const char *path, int error),
		glob_t *matches);
void __wrap_globfree(glob_t *matches);
json_t *__wrap_machine_describe(const struct topology *topology);
json_t *__wrap_machine_state(void);
// NOLINTEND(bugprone-reserved-identifier)

static struct {
	enum process_end end;
	int code;
	const char *message;
	const void *report;
	size_t size;
} answer;

void fuzz_set_answer(enum process_end end, int code, const char *message, const void *report,
		     size_t size)
{
	answer.end = end;
	answer.code = code;
	answer.message = message;
	answer.report = report;
	answer.size = size;
}

bool __wrap_process_run(const struct process_request *request, struct process_result *result,
			struct error *error)
{
	size_t words = 0;

	(void)error;
	while (request->arguments[words] != NULL)
		words++;
	MUST(words > 5 && *request->arguments[0] == '/');
	result->end = answer.end;
	result->code = answer.code;
	result->wall_ns = result->alive_ns = 1000;
	result->report_too_long = answer.size > sizeof result->report;
	result->report_length = result->report_too_long ? sizeof result->report : answer.size;
	memcpy(result->report, answer.report, result->report_length);
	result->message_length = strnlen(answer.message, sizeof result->message);
	memcpy(result->message, answer.message, result->message_length);
	return true;
}

static const char *library;

void fuzz_set_library(const char *path)
{
	library = path;
}

int __wrap_glob(const char *pattern, int flags, int (*failed)(const char *path, int error),
		glob_t *matches)
{
	(void)flags;
	(void)failed;
	memset(matches, 0, sizeof *matches);
	if (library == NULL || strstr(pattern, "scudo") != NULL)
		return GLOB_NOMATCH;
	matches->gl_pathv = calloc(2, sizeof *matches->gl_pathv);
	MUST(matches->gl_pathv != NULL);
	matches->gl_pathv[0] = (char *)library;
	matches->gl_pathc = 1;
	return 0;
}

void __wrap_globfree(glob_t *matches)
{
	free(matches->gl_pathv);
}

json_t *__wrap_machine_describe(const struct topology *topology)
{
	(void)topology;
	return json_pack("{s:{s:s, s:s, s:n}, s:{s:s, s:i}}", "build", "commit", "0123456789",
			 "compiler", "GNU 12.2.0", "sanitizers", "system", "kernel", "6.1.0",
			 "page_bytes", 4096);
}

json_t *__wrap_machine_state(void)
{
	return json_object();
}
