#include "harness/common/strategy_value.h"

#include <stddef.h>

bool strategy_value(const struct strategy *base, const char *value,
		    struct strategy_instance *instance, struct error *error)
{
	const struct strategy_parameter *parameter = base->parameter;

	if (parameter == NULL)
		return error_set(error, "strategy '%s' has no parameter; leave ':%.64s' out",
				 base->name, value);
	if (value == NULL)
		return error_set(error, "strategy '%s' needs %s, such as %s:%s", base->name,
				 parameter->range, base->name, parameter->examples[0]);
	return strategy_with_value(base, value, instance) ||
	       error_set(error, "strategy '%s:%.64s' is not valid; give %s, such as %s:%s",
			 base->name, value, parameter->range, base->name, parameter->examples[0]);
}
