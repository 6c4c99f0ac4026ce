#include "counting_allocator.h"

#include "cmocka_headers.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>

#define BLOCKS_LOG2 16
#define MOST_BLOCKS ((size_t)1 << BLOCKS_LOG2)
#define MOST_MAPPINGS 4
/* Enough to spoil a row at either end; all of a large block would take most of the test's time. */
#define JUNK_BYTES ((size_t)4096)

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void __real_free(void *block);
void *__real_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
int __real_munmap(void *address, size_t bytes);
int __real_mprotect(void *address, size_t bytes, int protection);

void *__wrap_malloc(size_t bytes);
size_t __wrap_malloc_usable_size(void *block);
size_t nallocx(size_t bytes, int flags);
size_t xallocx(void *block, size_t bytes, size_t extra, int flags);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);
void __wrap_free(void *block);
void __wrap_free_sized(void *block, size_t bytes);
void __wrap_free_aligned_sized(void *block, size_t alignment, size_t bytes);
void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void *address, size_t bytes);
int __wrap_mprotect(void *address, size_t bytes, int protection);

struct block {
	const void *address;
	size_t bytes;
};

struct mapping {
	unsigned char *address;
	size_t bytes;
	/* Writable, from its start on. */
	size_t committed_bytes;
};

static struct allocator_counts counts;
/* Open addressing, linear probing: an address of NULL is a free place. */
static struct block blocks[MOST_BLOCKS];
static struct mapping mappings[MOST_MAPPINGS];
static size_t most_mapping_bytes;
static enum failure failure_kind;
static uint64_t calls_until_failure;
static uint64_t all_failures;
static bool accepts_others;
static size_t (*given_for)(size_t bytes);
static size_t most_expanded_bytes;

void counting_allocator_start(void)
{
	/* Empty as a rule, and large. */
	if (counts.live_blocks != 0)
		memset(blocks, 0, sizeof blocks);
	memset(&counts, 0, sizeof counts);
	memset(mappings, 0, sizeof mappings);
	most_mapping_bytes = SIZE_MAX;
	calls_until_failure = 0;
	given_for = NULL;
	most_expanded_bytes = 0;
}

const struct allocator_counts *counting_allocator_counts(void)
{
	return &counts;
}

void counting_allocator_fail(enum failure failure, uint64_t nth)
{
	failure_kind = failure;
	calls_until_failure = nth;
}

void counting_allocator_accept_others(void)
{
	accepts_others = true;
}

void counting_allocator_round_up(size_t (*given)(size_t bytes))
{
	given_for = given;
}

void counting_allocator_expand_up_to(size_t bytes)
{
	most_expanded_bytes = bytes;
}

uint64_t counting_allocator_all_failures(void)
{
	return all_failures;
}

void counting_allocator_limit_mapping(size_t most_bytes)
{
	most_mapping_bytes = most_bytes;
}

static bool has_to_fail(void)
{
	if (calls_until_failure == 0)
		return false;
	if (calls_until_failure > 1) {
		calls_until_failure--;
		return false;
	}
	if (failure_kind == FAIL_ONE)
		calls_until_failure = 0;
	counts.made_to_fail_count++;
	all_failures++;
	return true;
}

/* More than the real allocator could ever grant: it is not asked, since checking tools object. */
static bool is_absurd(size_t bytes)
{
	return bytes > PTRDIFF_MAX / 2;
}

static size_t home_of(const void *address)
{
	const uint64_t hash = (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash >> (64 - BLOCKS_LOG2));
}

/* Where the block stands in the table, or the free place where it would. */
static size_t place_of(const void *address)
{
	size_t place = home_of(address);

	while (blocks[place].address != NULL && blocks[place].address != address)
		place = (place + 1) % MOST_BLOCKS;
	return place;
}

size_t counting_allocator_block_bytes(const void *block)
{
	return blocks[place_of(block)].bytes;
}

