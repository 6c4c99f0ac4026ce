/*
 * implementation - --worker NAME=COMMAND, and what that program says when it is asked what it can
 * build. Nothing is started: a first line is NAME=COMMAND, a second how the program ends ("exited
 * 0", "signalled 11", "timeout") and what it wrote to stderr, and the rest is its report.
 *
 * Whatever it says, there is a status and something to make rows of, and all of its texts can be
 * printed and written to machine.json.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "harness/runner/request/implementations.h"

void fuzz_prepare(void)
{
	MUST(setenv("PATH", "/bin", 1) == 0);
}

static enum process_end end_of(const char *word)
{
	switch (*word) {
	case 's':
		return PROCESS_SIGNALLED;
	case 't':
		return PROCESS_TIMED_OUT;
	case 'i':
		return PROCESS_INTERRUPTED;
	default:
		return PROCESS_EXITED;
	}
}

static void set_answer(char *line, const char *report, size_t size)
{
	char *number = line + strcspn(line, " ");
	long code = strtol(number, &number, 10);

	fuzz_set_answer(end_of(line), code < 0 || code > 255 ? 255 : (int)code, number, report,
			size);
}

static void check_strategies(const struct implementation *implementation)
{
	MUST(implementation->strategy_count >= 1 && implementation->strategy_count <= 256);
	for (size_t i = 0; i < implementation->strategy_count; i++) {
		const struct strategy *strategy = &implementation->strategies[i];
		struct strategy_cost cost;

		MUST(*strategy->name >= 'a' && *strategy->name <= 'z');
		MUST(strlen(strategy->name) <= 64);
		MUST(strspn(strategy->name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") ==
		     strlen(strategy->name));
		MUST(fuzz_is_printable(strategy->help));
		MUST(strategy->implementation == implementation->name);
		strategy_cost_of(strategy, 1000, 80, &cost);
		MUST(cost.peak_bytes >= 80000);
		strategy_cost_of(strategy, SIZE_MAX, SIZE_MAX, &cost);
		MUST(cost.peak_bytes == UINT64_MAX);
		for (size_t k = 0; k < i; k++)
			MUST(strcmp(strategy->name, implementation->strategies[k].name) != 0);
	}
}

static void check_asked(const struct implementation *implementation)
{
	const bool ok = strcmp(implementation->status, "ok") == 0;
	const bool unlisted =
		strcmp(implementation->strategies[0].name, IMPLEMENTATION_UNLISTED) == 0;

	MUST(implementation->status[0] != '\0');
	MUST(fuzz_is_printable(implementation->status));
	MUST(fuzz_is_printable(implementation->detail));
	MUST(fuzz_is_printable(implementation->version));
	MUST(fuzz_is_printable(implementation->layers));
	check_strategies(implementation);
	MUST(!ok || !unlisted);
	MUST(!unlisted || implementation->strategy_count == 1);
	MUST(!unlisted || implementation->passes[PASS_MEASURE]);
	MUST(!implementation->passes[PASS_PROBE]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct implementation implementation;
	struct error error = {""};
	char *text = fuzz_text(data, size);
	char *rest = text;
	const char *named = fuzz_line(&rest);
	char *end = fuzz_line(&rest);

	set_answer(end, (const char *)data + (rest - text), size - (size_t)(rest - text));
	if (implementation_is_named(named) &&
	    implementation_parse(named, &implementation, &error)) {
		MUST(strncmp(implementation.name, named, strlen(implementation.name)) == 0);
		MUST(named[strlen(implementation.name)] == '=');
		MUST(*implementation.arguments[0] == '/');
		implementation_ask(&implementation, 60);
		check_asked(&implementation);
		implementation_release(&implementation);
	} else {
		MUST(!implementation_is_named(named) || error.text[0] != '\0');
	}
	free(text);
	return 0;
}
