/*
 * touched.h - how much of each large block has been touched: asked of the kernel when the block is
 * freed or resized, or when the process ends, and written behind what made the block.
 */
#ifndef GROWBENCH_HARNESS_RECORD_TOUCHED_H
#define GROWBENCH_HARNESS_RECORD_TOUCHED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recording;

/* Blocks that are remembered. */
struct touched_block {
	uintptr_t address; /* 0: none */
	uint64_t bytes;
	uint64_t place; /* of the event RAW_TOUCHED */
	/* How large it was when it was looked at last: a block that grows in small steps is looked
	 * at again when it has grown by a quarter. */
	uint64_t looked_bytes;
};

/* Remembers a block, which is not remembered. */
void touched_add(const struct touched_block *block);

/* Takes the block out, if it is remembered, and looks at it: `resized` if it will go on under a new
 * size. Returns what it was; address 0 if it was not remembered. */
struct touched_block touched_take(struct recording *recorded, const void *block, bool resized);

/* Looks at all that are remembered. */
void touched_look_at_all(struct recording *recorded);

/* Forgets all of them, in a child of fork. */
void touched_forget(void);

enum {
	TOUCHED_FILTER = 4096
};

/* How many blocks are remembered whose addresses have a hash. NULL: none ever was. */
extern _Atomic(_Atomic uint32_t *) touched_filter;

static inline size_t touched_hash(const void *block)
{
	return (size_t)(((uintptr_t)block >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 52);
}

/* False if the block is not remembered: for most blocks, so that they need no lock. */
static inline bool touched_maybe(const void *block)
{
	_Atomic uint32_t *filter = atomic_load_explicit(&touched_filter, memory_order_acquire);

	return filter != NULL &&
	       atomic_load_explicit(&filter[touched_hash(block)], memory_order_relaxed) != 0;
}

#endif
