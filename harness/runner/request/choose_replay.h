/*
 * choose_replay.h - a run of a recorded program (--profile) instead of strategies.
 *
 * Part of reading a request: its one strategy is the profile's replay, its one size all of the
 * events.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_CHOOSE_REPLAY_H
#define GROWBENCH_HARNESS_RUNNER_CHOOSE_REPLAY_H

#include <stdbool.h>

#include "harness/common/error.h"
#include "harness/runner/request/request.h"

/* Reads all of the profile that was given, and fills in strategies, shapes, threads and replay.
 * False with a message: no profile, one that is damaged, or an option beside it that says what to
 * build. */
bool choose_replay(struct request *request, struct error *error);

#endif