static void grow_live(uint64_t bytes)
{
	counts.live_bytes += bytes;
	if (counts.peak_bytes < counts.live_bytes)
		counts.peak_bytes = counts.live_bytes;
	if (counts.peak_moving_bytes < counts.live_bytes)
		counts.peak_moving_bytes = counts.live_bytes;
}

static void add_block(const void *address, size_t bytes)
{
	if (counts.live_blocks >= MOST_BLOCKS / 2)
		fail_msg("more live blocks than the counting allocator can remember");
	blocks[place_of(address)] = (struct block){address, bytes};
	counts.live_blocks++;
}

/* Takes the block out of the table, and puts those that were pushed away by it in their place. */
static size_t remove_block(const void *address)
{
	size_t place = place_of(address);
	const size_t bytes = blocks[place].bytes;

	if (blocks[place].address == NULL)
		fail_msg("%p is freed, but is not live", address);
	blocks[place] = (struct block){0};
	counts.live_blocks--;
	for (place = (place + 1) % MOST_BLOCKS; blocks[place].address != NULL;
	     place = (place + 1) % MOST_BLOCKS) {
		const struct block moved = blocks[place];

		blocks[place] = (struct block){0};
		blocks[place_of(moved.address)] = moved;
	}
	return bytes;
}

static void fill_with_junk(unsigned char *block, size_t bytes)
{
	if (bytes <= 2 * JUNK_BYTES) {
		memset(block, 0xee, bytes);
		return;
	}
	memset(block, 0xee, JUNK_BYTES);
	memset(block + bytes - JUNK_BYTES, 0xee, JUNK_BYTES);
}

static size_t given(size_t bytes)
{
	return given_for == NULL ? bytes : given_for(bytes);
}

#define UNTOUCHED 0xdd

/* What a block has above the bytes that were asked for is nobody's. */
static void check_the_rest(const unsigned char *block, size_t bytes)
{
	for (size_t i = bytes; i < given(bytes); i++)
		if (block[i] != UNTOUCHED)
			fail_msg("byte %zu of a block of %zu was written to", i, bytes);
}

/* For use after free to show without a sanitizer, too. */
static void free_block(void *block)
{
	check_the_rest(block, counting_allocator_block_bytes(block));
	fill_with_junk(block, remove_block(block));
	__real_free(block);
}

static void *fresh_block(size_t bytes)
{
	const size_t room = given(bytes > most_expanded_bytes ? bytes : most_expanded_bytes);
	void *const block = is_absurd(bytes) ? NULL : __real_malloc(room);

	if (block == NULL)
		return NULL;
	memset((unsigned char *)block + bytes, UNTOUCHED, room - bytes);
	fill_with_junk(block, bytes);
	add_block(block, bytes);
	return block;
}

void *__wrap_malloc(size_t bytes)
{
	void *block;

	counts.malloc_count++;
	if (has_to_fail())
		return NULL;
	block = fresh_block(bytes);
	if (block != NULL)
		grow_live(bytes);
	return block;
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	size_t all_bytes;
	void *block;

	counts.calloc_count++;
	if (has_to_fail() || __builtin_mul_overflow(count, bytes, &all_bytes) ||
	    is_absurd(all_bytes))
		return NULL;
	block = __real_calloc(count, bytes);
	if (block != NULL) {
		add_block(block, all_bytes);
		grow_live(all_bytes);
	}
	return block;
}

void *__wrap_realloc(void *block, size_t bytes)
{
	size_t old_bytes = 0;
	void *moved;

	counts.realloc_count++;
	if (block != NULL) {
		old_bytes = counting_allocator_block_bytes(block);
		if (old_bytes == 0)
			fail_msg("%p is resized, but is not live", block);
	}
	if (has_to_fail())
		return NULL;
	moved = fresh_block(bytes);
	if (moved == NULL)
		return NULL;
	counts.realloc_moved_bytes += old_bytes;
	if (counts.peak_moving_bytes < counts.live_bytes + bytes)
		counts.peak_moving_bytes = counts.live_bytes + bytes;
	if (block != NULL) {
		memcpy(moved, block, old_bytes < bytes ? old_bytes : bytes);
		free_block(block);
		counts.live_bytes -= old_bytes;
	}
	grow_live(bytes);
	return moved;
}

