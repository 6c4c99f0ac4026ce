/*
 * replay_steps.h - the calls of a recorded process, as a replay makes them.
 *
 * A profile (harness/profile/profile.h) is turned into steps of 16 bytes, a window of them at a
 * time, so that neither reading nor unpacking is in what is timed, and any number of events takes
 * bounded memory: a profile that fits a window is read once, a longer one again for each build.
 *
 * Threads: a lane is a thread of the replay. A recorded thread has the lane that is free from its
 * first event to its last (another thread's last event came before), so that there are as many
 * lanes as there were threads at once, as far as events tell; more than `threads` lanes are folded.
 *
 * What is written into blocks, as nobody knows what the program wrote:
 *
 * - the first 8 bytes of each block, or as many as it has, are its stamp, which is read again when
 *   the block is resized or freed: the sum of all stamps is the checksum of a replay;
 * - small blocks, and what realloc adds to them, are written whole; those of calloc are not, but
 *   for the stamp;
 * - of larger ones (REPLAY_WHOLE_BYTES) a byte in each page;
 * - of those whose touched part was recorded (PROFILE_TOUCH_BYTES) as many pages, from the front.
 *   A block whose part is not known is touched in all its pages.
 */
#ifndef GROWBENCH_HARNESS_WORKER_REPLAY_STEPS_H
#define GROWBENCH_HARNESS_WORKER_REPLAY_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/profile/profile.h"

enum {
	REPLAY_MOST_THREADS = 64,
	REPLAY_WHOLE_BYTES = 4096,
	REPLAY_PAGE_BYTES = 4096, /* in which steps count what is touched; no page is smaller */
	REPLAY_WINDOW_STEPS = 1 << 22,
	/* A kind of step beside those of profile_kind: pages of a large block are touched. */
	REPLAY_TOUCH = PROFILE_KIND_COUNT
};

struct replay_step {
	uint64_t bytes : 48;    /* as of the event; of a touch: its first page */
	uint64_t alignment : 6; /* its binary logarithm */
	uint64_t lane : 6;
	uint64_t kind : 4;
	uint32_t block;
	uint32_t more; /* of a realloc: the bytes before, or UINT32_MAX; of a touch: its last page
			  but one */
};

/* What is known of a process when all of its events have been seen. */
struct replay_totals {
	uint64_t events;
	unsigned lanes;              /* at once, before any are folded */
	uint64_t most_touched_bytes; /* in blocks at once, as far as a replay touches them */
	uint64_t most_moving_bytes;  /* the same with both blocks of each realloc */
	uint64_t final_blocks;       /* live after the last event */
};

/* Goes through all events. False with a message if the profile is damaged, or there is no memory
 * for its tables. */
bool replay_totals(struct profile *profile, uint32_t process, struct replay_totals *totals,
		   struct error *error);

/* Memory that a replay of the process takes beside its blocks, the profile's reader included. */
uint64_t replay_own_bytes(const struct profile_process *process);

/* The steps of the first events of a process; what it holds is mapped. */
struct replay_steps {
	struct profile *profile; /* not owned */
	uint32_t process;
	uint32_t blocks; /* numbers of blocks are below this */
	uint64_t events; /* that are wanted */
	uint64_t events_read;
	unsigned threads;
	uint8_t *lanes;    /* of each recorded thread; NULL: one for all */
	uint32_t *touched; /* of each large block, pages from its front */
	/* After the last event, of each block that lives then: bytes of its stamp. */
	uint8_t *stamp_bytes;
	uint64_t checksum; /* that a replay of all has to find */
	bool is_whole;     /* all of them fit into the window */
	struct replay_step *window;
	size_t count; /* of steps in the window */
	size_t room;
};

/* Reads all events once, to know the checksum, and fills the first window. False with a message. */
bool replay_steps_open(struct replay_steps *steps, struct profile *profile, uint32_t process,
		       uint64_t events, unsigned threads, struct error *error);

void replay_steps_close(struct replay_steps *steps);

/* Back to the first window. False if the file is not what it was. */
bool replay_steps_rewind(struct replay_steps *steps);

/* The next window of a replay that is not whole; one without steps is the end. False if the file is
 * not what it was. */
bool replay_steps_next(struct replay_steps *steps);

/* How many bytes of a block of that size hold its stamp. */
static inline unsigned replay_stamp_bytes(uint64_t bytes)
{
	return bytes < sizeof(uint64_t) ? (unsigned)bytes : (unsigned)sizeof(uint64_t);
}

/* What stands there: another number for each block and size. The multiplier is that of Fibonacci
 * hashing (Knuth, The Art of Computer Programming 3, 6.4). */
static inline uint64_t replay_stamp(uint32_t block, uint64_t bytes)
{
	return ((uint64_t)block + 1) * UINT64_C(0x9e3779b97f4a7c15) + bytes;
}

#endif
