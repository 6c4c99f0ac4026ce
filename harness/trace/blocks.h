/*
 * blocks.h - the blocks that are live, with what was requested for each.
 *
 * A hash table by address, in shards that each have a lock. A function may be called by any thread
 * at any time but for blocks_reset. The table keeps what it is told and counts nothing.
 *
 * The caller keeps each address unique in time: it removes a block before it gives the address
 * back to the allocator, and inserts a block after it got the address.
 */
#ifndef GROWBENCH_HARNESS_TRACE_BLOCKS_H
#define GROWBENCH_HARNESS_TRACE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
	uintptr_t address; /* not 0 */
	size_t requested_bytes;
	size_t usable_bytes;
};

/* Forgets all blocks, and makes room for `count` of them in memory that is mapped in. While no
 * other function runs. False without memory; the table is empty then too. */
bool blocks_reset(size_t count);

/* Might there be a block? False only if none was inserted since the last reset. */
bool blocks_any(void);

enum blocks_inserted {
	BLOCKS_ADDED,
	/* There was one at its address, which *replaced tells. */
	BLOCKS_REPLACED,
	/* It is not in the table, which is as it was. */
	BLOCKS_NO_MEMORY,
};

enum blocks_inserted blocks_insert(const struct block *block, struct block *replaced);

/* Takes out the block at the address and fills *block; false if there is none. */
bool blocks_remove(const void *address, struct block *block);

/* How many there are. For tests: looks at each shard in turn. */
size_t blocks_count(void);

#endif
