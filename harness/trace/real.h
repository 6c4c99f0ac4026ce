/*
 * real.h - the functions behind ours: the next definitions in the order of the dynamic linker.
 */
#ifndef GROWBENCH_HARNESS_TRACE_REAL_H
#define GROWBENCH_HARNESS_TRACE_REAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct real {
	void *(*malloc)(size_t bytes);
	void *(*calloc)(size_t count, size_t bytes);
	void *(*realloc)(void *block, size_t bytes);
	void *(*reallocarray)(void *block, size_t count, size_t bytes);
	void (*free)(void *block);
	void *(*aligned_alloc)(size_t alignment, size_t bytes);
	int (*posix_memalign)(void **block, size_t alignment, size_t bytes);
	void *(*memalign)(size_t alignment, size_t bytes);
	void *(*valloc)(size_t bytes);
	void *(*pvalloc)(size_t bytes);
	size_t (*malloc_usable_size)(void *block);
	/* Of jemalloc's, and of mimalloc's (extensions.c). */
	void *(*mallocx)(size_t bytes, int flags);
	void *(*rallocx)(void *block, size_t bytes, int flags);
	size_t (*xallocx)(void *block, size_t bytes, size_t extra, int flags);
	void (*dallocx)(void *block, int flags);
	void (*sdallocx)(void *block, size_t bytes, int flags);
	void *(*mi_malloc)(size_t bytes);
	void *(*mi_calloc)(size_t count, size_t bytes);
	void *(*mi_zalloc)(size_t bytes);
	void *(*mi_realloc)(void *block, size_t bytes);
	void *(*mi_expand)(void *block, size_t bytes);
	void (*mi_free)(void *block);
};

/* All are there once real_ready() was true, but for those that the system does not have, which are
 * NULL; malloc, calloc, realloc and free always are. */
extern struct real real;
extern atomic_bool real_found;

/* Looks for them. False if this thread is doing that already (dlsym has called malloc). */
bool real_find(void);

static inline bool real_ready(void)
{
	return atomic_load_explicit(&real_found, memory_order_acquire) || real_find();
}

/* The one of that name, or NULL. */
void *real_function(const char *name);

/* Is the member of `real` supplied by the object that supplies malloc? An allocator may lack one,
 * and the C library's, which knows nothing of the allocator, is found then. */
bool real_is_of_allocator(const char *name);

#endif
