/*
 * callgrind.h - Valgrind's Callgrind around a worker: how it is started, and the counts that it
 * leaves.
 *
 * The functions of counted.def switch the counting on and off (--toggle-collect), so nothing of the
 * worker but what they call is counted, and no header of Valgrind's is needed to build. Callgrind
 * writes into memory that a descriptor of ours stands for: there is no file that could be left
 * behind.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_CALLGRIND_H
#define GROWBENCH_HARNESS_RUNNER_CALLGRIND_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>
#include <jansson.h>

#include "harness/common/error.h"
#include "harness/runner/record/record.h"

struct callgrind {
	int fd;        /* what it writes to */
	char path[64]; /* the same, as a file's name for it */
};

/* Valgrind itself; nobody has looked for it while all is empty. */
struct valgrind {
	char *path;           /* NULL: there is none, and why_not says what to install */
	char *version;        /* as it tells; NULL: it does not */
	struct error why_not; /* a reason, or "" */
};

/* Looks for the program on PATH, and asks it; for valgrind_release. */
struct valgrind valgrind_find(void);

void valgrind_release(struct valgrind *valgrind);

/* What machine.json says of it: its version, the options and tunables that it counts with, and why
 * it does not count (null: it does). */
json_t *valgrind_describe(const struct valgrind *valgrind);

/* Opens what one worker's counts go to; false with a message if there is no memory for it. */
bool callgrind_open(struct callgrind *callgrind, struct error *error);

void callgrind_close(struct callgrind *callgrind);

/* Adds the program and its options to a command line whose next word is the worker; each word is
 * for g_free. */
void callgrind_add_command(const struct callgrind *callgrind, const char *program,
			   GPtrArray *command);

/*
 * The environment, which is freed, with what the worker needs to be counted as it runs without
 * Callgrind: for that counts a `rep movsb` as an instruction a byte, glibc is told to copy by its
 * loops of vectors (GLIBC_TUNABLES, glibc.cpu.hwcaps). For g_strfreev.
 */
char **callgrind_environment(char **environment);

/*
 * Sets the columns of counted.def from a dump in Callgrind's format ("Callgrind Format
 * Specification" in Valgrind's manual). False with a message, and nothing set, if it is not a whole
 * one in which each of the functions was called once and all that was counted is theirs.
 */
bool callgrind_parse(const char *dump, struct record *record, struct error *error);

/* The same from what the worker's Callgrind has written. */
bool callgrind_read(const struct callgrind *callgrind, struct record *record, struct error *error);

#endif
