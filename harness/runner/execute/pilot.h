/*
 * pilot.h - a short look at every cell before the rounds.
 *
 * One worker a cell, from small sizes to large: its times fix the iteration counts that all
 * allocators share, tell what the budget has no room for, and give the ETA. Where a cell takes too
 * long it goes up below it by sizes of its own, as far as its share of the budget allows; from what
 * was seen there the cell is predicted, with an interval (growth.h). The pilot's figures go to
 * machine.json only.
 *
 * pilot.c decides where to look, pilot_looks.c looks, pilot_prediction.c says what is expected of a
 * cell that was not seen, and pilot_saved.c writes and reads what was found.
 */
#ifndef GROWBENCH_HARNESS_PILOT_H
#define GROWBENCH_HARNESS_PILOT_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/common/error.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/process/progress.h"
#include "harness/runner/execute/worker.h"

/* Looks at every cell of the plan that is to be measured, and decides (plan_decide). False if it
 * was interrupted. */
bool pilot_run(struct plan *plan, struct worker_pool *pool, struct progress *progress);

/* The decided plan as JSON, and back: the same counts and predictions for a run that goes on.
 * pilot_load is false with a message if the JSON is of another plan. */
json_t *pilot_save(const struct plan *plan);
bool pilot_load(struct plan *plan, const json_t *pilot, struct error *error);

#endif
