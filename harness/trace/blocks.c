#include "harness/trace/blocks.h"

#include <stdalign.h>
#include <stdatomic.h>

#include "harness/trace/lock.h"
#include "harness/trace/raw.h"

#define SHARD_BITS 6
#define SHARD_COUNT ((size_t)1 << SHARD_BITS)
#define GROUP_SLOTS ((size_t)128)
#define LEAST_SLOTS (4 * GROUP_SLOTS)

#define LOOK_AHEAD 3

/*
 * Open addressing, linear probing. An address of 0 is an empty slot. Blocks that follow one another
 * without a gap are in the order of their homes, so that a search ends where the address would be,
 * and a removal at the first block that is at home, not only at the next empty slot: dense blocks
 * fill hundreds of slots without one.
 */
struct shard {
	alignas(64) struct lock lock;
	struct block *slots;
	size_t mask;          /* their number - 1, if there are any; a power of two */
	unsigned group_shift; /* 64 - the logarithm of the number of groups */
	size_t used;
};

static struct shard shards[SHARD_COUNT];
static atomic_bool any;
static _Thread_local uintptr_t last_inserted __attribute__((tls_model("initial-exec")));
static _Thread_local uintptr_t last_removed __attribute__((tls_model("initial-exec")));

/*
 * Blocks of a KiB come to lie near each other, since a program tends to allocate and free
 * neighbours one after the other, and a table of many blocks is out of every cache: so a KiB has a
 * group of slots, one for each 8 bytes. Where KiBs follow one another, Fibonacci hashing puts their
 * groups apart. Those that share a group, since most have far fewer blocks, each have their own
 * order in it; without that, blocks that are each at the start of a page would all collide.
 */
