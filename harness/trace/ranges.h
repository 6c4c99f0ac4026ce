/*
 * ranges.h - a set of addresses, as ranges that neither overlap nor touch.
 *
 * Nothing is locked. Memory comes from the kernel.
 * All functions take ranges from `start` to before `end`, start <= end.
 */
#ifndef GROWBENCH_HARNESS_TRACE_RANGES_H
#define GROWBENCH_HARNESS_TRACE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	uintptr_t start;
	uintptr_t end;
};

/* Zeroed, it is empty. */
struct ranges {
	struct range *items; /* in ascending order */
	size_t count;
	size_t capacity;
	/* Something was not added or removed for want of memory, since the set was last cleared. */
	bool incomplete;
};

void ranges_clear(struct ranges *ranges);

/* Add and remove return how many bytes that has added or removed: none without memory. */
size_t ranges_add(struct ranges *ranges, uintptr_t start, uintptr_t end);
size_t ranges_remove(struct ranges *ranges, uintptr_t start, uintptr_t end);

/* Are they all in the set? */
bool ranges_contain(const struct ranges *ranges, uintptr_t start, uintptr_t end);

#endif
