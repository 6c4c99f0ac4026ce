/*
 * implementations.h - programs that bring strategies of their own: workers in other languages.
 *
 * What growbench-worker has is compiled in (kernels/strategy.h). Any other program that speaks the
 * protocol (harness/README.md) is an implementation: it is asked what it can build (`list`), and
 * its strategies are then measured like all others. Ours are in the table of known ones; more are
 * given as --worker NAME=COMMAND.
 *
 * To add one of ours: its name in the table in implementations.c, and in the presets that want it
 * (presets.c).
 */
#ifndef GROWBENCH_HARNESS_RUNNER_IMPLEMENTATIONS_H
#define GROWBENCH_HARNESS_RUNNER_IMPLEMENTATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/runner/request/passes.h"
#include "kernels/strategy.h"

struct implementation {
	char *name;
	bool is_known;    /* one of ours */
	char **arguments; /* the program's path and its first words, NULL-terminated */
	/* Of a known one, and of one whose answer could be read: what it can do. */
	bool passes[PASS_COUNT];
	struct strategy *strategies;
	size_t strategy_count;
	/* "ok", or what a row of it says instead of figures, and why. */
	char status[32];
	char detail[704];
	/* As the columns of these names; may be empty. */
	char version[256];
	char layers[512];
};

/* The strategy of a program that could not be asked for its own. */
#define IMPLEMENTATION_UNLISTED "unlisted"

/* The names of those that are known, NULL-terminated. */
extern const char *const known_implementations[];

/* The known one of that name. */
void implementation_find(const char *name, struct implementation *implementation);

/* Reads NAME=COMMAND: a name that begins with a lower-case letter, of these, digits and _.-, and
 * the words of a command as a shell would split them (quotes, but no variables, patterns or
 * substitutions; no shell is started), whose first is a path or is looked for on the PATH. False
 * with a message. */
bool implementation_parse(const char *text, struct implementation *implementation,
			  struct error *error);

/* Does the text name an implementation, as NAME=COMMAND does and the path of a program does not? */
bool implementation_is_named(const char *text);

/*
 * Asks the program what it can build, for timeout_s seconds at most, and fills in the rest. If it
 * cannot be started, does not answer, or answers what is not of the protocol, the status says so,
 * and the only strategy is named "unlisted", so that what went wrong has rows.
 */
void implementation_ask(struct implementation *implementation, uint64_t timeout_s);

/* Frees what it holds. Harmless on a zeroed one. */
void implementation_release(struct implementation *implementation);

#endif
