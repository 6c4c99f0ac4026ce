#include "harness/profile/heap.h"

#include <inttypes.h>

#define FREE_BLOCK ((uint64_t)1 << 63)

/* More than any address space holds, and far from an overflow. */
#define MOST_LIVE_BYTES ((uint64_t)1 << 57)

static uint64_t *blocks_of(const struct heap *heap)
{
	return heap->blocks.start;
}

void heap_clear(struct heap *heap)
{
	heap->last_free = PROFILE_NONE;
	heap->live_bytes = 0;
	heap->totals = (struct profile_process){.parent = PROFILE_NONE};
}

void heap_release(struct heap *heap)
{
	memory_release(&heap->blocks);
}

static bool is_live(const struct heap *heap, uint32_t block)
{
	return block < heap->totals.most_blocks && (blocks_of(heap)[block] & FREE_BLOCK) == 0;
}

/* Will the block of the event fit, with so many bytes more than before? */
static bool check_bytes(const struct heap *heap, const struct profile_event *event, uint64_t more,
			struct error *error)
{
	if (event->bytes > PROFILE_MOST_BYTES)
		return error_set(error, "a block of %" PRIu64 " bytes, which no system has",
				 event->bytes);
	if (heap->live_bytes + more > MOST_LIVE_BYTES)
		return error_set(error, "more bytes live at once than there are addresses");
	if (heap->totals.requested_bytes + more < more)
		return error_set(error, "more bytes requested than 64 bits can count");
	return true;
}

static bool check_alignment(const struct profile_event *event, struct error *error)
{
	const uint64_t alignment = event->alignment;

	return event->kind != PROFILE_ALIGNED ||
	       (alignment > 0 && alignment <= PROFILE_MOST_ALIGNMENT &&
		(alignment & (alignment - 1)) == 0) ||
	       error_set(error, "an alignment of %" PRIu64 ", which is no power of two up to %d",
			 alignment, PROFILE_MOST_ALIGNMENT);
}

/* The number for a new block. */
static bool take_number(struct heap *heap, uint32_t *block, struct error *error)
{
	const uint32_t count = heap->totals.most_blocks;

	if (heap->last_free != PROFILE_NONE) {
		*block = heap->last_free;
		heap->last_free = (uint32_t)blocks_of(heap)[*block];
		return true;
	}
	if (count == PROFILE_MOST_BLOCKS)
		return error_set(error, "more than %d blocks live at once", PROFILE_MOST_BLOCKS);
	if (!memory_reserve(&heap->blocks, ((size_t)count + 1) * sizeof(uint64_t)))
		return error_set(error, "no memory for %" PRIu32 " live blocks", count + 1);
	*block = count;
	heap->totals.most_blocks++;
	return true;
}

static void count_bytes(struct heap *heap, const struct profile_event *event)
{
	struct profile_process *totals = &heap->totals;

	if (event->bytes > event->old_bytes)
		totals->requested_bytes += event->bytes - event->old_bytes;
	heap->live_bytes += event->bytes - event->old_bytes;
	if (heap->live_bytes > totals->most_bytes)
		totals->most_bytes = heap->live_bytes;
	if (event->bytes > totals->largest_bytes)
		totals->largest_bytes = event->bytes;
}

static bool make_block(struct heap *heap, struct profile_event *event, struct error *error)
{
	event->old_bytes = 0;
	if (!check_bytes(heap, event, event->bytes, error) || !check_alignment(event, error) ||
	    !take_number(heap, &event->block, error))
		return false;
	blocks_of(heap)[event->block] = event->bytes;
	count_bytes(heap, event);
	return true;
}

static bool resize_block(struct heap *heap, struct profile_event *event, struct error *error)
{
	event->old_bytes = blocks_of(heap)[event->block];
	if (!check_bytes(heap, event,
			 event->bytes > event->old_bytes ? event->bytes - event->old_bytes : 0,
			 error))
		return false;
	blocks_of(heap)[event->block] = event->bytes;
	count_bytes(heap, event);
	heap->totals.moved_count += event->moved;
	return true;
}

static void free_block(struct heap *heap, struct profile_event *event)
{
	event->old_bytes = 0;
	event->bytes = blocks_of(heap)[event->block];
	heap->live_bytes -= event->bytes;
	blocks_of(heap)[event->block] = FREE_BLOCK | heap->last_free;
	heap->last_free = event->block;
}

bool heap_apply(struct heap *heap, struct profile_event *event, struct error *error)
{
	struct profile_process *totals = &heap->totals;

	if (event->thread > totals->thread_count || event->thread >= PROFILE_MOST_THREADS)
		return error_set(error, "thread %" PRIu32 ", where there are %" PRIu32 " so far",
				 event->thread, totals->thread_count);
	if (profile_makes_block(event->kind)) {
		if (!make_block(heap, event, error))
			return false;
	} else {
		if (!is_live(heap, event->block))
			return error_set(error, "%s of block %" PRIu32 ", which does not live",
					 profile_kind_names[event->kind], event->block);
		if (event->kind == PROFILE_FREE)
			free_block(heap, event);
		else if (!resize_block(heap, event, error))
			return false;
	}
	totals->thread_count += event->thread == totals->thread_count;
	totals->event_count++;
	totals->kind_counts[event->kind]++;
	return true;
}
