/*
 * left.h - where blocks were that a realloc has left by copying them: does a later one come to lie
 * there?
 *
 * May be called by any thread at any time, but for left_forget.
 */
#ifndef GROWBENCH_HARNESS_TRACE_LEFT_H
#define GROWBENCH_HARNESS_TRACE_LEFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Forgets all of it, and makes room, so that the first moves take no new memory. */
void left_forget(void);

/* A block was copied from the range of old_bytes to that of new_bytes, which were both live. How
 * many bytes of the new one lie where such blocks were before? These are in use again. */
size_t left_moved(uintptr_t old, size_t old_bytes, uintptr_t new, size_t new_bytes);

/* Was there no memory to remember a place, since it was last forgotten? */
bool left_lost(void);

#endif
