#include "harness/trace/blocks.h"

#include <stdalign.h>
#include <stdatomic.h>

#include "harness/trace/lock.h"
#include "harness/trace/raw.h"

#define SHARD_BITS 6
#define SHARD_COUNT ((size_t)1 << SHARD_BITS)
#define GROUP_SLOTS ((size_t)256)
/* Two groups, as a shift by 64 bits is not defined. */
#define LEAST_SLOTS (2 * GROUP_SLOTS)

#define LOOK_AHEAD 3

/* Open addressing, linear probing. An address of 0 is an empty slot. */
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
 * Blocks of a page come to lie near each other, since a program tends to allocate and free
 * neighbours one after the other, and a table of many blocks is out of every cache: so a page has a
 * group of slots, one for each 16 bytes. Where pages follow one another, Fibonacci hashing puts
 * their groups apart. Pages that share a group, since most have far fewer blocks, each have their
 * own order in it; without that, blocks that are each at the start of a page would all collide.
 */
static uint64_t hash_of(uintptr_t address)
{
	return (uint64_t)(address >> 12) * UINT64_C(0x9e3779b97f4a7c15);
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
	const uint64_t place = ((address >> 4) ^ (hash >> 24)) % GROUP_SLOTS;

	return (size_t)(group * GROUP_SLOTS + place);
}

/* The slot that holds the address, or the empty one where it would go. */
static size_t find(const struct shard *shard, uintptr_t address)
{
	size_t slot = home_of(shard, address);

	while (shard->slots[slot].address != 0 && shard->slots[slot].address != address)
		slot = (slot + 1) & shard->mask;
	return slot;
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
			grown[find(shard, old[i].address)] = old[i];
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

bool blocks_insert(const struct block *block, struct block *replaced)
{
	struct shard *shard = shard_of(block->address);
	bool found;
	size_t slot;

	if (!blocks_any())
		atomic_store(&any, true);
	look_ahead(block->address, &last_inserted);
	lock_take(&shard->lock);
	if (!make_room(shard))
		raw_die("growbench-trace: no memory to keep account of the live blocks");
	slot = find(shard, block->address);
	found = shard->slots[slot].address != 0;
	if (found)
		*replaced = shard->slots[slot];
	else
		shard->used++;
	shard->slots[slot] = *block;
	lock_release(&shard->lock);
	return found;
}

/* Empties the slot, and moves back those behind it that would not be found any more. */
static void empty(struct shard *shard, size_t hole)
{
	for (size_t next = (hole + 1) & shard->mask; shard->slots[next].address != 0;
	     next = (next + 1) & shard->mask) {
		const size_t home = home_of(shard, shard->slots[next].address);

		/* Does its search begin behind the hole? Then it stays. */
		if (((next - home) & shard->mask) < ((next - hole) & shard->mask))
			continue;
		shard->slots[hole] = shard->slots[next];
		hole = next;
	}
	shard->slots[hole] = (struct block){0};
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

		found = shard->slots[slot].address != 0;
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
