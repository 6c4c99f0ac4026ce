/*
 * bootstrap.h - memory for those who call malloc before it is known where the real one is.
 *
 * Looking up the real functions may itself call malloc, and so may the constructor of the allocator
 * behind us. What they get comes from a fixed arena, is never reused, and has to be recognised when
 * it comes back, as no allocator would know it.
 */
#ifndef GROWBENCH_HARNESS_TRACE_BOOTSTRAP_H
#define GROWBENCH_HARNESS_TRACE_BOOTSTRAP_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory at a multiple of `alignment` (a power of two), or NULL if the arena is used up. */
void *bootstrap_allocate(size_t bytes, size_t alignment);

bool bootstrap_owns(const void *block);

/* As requested; of a block that it owns. */
size_t bootstrap_bytes(const void *block);

#endif
