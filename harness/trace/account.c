#include "harness/trace/account.h"

#include <stdatomic.h>

#include "harness/trace/blocks.h"
#include "harness/trace/left.h"
#include "harness/trace/real.h"

_Thread_local struct thread_account account __attribute__((tls_model("initial-exec")));

/*
 * Peaks are split so that a call raises as few as possible: `window` is the peak between calls
 * since live() was asked, `window_moving` the same with both blocks of a realloc that copied, and
 * those since the last reset are made of them when live() is asked.
 */
static struct {
	_Atomic size_t requested;
	_Atomic size_t usable;
	_Atomic size_t window;
	_Atomic size_t window_moving;
	_Atomic size_t peak_requested;
	_Atomic size_t peak_moving;
	_Atomic size_t peak_usable;
} live_bytes;

/* Blocks that there was no memory to remember. */
static atomic_bool lost_blocks;

static void raise_to(_Atomic size_t *peak, size_t bytes)
{
	size_t before = atomic_load_explicit(peak, memory_order_relaxed);

	while (before < bytes &&
	       !atomic_compare_exchange_weak_explicit(peak, &before, bytes, memory_order_relaxed,
						      memory_order_relaxed))
		;
}

/* What is less than before wraps around, and so subtracts. */
static size_t change(_Atomic size_t *bytes, size_t difference)
{
	return atomic_fetch_add_explicit(bytes, difference, memory_order_relaxed) + difference;
}

static void change_live(size_t requested, size_t usable)
{
	raise_to(&live_bytes.window, change(&live_bytes.requested, requested));
	raise_to(&live_bytes.peak_usable, change(&live_bytes.usable, usable));
}

static void reduce_live(size_t requested, size_t usable)
{
	(void)change(&live_bytes.requested, 0 - requested);
	(void)change(&live_bytes.usable, 0 - usable);
}

bool account_reset(size_t blocks)
{
	atomic_store(&live_bytes.requested, 0);
	atomic_store(&live_bytes.usable, 0);
	atomic_store(&live_bytes.window, 0);
	atomic_store(&live_bytes.window_moving, 0);
	atomic_store(&live_bytes.peak_requested, 0);
	atomic_store(&live_bytes.peak_moving, 0);
	atomic_store(&live_bytes.peak_usable, 0);
	atomic_store(&lost_blocks, false);
	left_forget();
	return blocks_reset(blocks);
}

/* False without memory: the block is not known then. */
static bool insert(void *block, size_t requested, size_t usable)
{
	const struct block entry = {(uintptr_t)block, requested, usable};
	struct block replaced;

	switch (blocks_insert(&entry, &replaced)) {
	case BLOCKS_ADDED:
		break;
	case BLOCKS_REPLACED:
		/* It went past us (by __libc_free, say): its place is free. */
		reduce_live(replaced.requested_bytes, replaced.usable_bytes);
		break;
	case BLOCKS_NO_MEMORY:
		atomic_store(&lost_blocks, true);
		return false;
	}
	return true;
}

static uint64_t *count_of(enum observed_kind kind)
{
	switch (kind) {
	case OBSERVED_MALLOC:
		return &account.counts.malloc_count;
	case OBSERVED_CALLOC:
		return &account.counts.calloc_count;
	default:
		return &account.counts.aligned_count;
	}
}

static size_t usable_bytes(void *block, size_t requested, bool of_allocator)
{
	return of_allocator && real.malloc_usable_size != NULL ? real.malloc_usable_size(block)
							       : requested;
}

void observe_new(enum observed_kind kind, void *block, size_t requested, size_t alignment,
		 bool of_allocator)
{
	size_t usable;

	(void)alignment;
	(*count_of(kind))++;
	if (block == NULL) {
		account.counts.failed_count += requested > 0;
		return;
	}
	usable = usable_bytes(block, requested, of_allocator);
	if (insert(block, requested, usable))
		change_live(requested, usable);
}

void observe_failed(enum observed_kind kind)
{
	(*count_of(kind))++;
	account.counts.failed_count++;
}

void observe_free(const void *block, bool counted)
{
	struct block removed;

	if (blocks_any() && blocks_remove(block, &removed))
		reduce_live(removed.requested_bytes, removed.usable_bytes);
	account.counts.free_count += counted;
}

void account_add_bytes(size_t bytes)
{
	change_live(bytes, bytes);
}

