/*
 * pilot_prediction.h - what is expected of a cell that the pilot could not see itself: what it is
 * planned with, and what is told of it.
 *
 * Both work on pilot->cell, from the pilot's series.
 */
#ifndef GROWBENCH_HARNESS_PILOT_PREDICTION_H
#define GROWBENCH_HARNESS_PILOT_PREDICTION_H

#include "harness/runner/execute/pilot_looks.h"

/* Sets the times that the cell is planned with to what it may well take, as far as anything was
 * seen, and to no less than a look that was ended says. */
void pilot_expect(const struct pilot *pilot);

/*
 * Predicts the cell, cold and warm, where that can be earned: two sizes of it were seen, the larger
 * is at most 10 times smaller, the strategy itself copies its array for each append, and there is
 * time to look at the shape of the way (growth_by_shape). It is then planned with the prediction's
 * upper end. What was seen to take longer is no prediction.
 */
void pilot_predict(struct pilot *pilot);

#endif
