/*
 * recording.h - the file of this process: places for events, one after the other.
 *
 * It is begun with the first call of a process, or of a child that fork made; if the environment
 * names no folder, or no file can be had, nothing is recorded, and the program does not notice.
 */
#ifndef GROWBENCH_HARNESS_RECORD_RECORDING_H
#define GROWBENCH_HARNESS_RECORD_RECORDING_H

#include <stdalign.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/record/raw_file.h"
#include "harness/trace/lock.h"

/*
 * The file is mapped in windows: the first of RECORDING_LEAST events, each of the following twice
 * as large up to RECORDING_DOUBLINGS times, so that a process of few calls takes little of the
 * disk.
 */
#define RECORDING_LEAST ((uint64_t)4096)
#define RECORDING_DOUBLINGS 7
#define RECORDING_MOST (RECORDING_LEAST << RECORDING_DOUBLINGS)
/* The events of all windows that double. */
#define RECORDING_DOUBLED (RECORDING_LEAST * ((1 << (RECORDING_DOUBLINGS + 1)) - 1))

enum {
	RECORDING_WINDOWS = 65536
};

enum recording_phase {
	RECORDING_NONE, /* not begun; after fork, too */
	RECORDING_BEGINNING,
	RECORDING_ON,
	RECORDING_OFF
};

/* In memory that a child of fork finds empty. */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): places have cache lines of their own
struct recording {
	_Atomic uint32_t phase;
	_Atomic uint32_t thread_count;
	int32_t pid;
	uint32_t flags;
	struct lock map_lock;
	struct raw_header *header;
	struct raw_settings *settings;
	char path[PATH_MAX + 64];
	/* Alone in its cache line. */
	alignas(128) _Atomic uint64_t next;
	/* The windows that are mapped. They stay so, as a thread may be about to write into any. */
	alignas(128) _Atomic(struct raw_event *) windows[RECORDING_WINDOWS];
};

struct recording_thread {
	unsigned depth;  /* calls that have begun and not ended */
	uint32_t number; /* from 1; 0: it has none yet */
};

extern _Thread_local struct recording_thread recording_thread
	__attribute__((tls_model("initial-exec")));

/* NULL: nothing was begun in this process or in its parents. */
extern _Atomic(struct recording *) recording;

/* Begins, unless there is nothing to begin: NULL then. */
struct recording *recording_begin(void);

/* The one of this process, which is begun if that was not done yet; NULL if it is not recorded. */
static inline struct recording *recording_current(void)
{
	struct recording *of = atomic_load_explicit(&recording, memory_order_acquire);

	if (__builtin_expect(of != NULL && atomic_load_explicit(&of->phase, memory_order_acquire) ==
						   RECORDING_ON,
			     1))
		return of;
	return recording_begin();
}

/* Are stacks to be recorded? */
static inline bool recording_has_stacks(const struct recording *of)
{
	return (of->flags & RAW_STACKS) != 0;
}

/* The first of the next `count` places, which are neighbours. */
static inline uint64_t recording_claim(struct recording *of, unsigned count)
{
	return atomic_fetch_add_explicit(&of->next, count, memory_order_relaxed);
}

/* The calling thread's number in this file. */
uint32_t recording_new_thread(struct recording *of);

/* Where the event of a place is; NULL if it is lost, which is counted. */
struct raw_event *recording_find(struct recording *of, uint64_t place);

/* Writes an event into its place. */
static inline void recording_put(struct recording *of, uint64_t place, uint64_t first,
				 uint64_t second)
{
	struct raw_event *event = recording_find(of, place);

	if (event == NULL)
		return;
	event->second = second;
	/* Last, as it says that the event is there. */
	atomic_store_explicit(&event->first, first, memory_order_release);
}

/* Does a child of fork find such memory as it was (a kernel before 4.14, an emulator)? Then it has
 * to be forgotten there. */
extern bool recording_is_inherited;

/* Zeroed memory, which a child of fork finds zeroed again; or NULL. */
void *recording_map(size_t bytes);

/* Appends to the file of this process that has the suffix. False if that is not possible. */
bool recording_append(struct recording *of, const char *suffix, const void *bytes, size_t size);

#endif
