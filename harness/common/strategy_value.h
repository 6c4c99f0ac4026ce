/*
 * strategy_value.h - the value behind a strategy's name, as a person typed it.
 */
#ifndef GROWBENCH_HARNESS_STRATEGY_VALUE_H
#define GROWBENCH_HARNESS_STRATEGY_VALUE_H

#include <stdbool.h>

#include "harness/common/error.h"
#include "kernels/strategy.h"

/* Makes the strategy that is `base` with that value: "1.5" of realloc_factor. `value` is NULL where
 * only the name was given. False with a message that says what is valid. */
bool strategy_value(const struct strategy *base, const char *value,
		    struct strategy_instance *instance, struct error *error);

#endif
