#include "harness/worker/probes.h"

#include <string.h>

#include "harness/worker/huge_pages.h"
#include "harness/worker/probe_values.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static const size_t no_size[] = {1, 0};
/* A few pages come from a list that the kernel keeps for each CPU, and may still be in its cache;
 * many do not, and may cost twice as much. */
static const size_t touched_sizes[] = {256 * KIB, 1 * MIB, 8 * MIB, 32 * MIB, 0};
static const size_t one_page[] = {1, 0};
static const size_t mapping_sizes[] = {1, 1 * MIB, 0};
static const size_t moved_sizes[] = {128 * KIB, 1 * MIB, 16 * MIB, 0};
/* glibc's M_TOP_PAD, by which it grows and shrinks its heap. */
static const size_t heap_steps[] = {128 * KIB, 0};
/* Of reserve_then_commit. */
static const size_t commit_steps[] = {64 * KIB, 0};
static const size_t block_sizes[] = {64, 0};

const struct probe probes[] = {
	{
		.name = "store",
		.help = "Write a working set once, in order, with 16-byte stores",
		.operation = "the whole working set",
		.sizing = PROBE_SIZED_BY_CACHES,
		.set_count = 1,
		.run = probe_store,
	},
	{
		.name = "copy",
		.help = "Copy a working set to another of its size with memcpy",
		.operation = "the whole working set",
		.sizing = PROBE_SIZED_BY_CACHES,
		.set_count = 2,
		.run = probe_copy,
	},
	{
		.name = "chase",
		.help = "Follow pointers through the cache lines of a working set in random order",
		.operation = "one pointer",
		.sizing = PROBE_SIZED_BY_CACHES,
		.set_count = 1,
		.run = probe_chase,
	},
	{
		.name = "append",
		.help = "Make a row and append it to an array that stays in the first cache level",
		.operation = "one row",
		.sizing = PROBE_SIZED_BY_ROWS,
		.run = probe_append,
	},
	{
		.name = "touch",
		.help = "Write the first byte to each page of a new mapping, in order",
		.operation = "one page",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = touched_sizes,
		.in_pages = true,
		.run = probe_touch,
	},
	{
		.name = "touch_huge",
		.help = "Write the first byte to each huge page of that size of a new mapping",
		.operation = "one huge page",
		.sizing = PROBE_SIZED_BY_HUGE_PAGES,
		.run = probe_touch_huge,
	},
	{
		.name = "fill_huge",
		.help = "Write a huge page of that size, in order, that was touched just before",
		.operation = "one huge page",
		.sizing = PROBE_SIZED_BY_HUGE_PAGES,
		.run = probe_fill_huge,
	},
	{
		.name = "untouch",
		.help = "Give the touched pages of a mapping back with munmap",
		.operation = "one page",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = touched_sizes,
		.in_pages = true,
		.run = probe_untouch,
	},
	{
		.name = "untouch_huge",
		.help = "Give the touched huge pages of a mapping back with munmap",
		.operation = "one huge page",
		.sizing = PROBE_SIZED_BY_HUGE_PAGES,
		.run = probe_untouch_huge,
	},
	{
		.name = "mmap_munmap",
		.help = "Map memory and unmap it, untouched",
		.operation = "one mmap and one munmap",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = mapping_sizes,
		.in_pages = true,
		.run = probe_mmap_munmap,
	},
	{
		.name = "mremap",
		.help = "Move a touched mapping to another address",
		.operation = "one mremap",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = moved_sizes,
		.in_pages = true,
		.run = probe_mremap,
	},
	{
		.name = "mremap_grow",
		.help = "Make a mapping longer where it is, without touching what is new",
		.operation = "one mremap",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = one_page,
		.in_pages = true,
		.run = probe_mremap_grow,
	},
	{
		.name = "brk",
		.help = "Make the heap longer and shorter again, untouched",
		.operation = "two brk",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = heap_steps,
		.in_pages = true,
		.run = probe_brk,
	},
	{
		.name = "mprotect",
		.help = "Make the next step of reserved address space writable, untouched",
		.operation = "one mprotect",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = commit_steps,
		.in_pages = true,
		.run = probe_mprotect,
	},
	{
		.name = "system_call",
		.help = "Call the system for next to nothing (getppid)",
		.operation = "one call",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = no_size,
		.run = probe_system_call,
	},
	{
		.name = "instruction",
		.help = "Add in a register, where each addition needs the one before: a clock "
			"cycle",
		.operation = "one addition",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = no_size,
		.run = probe_instruction,
	},
	{
		.name = "clock",
		.help = "Read CLOCK_MONOTONIC",
		.operation = "one reading",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = no_size,
		.run = probe_clock,
	},
	{
		.name = "malloc_free",
		.help = "Allocate a block and free it at once",
		.operation = "one malloc and one free",
		.sizing = PROBE_SIZED_BY_LIST,
		.sizes = block_sizes,
		.of_allocator = true,
		.run = probe_malloc_free,
	},
	{
		.name = "malloc_run",
		.help = "Allocate many blocks and keep them, where blocks have been before",
		.operation = "one malloc",
		.sizing = PROBE_SIZED_BY_ROWS,
		.of_allocator = true,
		.run = probe_malloc_run,
	},
	{
		.name = "free_run",
		.help = "Free many blocks in the order in which they were allocated",
		.operation = "one free",
		.sizing = PROBE_SIZED_BY_ROWS,
		.of_allocator = true,
		.run = probe_free_run,
	},
	{
		.name = "realloc_in_place",
		.help = "Make a block of 64 KiB and more longer by a row, where it stays in place",
		.operation = "one realloc",
		.sizing = PROBE_SIZED_BY_ROWS,
		.of_allocator = true,
		.run = probe_realloc_in_place,
	},
	{.name = NULL},
};

