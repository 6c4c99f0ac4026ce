/*
 * counting_allocator.h - an allocator in front of the real one that counts, and fails on request.
 *
 * The linker's --wrap puts it in place of malloc, calloc, realloc, free, mmap, munmap and mprotect
 * for everything that is linked into the test. It knows each block that is live, so it is an
 * account of its own against which a strategy's closed forms are checked. realloc moves the block
 * every time, so that what is documented as "at most" is reached; for the same reason a block has
 * what was asked for and no more, unless a test wants otherwise. It has malloc_usable_size, nallocx
 * and xallocx. Blocks are filled with junk when
 * they are fresh and when they are freed. Freeing what is not live, or changing protection outside
 * of a mapping, fails the test that is running.
 */
#ifndef GROWBENCH_KERNELS_TESTS_COUNTING_ALLOCATOR_H
#define GROWBENCH_KERNELS_TESTS_COUNTING_ALLOCATOR_H

#include <stddef.h>
#include <stdint.h>

/* Bytes are requested bytes. Of a mapping, only what is writable counts. */
struct allocator_counts {
	uint64_t malloc_count;
	uint64_t calloc_count;
	uint64_t realloc_count;
	uint64_t free_count;
	/* Calls that were granted; those that were not are in mmap_refused_count. */
	uint64_t mmap_count;
	uint64_t mmap_refused_count;
	uint64_t munmap_count;
	uint64_t mprotect_count;
	/* Of xallocx that made a block larger where it stands. */
	uint64_t expanded_count;
	/* The sum of the old sizes of all reallocs. */
	uint64_t realloc_moved_bytes;
	uint64_t live_bytes;
	/* The largest live_bytes after any call. */
	uint64_t peak_bytes;
	/* The same with both blocks of a realloc. */
	uint64_t peak_moving_bytes;
	size_t live_blocks;
	size_t live_mappings;
	/* Calls that were made to fail on request, and how many of them were mmap. */
	uint64_t made_to_fail_count;
	uint64_t mmap_made_to_fail_count;
};

/* Sets all counts to zero, forgets what is live, and makes nothing fail. */
void counting_allocator_start(void);

/* The counts since then. The pointer stays the same. */
const struct allocator_counts *counting_allocator_counts(void);

enum failure {
	/* The nth call from now on that asks for memory fails (1 is the next one). */
	FAIL_ONE,
	/* It fails, and all after it. */
	FAIL_ALL_FROM,
};

/* nth == 0: nothing fails any more. mmap and mprotect count as asking for memory. */
void counting_allocator_fail(enum failure failure, uint64_t nth);

/* How many calls were made to fail since the program began. */
uint64_t counting_allocator_all_failures(void);

/* mmap refuses mappings of more than that. */
void counting_allocator_limit_mapping(size_t most_bytes);

/* What a block really has for which so many bytes were asked. What is above them is checked to be
 * untouched when the block goes or is resized. NULL, as at the start: just what was asked for. */
void counting_allocator_round_up(size_t (*given)(size_t bytes));

/* xallocx makes blocks that come from now on as large as that where they stand, or as what they
 * have; 0, as at the start: only that. */
void counting_allocator_expand_up_to(size_t bytes);

/* Blocks that are not known may be freed from now on: a library may have got them from the C
 * library's functions, which are not counted. */
void counting_allocator_accept_others(void);

/* The size of a live block, 0 if there is no such block. */
size_t counting_allocator_block_bytes(const void *block);

#endif
