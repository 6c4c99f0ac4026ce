/*
 * The interposed functions of C. Each passes its call on to the real one, and tells of it if it is
 * one to be told of (calls.h). None changes errno.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/trace/bootstrap.h"
#include "harness/trace/calls.h"
#include "harness/trace/real.h"

#include OBSERVER

void *calls_end_new(bool told, enum observed_kind kind, void *block, size_t requested)
{
	if (told)
		observe_new(kind, block, requested, 0, true);
	observe_leave();
	return block;
}

/* The same of the aligned family, of which the allocator may lack the function of that name. */
static void *end_aligned(bool told, const char *name, void *block, size_t requested,
			 size_t alignment)
{
	if (told)
		observe_new(OBSERVED_ALIGNED, block, requested, alignment,
			    real_is_of_allocator(name));
	observe_leave();
	return block;
}

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The headers' parameters are called __size and the like. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

EXPORTED void *malloc(size_t bytes)
{
	bool told;

	if (!real_ready())
		return bootstrap_allocate(bytes, 1);
	told = observe_enter();
	return calls_end_new(told, OBSERVED_MALLOC, real.malloc(bytes), bytes);
}

EXPORTED void *calloc(size_t count, size_t bytes)
{
	size_t all;
	bool told;

	/* Where it overflows, the real one fails. */
	if (__builtin_mul_overflow(count, bytes, &all))
		all = SIZE_MAX;
	if (!real_ready())
		return bootstrap_allocate(all, 1);
	told = observe_enter();
	return calls_end_new(told, OBSERVED_CALLOC, real.calloc(count, bytes), all);
}

EXPORTED void free(void *block)
{
	bool told;

	if (block == NULL || bootstrap_owns(block) || !real_ready())
		return;
	told = observe_enter();
	observe_free(block, told);
	real.free(block);
	observe_leave();
}

/* Not in the C library's headers any more. */
void cfree(void *block);

EXPORTED void cfree(void *block)
{
	free(block);
}

/* C23, glibc 2.43: to the program the same as free, and passed on as free, whatever the allocator
 * has of them. GLib frees so where the C library offers it. */
void free_sized(void *block, size_t bytes);
void free_aligned_sized(void *block, size_t alignment, size_t bytes);

EXPORTED void free_sized(void *block, size_t bytes)
{
	(void)bytes;
	free(block);
}

EXPORTED void free_aligned_sized(void *block, size_t alignment, size_t bytes)
{
	(void)alignment;
	(void)bytes;
	free(block);
}

/* Out of the arena, which has no way to grow a block, nor to free it. */
static void *leave_bootstrap(void *block, size_t bytes)
{
	const size_t old_bytes = bootstrap_bytes(block);
	void *moved = malloc(bytes);

	if (moved != NULL)
		memcpy(moved, block, old_bytes < bytes ? old_bytes : bytes);
	return moved;
}

EXPORTED void *realloc(void *block, size_t bytes)
{
	struct observed_realloc resize;
	void *result;

	if (bootstrap_owns(block) || !real_ready())
		return block == NULL ? bootstrap_allocate(bytes, 1) : leave_bootstrap(block, bytes);
	observe_realloc_begin(&resize, block, bytes, observe_enter());
	result = real.realloc(block, bytes);
	observe_realloc_end(&resize, result, bytes);
	observe_leave();
	return result;
}

EXPORTED void *reallocarray(void *block, size_t count, size_t bytes)
{
	struct observed_realloc resize;
	size_t all;
	void *result;

	if (__builtin_mul_overflow(count, bytes, &all))
		all = SIZE_MAX;
	if (bootstrap_owns(block) || !real_ready() || real.reallocarray == NULL)
		return realloc(block, all);
	observe_realloc_begin(&resize, block, all, observe_enter());
	result = real.reallocarray(block, count, bytes);
	observe_realloc_end(&resize, result, all);
	observe_leave();
	return result;
}

EXPORTED void *aligned_alloc(size_t alignment, size_t bytes)
{
	bool told;

	if (!real_ready())
		return bootstrap_allocate(bytes, alignment);
	told = observe_enter();
	return end_aligned(told, "aligned_alloc", real.aligned_alloc(alignment, bytes), bytes,
			   alignment);
}

EXPORTED void *memalign(size_t alignment, size_t bytes)
{
	bool told;

	if (!real_ready())
		return bootstrap_allocate(bytes, alignment);
	told = observe_enter();
	return end_aligned(told, "memalign", real.memalign(alignment, bytes), bytes, alignment);
}

EXPORTED int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	int status;
	bool told;

	if (!real_ready()) {
		*block = bootstrap_allocate(bytes, alignment);
		return *block == NULL ? ENOMEM : 0;
	}
	told = observe_enter();
	status = real.posix_memalign(block, alignment, bytes);
	if (told && status != 0)
		observe_failed(OBSERVED_ALIGNED);
	else if (told)
		observe_new(OBSERVED_ALIGNED, *block, bytes, alignment,
			    real_is_of_allocator("posix_memalign"));
	observe_leave();
	return status;
}

EXPORTED void *valloc(size_t bytes)
{
	bool told;

	if (!real_ready())
		return bootstrap_allocate(bytes, page_bytes());
	told = observe_enter();
	return end_aligned(told, "valloc", real.valloc(bytes), bytes, page_bytes());
}

EXPORTED void *pvalloc(size_t bytes)
{
	bool told;

	if (!real_ready())
		return bootstrap_allocate(bytes, page_bytes());
	told = observe_enter();
	return end_aligned(told, "pvalloc", real.pvalloc(bytes), bytes, page_bytes());
}

EXPORTED size_t malloc_usable_size(void *block)
{
	size_t bytes;

	if (block == NULL || !real_ready())
		return 0;
	if (bootstrap_owns(block))
		return bootstrap_bytes(block);
	if (real.malloc_usable_size == NULL)
		return 0;
	(void)observe_enter();
	bytes = real.malloc_usable_size(block);
	observe_leave();
	return bytes;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
