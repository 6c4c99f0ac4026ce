/*
 * block_index.h - what strategies share that keep their rows in blocks of their own: array->index
 * is a block from realloc that holds the blocks' addresses, with array->capacity slots.
 */
#ifndef GROWBENCH_KERNELS_BLOCK_INDEX_H
#define GROWBENCH_KERNELS_BLOCK_INDEX_H

#include <stdlib.h>

#include "build.h"
#include "growth.h"
#include "strategy.h"

/* Makes room for `capacity` addresses by realloc, as contiguous_grow does for rows. */
static ALWAYS_INLINE enum build_status block_index_grow(struct array *array, size_t capacity)
{
	size_t bytes;
	unsigned char **index;

	if (capacity <= array->capacity || __builtin_mul_overflow(capacity, sizeof *index, &bytes))
		return BUILD_OUT_OF_MEMORY;
	index = realloc(array->index, bytes);
	if (index == NULL)
		return BUILD_OUT_OF_MEMORY;
	array->index = index;
	array->capacity = capacity;
	return BUILD_OK;
}

/* What a growth rule looks at. */
static inline struct capacity block_index_capacity(const struct array *array)
{
	return (struct capacity){array->capacity, sizeof *array->index, array->parameter};
}

/* Frees the first `blocks` blocks and the index, and sets it to NULL. The rows are left to the
 * caller. */
void block_index_free(struct array *array, size_t blocks);

/* The cost of `blocks` blocks of block_bytes bytes, each from one malloc, and of the index that
 * grows by the rule `next` (growth.h) whenever the next block has no slot. */
void block_index_cost(size_t blocks, size_t block_bytes, size_t (*next)(struct capacity full),
		      struct strategy_cost *cost);

#endif
