/*
 * lock.h - a spin lock: a lock of the C library's might allocate, and is a system call if taken.
 *
 * Held for a few dozen instructions at most, and never while a function of the allocator runs.
 */
#ifndef GROWBENCH_HARNESS_TRACE_LOCK_H
#define GROWBENCH_HARNESS_TRACE_LOCK_H

#include <stdatomic.h>

#include "harness/trace/raw.h"

struct lock {
	atomic_bool taken;
};

static inline void lock_take(struct lock *lock)
{
	unsigned tries = 0;

	while (atomic_exchange_explicit(&lock->taken, true, memory_order_acquire))
		while (atomic_load_explicit(&lock->taken, memory_order_relaxed))
			if (++tries % 128 == 0)
				raw_yield(); /* its owner may wait for this CPU */
}

static inline void lock_release(struct lock *lock)
{
	atomic_store_explicit(&lock->taken, false, memory_order_release);
}

#endif
