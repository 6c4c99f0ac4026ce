/* The tables `strategies` and `patterns` themselves are generated from the listings of strategies/,
 * containers/ and patterns/: see CMakeLists.txt. */
#include "strategy.h"

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
