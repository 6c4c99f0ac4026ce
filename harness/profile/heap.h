/*
 * heap.h - which blocks of a process live after each of its events, and the totals so far.
 *
 * Reader and writer both keep one, so that they number blocks in the same way, and agree on what a
 * process can have done.
 */
#ifndef GROWBENCH_HARNESS_PROFILE_HEAP_H
#define GROWBENCH_HARNESS_PROFILE_HEAP_H

#include "harness/profile/memory.h"
#include "harness/profile/profile.h"

struct heap {
	/* A block's bytes, or, of a number that is free, FREE_BLOCK and the number that was freed
	 * before it. */
	struct memory blocks;
	uint32_t last_free; /* PROFILE_NONE: all numbers below the count are taken */
	uint64_t live_bytes;
	/* Counts of events, threads, blocks and bytes. most_blocks is how many numbers there are.
	 */
	struct profile_process totals;
};

/* Empties it; its memory stays. All zero is one that was never used. */
void heap_clear(struct heap *heap);
void heap_release(struct heap *heap);

/*
 * Takes an event into account: of what makes a block, sets `block`; of the others, old_bytes, and
 * of PROFILE_FREE bytes. False, with the error set and nothing changed, for one that cannot be.
 */
bool heap_apply(struct heap *heap, struct profile_event *event, struct error *error);

#endif
