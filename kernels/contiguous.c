#include "contiguous.h"

#include <stdlib.h>

#include "checksum.h"
#include "growth.h"
#include "saturating.h"

void contiguous_cost(size_t rows, size_t row_bytes, size_t (*next)(struct capacity full),
		     struct strategy_cost *cost)
{
	contiguous_cost_at(0, rows, row_bytes, next, cost);
}

void contiguous_cost_at(uint64_t parameter, size_t rows, size_t row_bytes,
			size_t (*next)(struct capacity full), struct strategy_cost *cost)
{
	const struct growth growth = growth_to(
		rows, (struct capacity){.row_bytes = row_bytes, .parameter = parameter}, next);
	const uint64_t old_bytes = saturating_multiply(growth.previous, row_bytes);
	const uint64_t new_bytes = saturating_multiply(growth.capacity, row_bytes);

	*cost = (struct strategy_cost){
		.realloc_count = growth.count,
		.realloc_moved_bytes = saturating_multiply(growth.moved, row_bytes),
		.peak_bytes = new_bytes,
		.peak_moving_bytes = saturating_add(old_bytes, new_bytes),
		.final_bytes = new_bytes,
	};
}

uint64_t contiguous_scan(const struct array *array)
{
	struct checksum checksum = {0};

	checksum_rows(&checksum, array->data, array->rows, array->row_bytes);
	return checksum_value(&checksum);
}

void contiguous_release(struct array *array)
{
	if (array->data != NULL)
		free(array->data);
	array_forget(array);
}