void account_remove_bytes(size_t bytes)
{
	reduce_live(bytes, bytes);
}

void observe_realloc_begin(struct observed_realloc *resize, void *block, size_t requested,
			   bool counted)
{
	struct block old;

	(void)requested;
	*resize = (struct observed_realloc){.block = block, .counted = counted};
	if (block == NULL)
		return;
	resize->known = blocks_any() && blocks_remove(block, &old);
	if (resize->known) {
		resize->requested = old.requested_bytes;
		resize->usable = old.usable_bytes;
	} else if (counted && real.malloc_usable_size != NULL) {
		resize->requested = real.malloc_usable_size(block);
	}
	account.remapped_start = 0;
	account.remapped_end = 0;
}

/* The live bytes with both blocks are those before the change, and the new one's. Which reallocs
 * copy is known only when they have ended, so that of several threads each sees its own. */
static void note_moved(const struct observed_realloc *resize, const void *result, size_t requested)
{
	struct trace_counts *counts = &account.counts;
	const size_t bytes = requested < resize->requested ? requested : resize->requested;
	const uintptr_t address = (uintptr_t)result;
	size_t reused;

	counts->realloc_moved_count++;
	counts->realloc_moved_bytes += bytes;
	if (address >= account.remapped_start && address < account.remapped_end) {
		counts->realloc_remapped_count++;
		counts->realloc_remapped_bytes += bytes;
		return;
	}
	raise_to(&live_bytes.window_moving,
		 atomic_load_explicit(&live_bytes.requested, memory_order_relaxed) + requested);
	reused = left_moved((uintptr_t)resize->block, resize->requested, address, requested);
	counts->realloc_reused_count += reused > 0;
	counts->realloc_reused_bytes += reused;
}

static void count_realloc(const struct observed_realloc *resize, const void *result,
			  size_t requested)
{
	struct trace_counts *counts = &account.counts;

	counts->realloc_count++;
	if (result == NULL && requested > 0) {
		counts->realloc_failed_count++;
		counts->failed_count++;
	}
	if (result == NULL || resize->block == NULL)
		return;
	if (requested < resize->requested)
		counts->realloc_shrunk_count++;
	if (result == resize->block)
		counts->realloc_in_place_count++;
	else
		note_moved(resize, result, requested);
}

void observe_realloc_undo(const struct observed_realloc *resize)
{
	if (resize->known && !insert(resize->block, resize->requested, resize->usable))
		reduce_live(resize->requested, resize->usable);
}

void observe_realloc_end(const struct observed_realloc *resize, void *result, size_t requested)
{
	/* realloc(block, 0) may free the block, and return NULL. */
	const bool failed = result == NULL && requested > 0;
	const size_t old_requested = resize->known ? resize->requested : 0;
	const size_t old_usable = resize->known ? resize->usable : 0;

	if (resize->counted)
		count_realloc(resize, result, requested);
	if (failed) {
		observe_realloc_undo(resize);
	} else if (result != NULL && resize->counted) {
		const size_t usable = real.malloc_usable_size == NULL
					      ? requested
					      : real.malloc_usable_size(result);

		if (insert(result, requested, usable))
			change_live(requested - old_requested, usable - old_usable);
		else
			reduce_live(old_requested, old_usable);
	} else if (resize->known) {
		reduce_live(old_requested, old_usable);
	}
}

void account_live(struct trace_live *live)
{
	const size_t requested = atomic_load(&live_bytes.requested);
	/* Whoever raised it has done so before or after; nothing is lost in between. */
	const size_t window = atomic_exchange(&live_bytes.window, requested);
	const size_t moving = atomic_exchange(&live_bytes.window_moving, 0);

	raise_to(&live_bytes.peak_requested, window);
	raise_to(&live_bytes.peak_moving, moving > window ? moving : window);
	live->requested_bytes = requested;
	live->usable_bytes = atomic_load(&live_bytes.usable);
	live->peak_requested_bytes = atomic_load(&live_bytes.peak_requested);
	live->peak_moving_bytes = atomic_load(&live_bytes.peak_moving);
	live->peak_usable_bytes = atomic_load(&live_bytes.peak_usable);
	live->window_peak_bytes = moving > window ? moving : window;
}

bool account_lost_blocks(void)
{
	return atomic_load(&lost_blocks) || left_lost();
}