static uint64_t hash_of(uintptr_t address)
{
	return (uint64_t)(address >> 10) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct shard *shard_of(uintptr_t address)
{
	return &shards[hash_of(address) >> (64 - SHARD_BITS)];
}

static size_t home_of(const struct shard *shard, uintptr_t address)
{
	const uint64_t hash = hash_of(address);
	/* The bits that follow those that choose the shard. */
	const uint64_t group = hash << SHARD_BITS >> shard->group_shift;
	const uint64_t place = ((address >> 3) ^ (hash >> 24)) % GROUP_SLOTS;

	return (size_t)(group * GROUP_SLOTS + place);
}

/* How far the block in a slot is from its home. */
static size_t distance(const struct shard *shard, size_t slot)
{
	return (slot - home_of(shard, shard->slots[slot].address)) & shard->mask;
}

/* The slot that holds the address, or the one where it would go. */
static size_t find(const struct shard *shard, uintptr_t address)
{
	size_t slot = home_of(shard, address);
	size_t gone = 0;

	while (shard->slots[slot].address != 0 && shard->slots[slot].address != address &&
	       distance(shard, slot) >= gone) {
		slot = (slot + 1) & shard->mask;
		gone++;
	}
	return slot;
}

/* Puts the block into the slot; what is there, and up to the next empty slot, goes one further. */
static void put(struct shard *shard, size_t slot, struct block block)
{
	while (block.address != 0) {
		const struct block moved = shard->slots[slot];

		shard->slots[slot] = block;
		block = moved;
		slot = (slot + 1) & shard->mask;
	}
}

/*
 * Fetches the slot of the block after next, if addresses go on as they went since `last`. A table
 * of millions of blocks is slow for its cache misses alone, and most programs go through their
 * blocks in steps. What it fetches in vain is harmless.
 */
static void look_ahead(uintptr_t address, uintptr_t *last)
{
	const uintptr_t ahead = address + LOOK_AHEAD * (address - *last);
	const struct shard *shard = shard_of(ahead);
	const struct block *slots = shard->slots;

	*last = address;
	if (slots != NULL)
		__builtin_prefetch(&slots[home_of(shard, ahead)], 1);
}

static bool resize(struct shard *shard, size_t slots)
{
	struct block *const old = shard->slots;
	const size_t old_slots = old == NULL ? 0 : shard->mask + 1;
	struct block *const grown = raw_map(slots * sizeof *grown);

	if (grown == NULL)
		return false;
	shard->slots = grown;
	shard->mask = slots - 1;
	shard->group_shift = 64 - (unsigned)__builtin_ctzll(slots / GROUP_SLOTS);
	for (size_t i = 0; i < old_slots; i++)
		if (old[i].address != 0)
			put(shard, find(shard, old[i].address), old[i]);
	if (old != NULL)
		raw_unmap(old, old_slots * sizeof *old);
	return true;
}

/* At most three quarters full. */
static bool make_room(struct shard *shard)
{
	if (shard->slots == NULL)
		return resize(shard, LEAST_SLOTS);
	if ((shard->used + 1) * 4 <= (shard->mask + 1) * 3)
		return true;
	return resize(shard, (shard->mask + 1) * 2);
}

bool blocks_reset(size_t count)
{
	/* Half full at most: shards are not filled evenly, and must not have to grow. */
	const size_t wanted = count > SIZE_MAX / 4 ? SIZE_MAX / 4 : count / SHARD_COUNT * 2 + 1;
	size_t slots = LEAST_SLOTS;
	bool done = true;

	while (slots < wanted)
		slots *= 2;
	atomic_store(&any, false);
	for (size_t i = 0; i < SHARD_COUNT; i++) {
		struct shard *shard = &shards[i];

		if (shard->slots != NULL)
			raw_unmap(shard->slots, (shard->mask + 1) * sizeof *shard->slots);
		shard->slots = NULL;
		shard->used = 0;
	}
	for (size_t i = 0; i < SHARD_COUNT && done; i++)
		done = slots <= SIZE_MAX / sizeof(struct block) && resize(&shards[i], slots);
	return done;
}

bool blocks_any(void)
{
	return atomic_load_explicit(&any, memory_order_relaxed);
}

enum blocks_inserted blocks_insert(const struct block *block, struct block *replaced)
{
	struct shard *shard = shard_of(block->address);
	enum blocks_inserted result = BLOCKS_ADDED;
	size_t slot;

	if (!blocks_any())
		atomic_store(&any, true);
	look_ahead(block->address, &last_inserted);
	lock_take(&shard->lock);
	if (!make_room(shard)) {
		lock_release(&shard->lock);
		return BLOCKS_NO_MEMORY;
	}
	slot = find(shard, block->address);
	if (shard->slots[slot].address == block->address) {
		*replaced = shard->slots[slot];
		shard->slots[slot] = *block;
		result = BLOCKS_REPLACED;
	} else {
		put(shard, slot, *block);
		shard->used++;
	}
	lock_release(&shard->lock);
	return result;
}

/* Empties the slot; those behind it that are not at home come one nearer. */
static void empty(struct shard *shard, size_t slot)
{
	size_t next = (slot + 1) & shard->mask;

	while (shard->slots[next].address != 0 && distance(shard, next) > 0) {
		shard->slots[slot] = shard->slots[next];
		slot = next;
		next = (next + 1) & shard->mask;
	}
	shard->slots[slot] = (struct block){0};
	shard->used--;
}

bool blocks_remove(const void *address, struct block *block)
{
	struct shard *shard = shard_of((uintptr_t)address);
	bool found = false;

	look_ahead((uintptr_t)address, &last_removed);
	lock_take(&shard->lock);
	if (shard->slots != NULL) {
		const size_t slot = find(shard, (uintptr_t)address);

		found = shard->slots[slot].address == (uintptr_t)address;
		if (found) {
			*block = shard->slots[slot];
			empty(shard, slot);
		}
	}
	lock_release(&shard->lock);
	return found;
}

size_t blocks_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < SHARD_COUNT; i++) {
		lock_take(&shards[i].lock);
		count += shards[i].used;
		lock_release(&shards[i].lock);
	}
	return count;
}
