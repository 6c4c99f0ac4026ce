/*
 * resume.h - a run that was begun before, and is gone on with.
 */
#ifndef GROWBENCH_HARNESS_RESUME_H
#define GROWBENCH_HARNESS_RESUME_H

#include "harness/common/error.h"
#include "harness/common/exit_status.h"
#include "harness/runner/request/request.h"

/* Goes on with the run in given.resume: with the options it was begun with, the same order, the
 * same pilot, and only the rows that are not there yet. Otherwise as run_new() (begin.h). */
enum exit_status run_resume(const struct request *request, struct error *error);

#endif
