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

#include "harness/profile/profile.h"
#include "harness/record/recording.h"
#include "harness/record/touched.h"
#include "harness/trace/calls.h"

/* The calling thread's, in this file. */
static inline uint32_t recorder_number(struct recording *of)
{
	const uint32_t number = recording_thread.number;

	return __builtin_expect(number != 0, 1) ? number : recording_new_thread(of);
}

/* Of calls that are made by others, the allocator's own, nothing is told. */
static inline bool observe_enter(void)
{
	return recording_thread.depth++ == 0;
}

static inline void observe_leave(void)
{
	recording_thread.depth--;
}

/* Rounded up, as allocators do. */
static inline unsigned recorder_log2(size_t alignment)
{
	return alignment <= 1 ? 0 : 64U - (unsigned)__builtin_clzll(alignment - 1);
}

/* What makes a block that is large, or whose stack is wanted. */
void recorder_put_more(struct recording *of, enum raw_kind kind, const void *block, size_t bytes,
		       unsigned alignment_log2);

/* A call that was to make a block. */
static inline void recorder_put_new(enum raw_kind kind, const void *block, size_t bytes,
				    unsigned alignment_log2)
{
	struct recording *of = recording_current();
	uint32_t thread;

	if (of == NULL || (block == NULL && bytes == 0))
		return;
	if (bytes >= PROFILE_TOUCH_BYTES || recording_has_stacks(of)) {
		recorder_put_more(of, kind, block, bytes, alignment_log2);
		return;
	}
	thread = recorder_number(of);
	recording_put(of, recording_claim(of, 1),
		      raw_first(block == NULL ? RAW_FAILED : kind, thread, (uintptr_t)block),
		      raw_second(thread, bytes, alignment_log2));
}

static inline void observe_new(enum observed_kind kind, const void *block, size_t requested,
			       size_t alignment, bool of_allocator)
{
	(void)of_allocator;
	recorder_put_new(kind == OBSERVED_MALLOC   ? RAW_MALLOC
			 : kind == OBSERVED_CALLOC ? RAW_CALLOC
						   : RAW_ALIGNED,
			 block, requested, recorder_log2(alignment));
}

static inline void observe_failed(enum observed_kind kind)
{
	(void)kind;
	recorder_put_new(RAW_FAILED, NULL, 1, 0);
}

static inline void observe_free(const void *block, bool told)
{
	struct recording *of = told ? recording_current() : NULL;
	uint32_t thread;

	if (of == NULL)
		return;
	if (touched_maybe(block))
		(void)touched_take(of, block, false);
	thread = recorder_number(of);
	recording_put(of, recording_claim(of, 1), raw_first(RAW_FREE, thread, (uintptr_t)block),
		      raw_second(thread, 0, 0));
}

struct observed_realloc {
	void *block;
	struct recording *of; /* NULL: nothing is told */
	uint64_t place;       /* of its first event */
	uint32_t stack;
	struct touched_block large; /* what was known of it */
};

void observe_realloc_begin(struct observed_realloc *resize, void *block, size_t requested,
			   bool told);
void observe_realloc_end(const struct observed_realloc *resize, void *result, size_t requested);

#endif
