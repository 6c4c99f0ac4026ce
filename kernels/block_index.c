#include "block_index.h"

#include <stdlib.h>

#include "growth.h"
#include "saturating.h"

void block_index_free(struct array *array, size_t blocks)
{
	for (size_t block = 0; block < blocks; block++)
		free(array->index[block]);
	if (array->index != NULL)
		free(array->index);
	array->index = NULL;
	array->capacity = 0;
}

void block_index_cost(size_t blocks, size_t block_bytes, size_t (*next)(struct capacity full),
		      struct strategy_cost *cost)
{
	const struct growth growth =
		growth_to(blocks, (struct capacity){.row_bytes = sizeof(unsigned char *)}, next);
	const uint64_t slot_bytes = sizeof(unsigned char *);
	const uint64_t old_index_bytes = saturating_multiply(growth.previous, slot_bytes);
	const uint64_t index_bytes = saturating_multiply(growth.capacity, slot_bytes);
	const uint64_t final_bytes =
		saturating_add(saturating_multiply(blocks, block_bytes), index_bytes);
	/* The index grows when it is full, so there are as many blocks then as it had slots. */
	const uint64_t last_move_bytes =
		saturating_add(saturating_multiply(growth.previous, block_bytes),
			       saturating_add(old_index_bytes, index_bytes));

	*cost = (struct strategy_cost){
		.malloc_count = blocks,
		.realloc_count = growth.count,
		.realloc_moved_bytes = saturating_multiply(growth.moved, slot_bytes),
		.peak_bytes = final_bytes,
		.peak_moving_bytes = larger(final_bytes, last_move_bytes),
		.final_bytes = final_bytes,
	};
}
