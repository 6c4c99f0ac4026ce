/*
 * recorder.h - is told of the calls (harness/trace/calls.h), and writes them down.
 *
 * A call is one atomic addition, which gives its place in the order of all threads, and 16 bytes
 * that are written there (raw_file.h). A realloc that moved, and a large block, take two places. A
 * free is written before the block goes, and what makes a block after it came: so no other thread
 * can have written the same address in between.
 *
 * All state lies in memory that a child of fork finds empty (MADV_WIPEONFORK), and the file is
 * mapped into memory that a child does not have: so it begins a file of its own with its next call,
 * whichever way it was made.
 */
#ifndef GROWBENCH_HARNESS_RECORD_RECORDER_H
#define GROWBENCH_HARNESS_RECORD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/record/touched.h"
#include "harness/trace/calls.h"

struct recorder_thread {
	unsigned depth;  /* calls that have begun and not ended */
	uint32_t number; /* from 1; 0: it has none yet */
};

extern _Thread_local struct recorder_thread recorder_thread
	__attribute__((tls_model("initial-exec")));

/* Of calls that are made by others, the allocator's own, nothing is told. */
static inline bool observe_enter(void)
{
	return recorder_thread.depth++ == 0;
}

static inline void observe_leave(void)
{
	recorder_thread.depth--;
}

void observe_new(enum observed_kind kind, void *block, size_t requested, size_t alignment,
		 bool of_allocator);
void observe_failed(enum observed_kind kind);
void observe_free(const void *block, bool told);

struct observed_realloc {
	void *block;
	bool told;
	uint64_t place; /* of its first event */
	uint32_t stack;
	struct touched_block large; /* what was known of it */
};

void observe_realloc_begin(struct observed_realloc *resize, void *block, size_t requested,
			   bool told);
void observe_realloc_end(const struct observed_realloc *resize, void *result, size_t requested);

#endif
