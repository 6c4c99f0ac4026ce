/*
 * run.h - a run: checks, pilot, rounds, files.
 */
#ifndef GROWBENCH_HARNESS_RUN_H
#define GROWBENCH_HARNESS_RUN_H

#include "harness/common/error.h"
#include "harness/common/exit_status.h"
#include "harness/runner/request/request.h"

/*
 * Does the run that the request asks for; its words are recorded. Shows progress on standard error,
 * and prints the run's folder on standard output when it is whole. *error is empty, or says
 * why the run failed.
 */
enum exit_status run_new(const struct request *request, struct error *error);

/*
 * For when the process has to end at once (no_memory.c): brings the folder of the run under way
 * into order, and returns its path if the run can be gone on with; NULL if it cannot, or there is
 * none. Allocates nothing.
 */
const char *run_give_up(void);

/* Goes on with the run in given.resume: with the options it was begun with, the same order, the
 * same pilot, and only the rows that are not there yet. */
enum exit_status run_resume(const struct request *request, struct error *error);

#endif
