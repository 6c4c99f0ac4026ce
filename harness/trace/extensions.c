/*
 * The interposed functions that allocators have besides C's: jemalloc's (jemalloc(3), "Non-standard
 * API") and the plain ones of mimalloc (mimalloc.h). Each is counted as the function of C that does
 * the same: what grows or shrinks a block where it stands is a realloc in place, and nothing if it
 * could not.
 *
 * A program that asks whether a function is there finds ours in any case. In front of an allocator
 * without it, ours does what an allocator may that cannot: a block does not grow in place, and what
 * C has no function for is no memory. So a program gets along, and one that tries first and then
 * uses C's functions goes the way that it goes without the interposer.
 *
 * nallocx, sallocx, mi_good_size and mi_usable_size change nothing, and are left alone.
 */
#include <stdint.h>
#include <stdlib.h>

#include "harness/trace/account.h"
#include "harness/trace/bootstrap.h"
#include "harness/trace/calls.h"
#include "harness/trace/real.h"

/* Of the flags of jemalloc's functions: the logarithm of an alignment, and that a block is zeroed.
 */
#define FLAGS_ALIGNMENT 0x3f
#define FLAG_ZERO 0x40

void *mallocx(size_t bytes, int flags);
void *rallocx(void *block, size_t bytes, int flags);
size_t xallocx(void *block, size_t bytes, size_t extra, int flags);
void dallocx(void *block, int flags);
void sdallocx(void *block, size_t bytes, int flags);
void *mi_malloc(size_t bytes);
void *mi_calloc(size_t count, size_t bytes);
void *mi_zalloc(size_t bytes);
void *mi_realloc(void *block, size_t bytes);
void *mi_expand(void *block, size_t bytes);
void mi_free(void *block);

/* A call of the function of that name begins. Is it one to be counted? Not if another library than
 * the one that supplies malloc has it: its blocks are none of the allocator's. */
static bool enter(const char *name)
{
	const bool counting = account_enter();

	return counting && real_is_of_allocator(name);
}

/* The same of one that frees the block. */
static bool enter_free(const char *name, const void *block)
{
	const bool counted = enter(name);

	account_remove_block(block);
	return counted;
}

static void leave_free(bool counted)
{
	if (counted)
		account.counts.free_count++;
	account_leave();
}

EXPORTED void *mallocx(size_t bytes, int flags)
{
	uint64_t *count = &account.counts.malloc_count;
	bool counted;

	if (!real_ready() || real.mallocx == NULL)
		return flags == 0 ? malloc(bytes) : NULL;
	if ((flags & FLAGS_ALIGNMENT) != 0)
		count = &account.counts.aligned_count;
	else if ((flags & FLAG_ZERO) != 0)
		count = &account.counts.calloc_count;
	counted = enter("mallocx");
	return calls_end_new(counted, count, real.mallocx(bytes, flags), bytes);
}

EXPORTED void *rallocx(void *block, size_t bytes, int flags)
{
	struct account_realloc resize;
	void *result;

	if (bootstrap_owns(block) || !real_ready() || real.rallocx == NULL)
		return flags == 0 ? realloc(block, bytes) : NULL;
	account_realloc_begin(&resize, block, enter("rallocx"));
	result = real.rallocx(block, bytes, flags);
	account_realloc_end(&resize, result, bytes);
	account_leave();
	return result;
}

/* What is requested is what was granted of `bytes` and `extra`. */
EXPORTED size_t xallocx(void *block, size_t bytes, size_t extra, int flags)
{
	struct account_realloc resize;
	size_t held;

	if (bootstrap_owns(block) || !real_ready() || real.xallocx == NULL)
		return 0;
	account_realloc_begin(&resize, block, enter("xallocx"));
	held = real.xallocx(block, bytes, extra, flags);
	if (held < bytes)
		account_realloc_undo(&resize);
	else
		account_realloc_end(&resize, block, held - bytes < extra ? held : bytes + extra);
	account_leave();
	return held;
}

EXPORTED void dallocx(void *block, int flags)
{
	bool counted;

	if (bootstrap_owns(block) || !real_ready() || real.dallocx == NULL) {
		free(block);
		return;
	}
	counted = enter_free("dallocx", block);
	real.dallocx(block, flags);
	leave_free(counted);
}

EXPORTED void sdallocx(void *block, size_t bytes, int flags)
{
	bool counted;

	if (bootstrap_owns(block) || !real_ready() || real.sdallocx == NULL) {
		free(block);
		return;
	}
	counted = enter_free("sdallocx", block);
	real.sdallocx(block, bytes, flags);
	leave_free(counted);
}

EXPORTED void *mi_malloc(size_t bytes)
{
	bool counted;

	if (!real_ready() || real.mi_malloc == NULL)
		return malloc(bytes);
	counted = enter("mi_malloc");
	return calls_end_new(counted, &account.counts.malloc_count, real.mi_malloc(bytes), bytes);
}

EXPORTED void *mi_calloc(size_t count, size_t bytes)
{
	size_t all;
	bool counted;

	if (!real_ready() || real.mi_calloc == NULL)
		return calloc(count, bytes);
	if (__builtin_mul_overflow(count, bytes, &all))
		all = SIZE_MAX;
	counted = enter("mi_calloc");
	return calls_end_new(counted, &account.counts.calloc_count, real.mi_calloc(count, bytes),
			     all);
}

EXPORTED void *mi_zalloc(size_t bytes)
{
	bool counted;

	if (!real_ready() || real.mi_zalloc == NULL)
		return calloc(1, bytes);
	counted = enter("mi_zalloc");
	return calls_end_new(counted, &account.counts.calloc_count, real.mi_zalloc(bytes), bytes);
}

EXPORTED void *mi_realloc(void *block, size_t bytes)
{
	struct account_realloc resize;
	void *result;

	if (bootstrap_owns(block) || !real_ready() || real.mi_realloc == NULL)
		return realloc(block, bytes);
	account_realloc_begin(&resize, block, enter("mi_realloc"));
	result = real.mi_realloc(block, bytes);
	account_realloc_end(&resize, result, bytes);
	account_leave();
	return result;
}

EXPORTED void *mi_expand(void *block, size_t bytes)
{
	struct account_realloc resize;
	void *result;

	if (block == NULL || bootstrap_owns(block) || !real_ready() || real.mi_expand == NULL)
		return NULL;
	account_realloc_begin(&resize, block, enter("mi_expand"));
	result = real.mi_expand(block, bytes);
	if (result == NULL)
		account_realloc_undo(&resize);
	else
		account_realloc_end(&resize, result, bytes);
	account_leave();
	return result;
}

EXPORTED void mi_free(void *block)
{
	bool counted;

	if (block == NULL || bootstrap_owns(block) || !real_ready() || real.mi_free == NULL) {
		free(block);
		return;
	}
	counted = enter_free("mi_free", block);
	real.mi_free(block);
	leave_free(counted);
}
