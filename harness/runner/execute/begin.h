/*
 * begin.h - a new run.
 */
#ifndef GROWBENCH_HARNESS_BEGIN_H
#define GROWBENCH_HARNESS_BEGIN_H

#include "harness/common/error.h"
#include "harness/common/exit_status.h"
#include "harness/runner/request/request.h"

/*
 * Does the run that the request asks for; its words are recorded. Shows progress on standard error,
 * and prints the run's folder on standard output when it is whole. *error is empty, or says
 * why the run failed.
 */
enum exit_status run_new(const struct request *request, struct error *error);

#endif
