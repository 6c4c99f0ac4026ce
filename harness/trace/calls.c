/*
 * The interposed functions of C. Each passes its call on to the real one, and counts it if it is
 * one to be counted. None changes errno.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/trace/account.h"
#include "harness/trace/bootstrap.h"
#include "harness/trace/calls.h"
#include "harness/trace/real.h"

static size_t usable_bytes(void *block, size_t requested, bool of_allocator)
{
	return of_allocator && real.malloc_usable_size != NULL ? real.malloc_usable_size(block)
							       : requested;
}

void calls_count_new(uint64_t *count, void *block, size_t requested, bool of_allocator)
{
	(*count)++;
	if (block != NULL)
		account_add_block(block, requested, usable_bytes(block, requested, of_allocator));
	else if (requested > 0)
		account.counts.failed_count++;
}

void *calls_end_new(bool counted, uint64_t *count, void *block, size_t requested)
{
	if (counted)
		calls_count_new(count, block, requested, true);
	account_leave();
	return block;
}

/* The same of the aligned family, of which the allocator may lack the function of that name. */
static void *end_aligned(bool counted, const char *name, void *block, size_t requested)
{
	if (counted)
		calls_count_new(&account.counts.aligned_count, block, requested,
				real_is_of_allocator(name));
	account_leave();
	return block;
}

/* The headers' parameters are called __size and the like. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

EXPORTED void *malloc(size_t bytes)
{
	bool counted;

	if (!real_ready())
		return bootstrap_allocate(bytes, 1);
	counted = account_enter();
	return calls_end_new(counted, &account.counts.malloc_count, real.malloc(bytes), bytes);
}

EXPORTED void *calloc(size_t count, size_t bytes)
{
	size_t all;
	bool counted;

	/* Where it overflows, the real one fails. */
	if (__builtin_mul_overflow(count, bytes, &all))
		all = SIZE_MAX;
	if (!real_ready())
		return bootstrap_allocate(all, 1);
	counted = account_enter();
	return calls_end_new(counted, &account.counts.calloc_count, real.calloc(count, bytes), all);
}

EXPORTED void free(void *block)
{
	bool counted;

	if (block == NULL || bootstrap_owns(block) || !real_ready())
		return;
	counted = account_enter();
	account_remove_block(block);
	real.free(block);
	if (counted)
		account.counts.free_count++;
	account_leave();
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
	struct account_realloc resize;
	void *result;

	if (bootstrap_owns(block) || !real_ready())
		return block == NULL ? bootstrap_allocate(bytes, 1) : leave_bootstrap(block, bytes);
	account_realloc_begin(&resize, block, account_enter());
	result = real.realloc(block, bytes);
	account_realloc_end(&resize, result, bytes);
	account_leave();
	return result;
}

EXPORTED void *reallocarray(void *block, size_t count, size_t bytes)
{
	struct account_realloc resize;
	size_t all;
	void *result;

	if (__builtin_mul_overflow(count, bytes, &all))
		all = SIZE_MAX;
	if (bootstrap_owns(block) || !real_ready() || real.reallocarray == NULL)
		return realloc(block, all);
	account_realloc_begin(&resize, block, account_enter());
	result = real.reallocarray(block, count, bytes);
	account_realloc_end(&resize, result, all);
	account_leave();
	return result;
}

EXPORTED void *aligned_alloc(size_t alignment, size_t bytes)
{
	bool counted;

	if (!real_ready())
		return bootstrap_allocate(bytes, alignment);
	counted = account_enter();
	return end_aligned(counted, "aligned_alloc", real.aligned_alloc(alignment, bytes), bytes);
}

EXPORTED void *memalign(size_t alignment, size_t bytes)
{
	bool counted;

	if (!real_ready())
		return bootstrap_allocate(bytes, alignment);
	counted = account_enter();
	return end_aligned(counted, "memalign", real.memalign(alignment, bytes), bytes);
}

EXPORTED int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	int status;
	bool counted;

	if (!real_ready()) {
		*block = bootstrap_allocate(bytes, alignment);
		return *block == NULL ? ENOMEM : 0;
	}
	counted = account_enter();
	status = real.posix_memalign(block, alignment, bytes);
	if (counted && status != 0) {
		account.counts.aligned_count++;
		account.counts.failed_count++;
	} else if (counted) {
		calls_count_new(&account.counts.aligned_count, *block, bytes,
				real_is_of_allocator("posix_memalign"));
	}
	account_leave();
	return status;
}

EXPORTED void *valloc(size_t bytes)
{
	bool counted;

	if (!real_ready())
		return bootstrap_allocate(bytes, (size_t)sysconf(_SC_PAGESIZE));
	counted = account_enter();
	return end_aligned(counted, "valloc", real.valloc(bytes), bytes);
}

EXPORTED void *pvalloc(size_t bytes)
{
	bool counted;

	if (!real_ready())
		return bootstrap_allocate(bytes, (size_t)sysconf(_SC_PAGESIZE));
	counted = account_enter();
	return end_aligned(counted, "pvalloc", real.pvalloc(bytes), bytes);
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
	(void)account_enter();
	bytes = real.malloc_usable_size(block);
	account_leave();
	return bytes;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
