/*
 * growth.h - the blocks of a process that grew by realloc: what that took, by where it was called.
 *
 * A block has grown if a realloc made it larger than it was. Allocating it at its largest size at
 * once, preallocating, saves its reallocs up to the last one that made it larger; those behind that
 * one only give memory back, and stay. All figures are of these reallocs.
 *
 * Bytes are those that can have been copied: of a realloc, the smaller one of both sizes. How many
 * there were in truth is the allocator's choice; of the one that the program was recorded with, it
 * is known which reallocs moved their block.
 */
#ifndef GROWBENCH_HARNESS_GROWTH_H
#define GROWBENCH_HARNESS_GROWTH_H

#include "harness/profile/profile.h"

enum {
	/* Groups and single blocks that are told: those that can have copied most. */
	GROWTH_SHOWN = 16,
	/* Beyond so many groups, the rest of the blocks are one, which has no stack. */
	GROWTH_MOST_GROUPS = 1 << 16,
	/* So many blocks that grew are kept one by one, for analysis.h: 64 MiB. */
	GROWTH_MOST_KEPT = 1 << 21,
};

/* Reallocs: how many, the bytes that they can have copied, and of both those that moved. */
struct growth_reallocs {
	uint64_t count;
	uint64_t bytes;
	uint64_t moved_count;
	uint64_t moved_bytes;
};

/* How blocks grew. Of one block, least and most are the same but for the steps. */
struct growth_sizes {
	uint64_t least_first_bytes; /* when it was made */
	uint64_t most_first_bytes;
	uint64_t least_largest_bytes;
	uint64_t most_largest_bytes;
	uint64_t least_step_bytes; /* by how much one realloc made one larger */
	uint64_t most_step_bytes;
};

/* Blocks that grew at the same place: where their last realloc that made them larger was called,
 * or, without stacks, between the same powers of two. */
struct growth_group {
	uint32_t stack; /* one that leads there: for profile_stack(). PROFILE_NONE: not recorded */
	uint64_t block_count;
	uint64_t most_reallocs; /* of one block */
	struct growth_reallocs reallocs;
	struct growth_sizes sizes;
	/* What doubling would take instead, from the first size of each until it has room for the
	 * largest one; moved_* are 0. */
	struct growth_reallocs doubling;
};

/* A block that grew, as analysis.h needs it. Events are counted from 0 in their process. */
struct growth_block {
	uint64_t born;  /* the event that made it */
	uint64_t until; /* its last realloc that made it larger */
	uint64_t largest_bytes;
	uint32_t group;
};

struct growth;

/* Of a process that the profile has begun. */
struct growth_settings {
	uint32_t stack_count; /* of the process */
	size_t frames;        /* of a stack, the innermost ones, that tell one place from another */
	uint64_t least_reallocs; /* of a block that has fewer, nothing is told */
	size_t most_kept;        /* GROWTH_MOST_KEPT, or less */
};

/* NULL: no memory. */
struct growth *growth_new(const struct profile *profile, const struct growth_settings *settings);

/* NULL is allowed. */
void growth_free(struct growth *growth);

/*
 * A realloc, which is the event of that number, of a block that the event `born` made. *open is the
 * caller's to keep while the block lives: 0 at first. False: no memory.
 */
bool growth_realloc(struct growth *growth, const struct profile_event *event, uint64_t number,
		    uint64_t born, uint32_t *open);

/* The block is freed, or its process has ended; of one that never grew, nothing is kept. False: no
 * memory. */
bool growth_block_ends(struct growth *growth, uint32_t open);

/* Sorts what is there: after the last event, before all below. False: no memory. */
bool growth_finish(struct growth *growth);

size_t growth_group_count(const struct growth *growth);

/* By the bytes that can have been copied, most first; below growth_group_count(). */
const struct growth_group *growth_group(const struct growth *growth, size_t place);

/* All groups together; has no stack. */
const struct growth_group *growth_all(const struct growth *growth);

/* The blocks that can have copied most, as groups of one block each, most first. */
const struct growth_group *growth_largest(const struct growth *growth, size_t *count);

/* The blocks in the order of their birth; group: its place. Those that never had as many as
 * *least_bytes are left out: 0, unless there are more than most_kept. */
const struct growth_block *growth_blocks(const struct growth *growth, size_t *count,
					 uint64_t *least_bytes);

#endif
