/*
 * command.h - a command of the program growbench: a file each in this folder, with its record at
 * the end. To add one, add its file, and its record to the table in main.c.
 */
#ifndef GROWBENCH_HARNESS_COMMAND_H
#define GROWBENCH_HARNESS_COMMAND_H

#include "harness/common/error.h"
#include "harness/common/exit_status.h"
#include "harness/runner/request/request.h"

struct command {
	const char *name;
	/* Does it, and returns the exit status. */
	int (*run)(const struct request *request);
	const char *help;     /* one line */
	const char *examples; /* lines */
};

extern const struct command command_run;
extern const struct command command_list;
extern const struct command command_plan;
extern const struct command command_doctor;
extern const struct command command_peak;
extern const struct command command_profile;
extern const struct command command_record;

/* Prints what was wrong; returns the exit status of wrong usage. */
int usage_error(const struct error *error);

/* What reached standard output, all of it, decides: a full disk is no success. Returns the exit
 * status. */
int finish_output(void);

#endif
