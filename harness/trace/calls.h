/*
 * calls.h - what the interposed functions of C, of C++ and of allocators share.
 */
#ifndef GROWBENCH_HARNESS_TRACE_CALLS_H
#define GROWBENCH_HARNESS_TRACE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The library exports nothing else. */
#define EXPORTED __attribute__((visibility("default")))

/* A call that was to return a new block has returned this one, or NULL: counts it in *count, takes
 * the block into account. of_allocator: malloc_usable_size may be asked about it. */
void calls_count_new(uint64_t *count, void *block, size_t requested, bool of_allocator);

/* The same of a block of the allocator's, if the call is counted, and ends the call that
 * account_enter() began. Returns the block. */
void *calls_end_new(bool counted, uint64_t *count, void *block, size_t requested);

#endif
