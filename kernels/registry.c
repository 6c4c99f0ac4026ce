/* The table `strategies` itself is generated from the listings of strategies/ and containers/: see
 * CMakeLists.txt. */
#include "strategy.h"

#include <string.h>

const struct strategy *strategy_find(const char *implementation, const char *name)
{
	for (const struct strategy *const *strategy = strategies; *strategy != NULL; strategy++) {
		if ((implementation == NULL ||
		     strcmp((*strategy)->implementation, implementation) == 0) &&
		    strcmp((*strategy)->name, name) == 0)
			return *strategy;
	}
	return NULL;
}
