/* The tables `strategies` and `patterns` themselves are generated from the listings of strategies/,
 * shapes/, containers/ and patterns/: see CMakeLists.txt. */
#include "strategy.h"

#include <stdio.h>
#include <string.h>

static const struct strategy *find_in(const struct strategy *const *table,
				      const char *implementation, const char *name)
{
	for (const struct strategy *const *strategy = table; *strategy != NULL; strategy++) {
		if ((implementation == NULL ||
		     strcmp((*strategy)->implementation, implementation) == 0) &&
		    strcmp((*strategy)->name, name) == 0)
			return *strategy;
	}
	return NULL;
}

const struct strategy *strategy_find(const char *implementation, const char *name)
{
	const struct strategy *strategy = find_in(strategies, implementation, name);

	return strategy != NULL ? strategy : find_in(patterns, implementation, name);
}

void strategy_of_value(const struct strategy *base, uint64_t value,
		       struct strategy_instance *instance)
{
	char text[PARAMETER_MOST_BYTES] = "";

	base->parameter->write(value, text);
	*instance = (struct strategy_instance){.strategy = *base};
	(void)snprintf(instance->name, sizeof instance->name, "%s:%s", base->name, text);
	instance->strategy.name = instance->name;
	instance->strategy.value = value;
}

bool strategy_with_value(const struct strategy *base, const char *text,
			 struct strategy_instance *instance)
{
	uint64_t value;

	if (base->parameter == NULL || !base->parameter->read(text, &value))
		return false;
	strategy_of_value(base, value, instance);
	return true;
}
