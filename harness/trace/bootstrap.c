#include "harness/trace/bootstrap.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define ARENA_BYTES ((size_t)256 << 10)

/* A block's size stands in the eight bytes before it. */
static alignas(max_align_t) unsigned char arena[ARENA_BYTES];
static _Atomic size_t used;

void *bootstrap_allocate(size_t bytes, size_t alignment)
{
	size_t before = atomic_load(&used);
	size_t start;

	if (alignment < alignof(max_align_t))
		alignment = alignof(max_align_t);
	do {
		const uintptr_t first = (uintptr_t)arena + before + sizeof bytes;

		if (before + sizeof bytes > ARENA_BYTES || alignment > ARENA_BYTES)
			return NULL;
		start = ((first + alignment - 1) & ~(uintptr_t)(alignment - 1)) - (uintptr_t)arena;
		if (start > ARENA_BYTES || bytes > ARENA_BYTES - start)
			return NULL;
	} while (!atomic_compare_exchange_weak(&used, &before, start + bytes));
	memcpy(arena + start - sizeof bytes, &bytes, sizeof bytes);
	return arena + start;
}

bool bootstrap_owns(const void *block)
{
	return (uintptr_t)block - (uintptr_t)arena < ARENA_BYTES;
}

size_t bootstrap_bytes(const void *block)
{
	size_t bytes;

	memcpy(&bytes, (const unsigned char *)block - sizeof bytes, sizeof bytes);
	return bytes;
}
