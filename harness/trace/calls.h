/*
 * calls.h - what the interposed functions (calls.c, operators.c, extensions.c) tell, and whom.
 *
 * The first two files are compiled into two libraries: the one that counts (account.h) and the one
 * that records (harness/record/recorder.h). OBSERVER names the header of the one that is told; it
 * has, inline where that is faster:
 *
 *     bool observe_enter(void);
 *             A call begins; it ends with observe_leave(). Is it to be told of?
 *     void observe_leave(void);
 *     void observe_new(enum observed_kind kind, void *block, size_t requested, size_t alignment,
 *                      bool of_allocator);
 *             A call that is told of was to make a block, and returned this one, or NULL.
 * alignment: of OBSERVED_ALIGNED. of_allocator: malloc_usable_size may be asked about it. void
 * observe_failed(enum observed_kind kind); It failed in another way: by a status, or an exception.
 *     void observe_free(void *block, bool told);
 *             Before the block is freed, by a call that is told of, or not.
 *     struct observed_realloc;
 *     void observe_realloc_begin(struct observed_realloc *resize, void *block, size_t requested,
 *                                bool told);
 *     void observe_realloc_end(const struct observed_realloc *resize, void *result,
 *                              size_t requested);
 *             Before and after a realloc. block may be NULL.
 *
 * None of these may call malloc, or change errno.
 */
#ifndef GROWBENCH_HARNESS_TRACE_CALLS_H
#define GROWBENCH_HARNESS_TRACE_CALLS_H

#include <stdbool.h>
#include <stddef.h>

/* The library exports nothing else. */
#define EXPORTED __attribute__((visibility("default")))

enum observed_kind {
	OBSERVED_MALLOC, /* operator new included */
	OBSERVED_CALLOC,
	OBSERVED_ALIGNED
};

/* Tells, if it is to be told, of a call that made this block of the allocator's, or NULL; ends what
 * observe_enter() began. Returns the block. */
void *calls_end_new(bool told, enum observed_kind kind, void *block, size_t requested);

#endif
