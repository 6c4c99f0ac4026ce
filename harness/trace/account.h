/*
 * account.h - what is counted: a thread's calls, and the bytes that are live in all threads.
 */
#ifndef GROWBENCH_HARNESS_TRACE_ACCOUNT_H
#define GROWBENCH_HARNESS_TRACE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/trace/calls.h"
#include "harness/trace/trace.h"

/* Values of `selector`; those that the kernel knows (SYSCALL_DISPATCH_FILTER_...). */
#define ACCOUNT_SYSTEM_CALLS_PASS 0
#define ACCOUNT_SYSTEM_CALLS_SEEN 1

/* The calling thread's. In memory that is there before the thread runs: access never allocates. */
struct thread_account {
	/* Calls of interposed functions that have begun and not ended. */
	unsigned depth;
	/* Between start and stop, and not paused. */
	bool counting;
	/* Are system calls to be seen? The kernel may look at it before each (ways.h). */
	volatile unsigned char selector;
	/* Where mremap has put pages since the outermost call began; 0, 0: nowhere. */
	uintptr_t remapped_start;
	uintptr_t remapped_end;
	struct trace_counts counts;
};

extern _Thread_local struct thread_account account __attribute__((tls_model("initial-exec")));

/* ---- what the interposed functions tell: calls.h ---- */

/* It is told of a call whose thread counts, and that was not made by another interposed function.
 */
static inline bool observe_enter(void)
{
	return account.depth++ == 0 && account.counting;
}

static inline void observe_leave(void)
{
	account.depth--;
	/* It may have been lifted for a system call that cannot be made in a signal handler. */
	if (account.depth == 0 && account.counting)
		account.selector = ACCOUNT_SYSTEM_CALLS_SEEN;
}

void observe_new(enum observed_kind kind, void *block, size_t requested, size_t alignment,
		 bool of_allocator);
void observe_failed(enum observed_kind kind);
void observe_free(const void *block, bool counted);

struct observed_realloc {
	void *block;
	bool known; /* was in the account */
	bool counted;
	size_t requested; /* of the old block; if it is not known, what it could hold */
	size_t usable;
};

void observe_realloc_begin(struct observed_realloc *resize, void *block, size_t requested,
			   bool counted);
void observe_realloc_end(const struct observed_realloc *resize, void *result, size_t requested);
/* Instead of the end, where the block stays as it was: nothing is counted. */
void observe_realloc_undo(const struct observed_realloc *resize);

/* ---- what is live ---- */

/* Forgets what is live, and all peaks, and makes room as blocks_reset does. */
bool account_reset(size_t blocks);

/* Bytes that are not in a block have come, or gone. */
void account_add_bytes(size_t bytes);
void account_remove_bytes(size_t bytes);

void account_live(struct trace_live *live);

/* Were there blocks, or places of blocks, that there was no memory to remember, since the last
 * reset?
 */
bool account_lost_blocks(void);

#endif
