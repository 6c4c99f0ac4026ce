/*
 * session.h - a session of a run whose files are there: the pilot, the rounds, more rounds of some
 * blocks, and the end, as far as there is no interrupt.
 */
#ifndef GROWBENCH_HARNESS_SESSION_H
#define GROWBENCH_HARNESS_SESSION_H

#include "harness/common/error.h"
#include "harness/common/exit_status.h"
#include "harness/runner/execute/run.h"

/* Does all that is not done yet: what the run's description has of pilot and extension, and the
 * rows that are marked as done, are taken from there. Writes how it ended into the description, has
 * the rows summarised, and prints the run's folder on standard output when it is whole. */
enum exit_status session(struct run *run, struct error *error);

#endif
