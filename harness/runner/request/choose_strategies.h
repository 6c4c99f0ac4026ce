/*
 * choose_strategies.h - which strategies and copying patterns a run is of, and whose.
 *
 * Part of reading the options: the programs whose strategies are meant are asked for them first.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_CHOOSE_STRATEGIES_H
#define GROWBENCH_HARNESS_RUNNER_CHOOSE_STRATEGIES_H

#include <stdbool.h>

#include "harness/common/error.h"
#include "harness/runner/request/options.h"

/* Fills in the options' implementations and strategies, which options_release frees, from their
 * texts and preset. False with a message for a name that there is not. */
bool choose_strategies(struct options *options, struct error *error);

#endif
