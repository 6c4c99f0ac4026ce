/*
 * memory.h - an array from the kernel that grows: zeroed, and without malloc.
 */
#ifndef GROWBENCH_HARNESS_PROFILE_MEMORY_H
#define GROWBENCH_HARNESS_PROFILE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct memory {
	void *start;
	size_t bytes;
};

/* Makes room for `bytes` at least; false, and all as it was, if there is none. What it holds stays,
 * maybe elsewhere. */
bool memory_reserve(struct memory *memory, size_t bytes);

void memory_release(struct memory *memory);

#endif
