#include "growth.h"

#include "saturating.h"

struct growth growth_to(size_t needed, size_t (*next)(size_t capacity))
{
	struct growth growth = {0};

	while (growth.capacity < needed) {
		const size_t grown = next(growth.capacity);

		growth.count++;
		growth.moved = saturating_add(growth.moved, growth.capacity);
		growth.previous = growth.capacity;
		growth.capacity = grown > growth.capacity ? grown : SIZE_MAX;
	}
	return growth;
}