size_t __wrap_malloc_usable_size(void *block)
{
	return given(counting_allocator_block_bytes(block));
}

size_t nallocx(size_t bytes, int flags)
{
	assert_int_equal(flags, 0);
	return given(bytes);
}

size_t xallocx(void *block, size_t bytes, size_t extra, int flags)
{
	struct block *const entry = &blocks[place_of(block)];

	assert_int_equal(extra, 0);
	assert_int_equal(flags, 0);
	if (entry->address == NULL)
		fail_msg("%p is resized, but is not live", block);
	if (bytes > most_expanded_bytes && bytes > given(entry->bytes))
		return given(entry->bytes);
	check_the_rest(block, entry->bytes);
	counts.expanded_count++;
	counts.live_bytes -= entry->bytes;
	entry->bytes = bytes;
	grow_live(bytes);
	return given(bytes);
}

void __wrap_free(void *block)
{
	counts.free_count++;
	if (block == NULL)
		return;
	if (accepts_others && counting_allocator_block_bytes(block) == 0) {
		__real_free(block);
		return;
	}
	counts.live_bytes -= counting_allocator_block_bytes(block);
	free_block(block);
}

/* Of C23, with which GLib frees where the C library has them. */
void __wrap_free_sized(void *block, size_t bytes)
{
	(void)bytes;
	__wrap_free(block);
}

void __wrap_free_aligned_sized(void *block, size_t alignment, size_t bytes)
{
	(void)alignment;
	(void)bytes;
	__wrap_free(block);
}

void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
	void *mapped = MAP_FAILED;
	size_t place = 0;

	while (place < MOST_MAPPINGS && mappings[place].address != NULL)
		place++;
	if (place == MOST_MAPPINGS)
		fail_msg("more mappings than the counting allocator can remember");
	if (has_to_fail())
		counts.mmap_made_to_fail_count++;
	else if (bytes <= most_mapping_bytes)
		mapped = __real_mmap(address, bytes, protection, flags, file, offset);
	if (mapped == MAP_FAILED) {
		counts.mmap_refused_count++;
		errno = ENOMEM;
		return MAP_FAILED;
	}
	counts.mmap_count++;
	counts.live_mappings++;
	mappings[place] = (struct mapping){.address = mapped, .bytes = bytes};
	if (protection & PROT_WRITE) {
		mappings[place].committed_bytes = bytes;
		grow_live(bytes);
	}
	return mapped;
}

int __wrap_munmap(void *address, size_t bytes)
{
	counts.munmap_count++;
	for (size_t place = 0; place < MOST_MAPPINGS; place++) {
		if (mappings[place].address == NULL || mappings[place].address != address)
			continue;
		if (mappings[place].bytes != bytes)
			fail_msg("unmapped %zu bytes of a mapping of %zu", bytes,
				 mappings[place].bytes);
		counts.live_bytes -= mappings[place].committed_bytes;
		counts.live_mappings--;
		mappings[place] = (struct mapping){0};
		return __real_munmap(address, bytes);
	}
	fail_msg("%p is unmapped, but is not the start of a mapping", address);
	return -1;
}

int __wrap_mprotect(void *address, size_t bytes, int protection)
{
	counts.mprotect_count++;
	if (has_to_fail()) {
		errno = ENOMEM;
		return -1;
	}
	for (size_t place = 0; place < MOST_MAPPINGS; place++) {
		struct mapping *const mapping = &mappings[place];

		if (mapping->address == NULL ||
		    mapping->address + mapping->committed_bytes != address)
			continue;
		if (bytes > mapping->bytes - mapping->committed_bytes)
			fail_msg("%zu bytes committed past the end of a mapping", bytes);
		mapping->committed_bytes += bytes;
		grow_live(bytes);
		return __real_mprotect(address, bytes, protection);
	}
	fail_msg("%p is committed, but is not where a mapping's committed part ends", address);
	return -1;
}