const struct probe *probe_find(const char *name)
{
	for (const struct probe *probe = probes; probe->name != NULL; probe++)
		if (strcmp(probe->name, name) == 0)
			return probe;
	return NULL;
}

enum probe_status probe_run(const struct probe *probe, size_t bytes, struct probe_result *result,
			    struct error *error)
{
	memset(result, 0, sizeof *result);
	return probe->run(bytes, result, error);
}

static uint64_t memory_set_bytes(uint64_t last_level_bytes)
{
	if (last_level_bytes < 16 * MIB)
		return 64 * MIB;
	return last_level_bytes < 64 * MIB ? 4 * last_level_bytes : 256 * MIB;
}

/* What fits a cache well, and what does so no longer: between the two is a cliff. */
static size_t cache_sizes(const struct probe *probe, const uint64_t *cache_bytes,
			  size_t cache_count, uint64_t *sizes, size_t most)
{
	const uint64_t unit = (uint64_t)probe->set_count * PROBE_LINE_BYTES;
	size_t count = 0;

	for (size_t level = 0; level < cache_count && count < most; level++) {
		sizes[count++] = cache_bytes[level] / 2 / unit * PROBE_LINE_BYTES;
		if (level + 1 < cache_count && count < most &&
		    cache_bytes[level] * 2 < cache_bytes[level + 1] / 2)
			sizes[count++] = cache_bytes[level] * 2 / unit * PROBE_LINE_BYTES;
	}
	if (count < most)
		sizes[count++] =
			memory_set_bytes(cache_count == 0 ? 0 : cache_bytes[cache_count - 1]) /
			unit * PROBE_LINE_BYTES;
	return count;
}

static size_t list_sizes(const struct probe *probe, uint64_t *sizes, size_t most)
{
	size_t count = 0;

	for (; count < most && probe->sizes[count] != 0; count++)
		sizes[count] = probe->in_pages ? probe_whole_pages(probe->sizes[count])
					       : probe->sizes[count];
	return count;
}

/* The largest as well where it is off: that it is not to be had is to be said. */
static size_t huge_sizes(uint64_t *sizes, size_t most)
{
	size_t on[HUGE_PAGES_MOST_SIZES];
	const size_t largest = huge_pages_largest("");
	struct error ignored;
	size_t count = 0;

	(void)huge_pages_on("", on, HUGE_PAGES_MOST_SIZES, &count, &ignored);
	if (largest > 0 && (count == 0 || on[count - 1] < largest))
		on[count++] = largest;
	if (count > most)
		count = most;
	for (size_t i = 0; i < count; i++)
		sizes[i] = on[i];
	return count;
}

size_t probe_sizes(const struct probe *probe, const uint64_t *cache_bytes, size_t cache_count,
		   uint64_t *sizes, size_t most)
{
	switch (probe->sizing) {
	case PROBE_SIZED_BY_CACHES:
		return cache_sizes(probe, cache_bytes, cache_count, sizes, most);
	case PROBE_SIZED_BY_LIST:
		return list_sizes(probe, sizes, most);
	case PROBE_SIZED_BY_HUGE_PAGES:
		return huge_sizes(sizes, most);
	case PROBE_SIZED_BY_ROWS:
		return 0;
	}
	return 0;
}
