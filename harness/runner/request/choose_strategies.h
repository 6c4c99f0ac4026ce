/*
 * choose_strategies.h - which strategies and copying patterns a run is of, and whose.
 *
 * Part of reading a request: the programs whose strategies are meant are asked for them first.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_CHOOSE_STRATEGIES_H
#define GROWBENCH_HARNESS_RUNNER_CHOOSE_STRATEGIES_H

#include <stdbool.h>

#include "harness/common/error.h"
#include "harness/runner/request/request.h"

/* Fills in the implementations and strategies of a request, which request_release frees, from its
 * texts and preset. False with a message for a name that there is not. */
bool choose_strategies(struct request *request, struct error *error);

#endif
