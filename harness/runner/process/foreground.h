/*
 * foreground.h - runs a program of the user's in our place: with our terminal, input and output.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_FOREGROUND_H
#define GROWBENCH_HARNESS_RUNNER_FOREGROUND_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness/common/error.h"

struct foreground_end {
	bool signalled;
	int code; /* the signal, or the exit status */
	pid_t pid;
};

/*
 * Starts the file with these words and this environment, and waits until it has ended. What counts
 * as an interrupt (interrupts.h) ends it: the first one is passed on if the terminal has not sent
 * it to the program already, the second ends it by SIGTERM, the third by SIGKILL. False with a
 * message if it could not be started.
 */
bool foreground_run(const char *path, char *const *words, char *const *environment,
		    struct foreground_end *end, struct error *error);

#endif
