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
	const bool counting = observe_enter();

	return counting && real_is_of_allocator(name);
}

/* The same of one that frees the block. */
static void enter_free(const char *name, const void *block)
{
	const bool counted = enter(name);

	observe_free(block, counted);
}

EXPORTED void *mallocx(size_t bytes, int flags)
{
	enum observed_kind kind = OBSERVED_MALLOC;
	bool counted;

	if (!real_ready() || real.mallocx == NULL)
		return flags == 0 ? malloc(bytes) : NULL;
	if ((flags & FLAGS_ALIGNMENT) != 0)
		kind = OBSERVED_ALIGNED;
	else if ((flags & FLAG_ZERO) != 0)
		kind = OBSERVED_CALLOC;
	counted = enter("mallocx");
	return calls_end_new(counted, kind, real.mallocx(bytes, flags), bytes);
}

EXPORTED void *rallocx(void *block, size_t bytes, int flags)
{
	struct observed_realloc resize;
	void *result;

	if (bootstrap_owns(block) || !real_ready() || real.rallocx == NULL)
		return flags == 0 ? realloc(block, bytes) : NULL;
	observe_realloc_begin(&resize, block, bytes, enter("rallocx"));
	result = real.rallocx(block, bytes, flags);
	observe_realloc_end(&resize, result, bytes);
	observe_leave();
	return result;
}

/* What is requested is what was granted of `bytes` and `extra`. */
EXPORTED size_t xallocx(void *block, size_t bytes, size_t extra, int flags)
{
	struct observed_realloc resize;
	size_t held;

	if (bootstrap_owns(block) || !real_ready() || real.xallocx == NULL)
		return 0;
	observe_realloc_begin(&resize, block, bytes, enter("xallocx"));
	held = real.xallocx(block, bytes, extra, flags);
	if (held < bytes)
		observe_realloc_undo(&resize);
	else
		observe_realloc_end(&resize, block, held - bytes < extra ? held : bytes + extra);
	observe_leave();
	return held;
}

EXPORTED void dallocx(void *block, int flags)
{
	if (bootstrap_owns(block) || !real_ready() || real.dallocx == NULL) {
		free(block);
		return;
	}
	enter_free("dallocx", block);
	real.dallocx(block, flags);
	observe_leave();
}

EXPORTED void sdallocx(void *block, size_t bytes, int flags)
{
	if (bootstrap_owns(block) || !real_ready() || real.sdallocx == NULL) {
		free(block);
		return;
	}
	enter_free("sdallocx", block);
	real.sdallocx(block, bytes, flags);
	observe_leave();
}

EXPORTED void *mi_malloc(size_t bytes)
{
	bool counted;

	if (!real_ready() || real.mi_malloc == NULL)
		return malloc(bytes);
	counted = enter("mi_malloc");
	return calls_end_new(counted, OBSERVED_MALLOC, real.mi_malloc(bytes), bytes);
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
	return calls_end_new(counted, OBSERVED_CALLOC, real.mi_calloc(count, bytes), all);
}

EXPORTED void *mi_zalloc(size_t bytes)
{
	bool counted;

	if (!real_ready() || real.mi_zalloc == NULL)
		return calloc(1, bytes);
	counted = enter("mi_zalloc");
	return calls_end_new(counted, OBSERVED_CALLOC, real.mi_zalloc(bytes), bytes);
}

EXPORTED void *mi_realloc(void *block, size_t bytes)
{
	struct observed_realloc resize;
	void *result;

	if (bootstrap_owns(block) || !real_ready() || real.mi_realloc == NULL)
		return realloc(block, bytes);
	observe_realloc_begin(&resize, block, bytes, enter("mi_realloc"));
	result = real.mi_realloc(block, bytes);
	observe_realloc_end(&resize, result, bytes);
	observe_leave();
	return result;
}

EXPORTED void *mi_expand(void *block, size_t bytes)
{
	struct observed_realloc resize;
	void *result;

	if (block == NULL || bootstrap_owns(block) || !real_ready() || real.mi_expand == NULL)
		return NULL;
	observe_realloc_begin(&resize, block, bytes, enter("mi_expand"));
	result = real.mi_expand(block, bytes);
	if (result == NULL)
		observe_realloc_undo(&resize);
	else
		observe_realloc_end(&resize, result, bytes);
	observe_leave();
	return result;
}

EXPORTED void mi_free(void *block)
{
	if (block == NULL || bootstrap_owns(block) || !real_ready() || real.mi_free == NULL) {
		free(block);
		return;
	}
	enter_free("mi_free", block);
	real.mi_free(block);
	observe_leave();
}
