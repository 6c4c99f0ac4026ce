/*
 * rows.h - the rows of a run: each visit of the plan becomes one.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_ROWS_H
#define GROWBENCH_HARNESS_RUNNER_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/runner/execute/host.h"
#include "harness/runner/execute/run.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/record/record.h"

/* Sets the columns that say what a visit is of; positions count from 0. */
void rows_set_cell(const struct run *run, const struct visit *visit, uint64_t position,
		   struct record *record);

/* Takes account of the row of a visit: does it measure what was named, is it of a worker that
 * failed, how far apart are its cell's times? */
void rows_note(struct run *run, const struct visit *visit, const struct record *record);

/* Looks at the machine, as workers do: their time counts as theirs. */
void rows_look_at_host(struct run *run, enum host_moment moment);

/* Makes and writes the rows from position `from` to before `to`, both from 0, that are not there
 * yet, until there is an interrupt. `what` names them on the progress bar. */
bool rows_make(struct run *run, const char *what, uint64_t from, uint64_t to, struct error *error);

#endif
