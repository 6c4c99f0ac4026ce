#include "growth.h"

#include "saturating.h"

struct growth growth_to(size_t needed, struct capacity empty, size_t (*next)(struct capacity full))
{
	struct growth growth = {0};
	struct capacity full = empty;

	while (growth.capacity < needed) {
		size_t grown;

		full.count = growth.capacity;
		grown = next(full);

		growth.count++;
		growth.moved = saturating_add(growth.moved, growth.capacity);
		growth.previous = growth.capacity;
		growth.capacity = grown > growth.capacity ? grown : SIZE_MAX;
	}
	return growth;
}
