/*
 * replay.h - a strategy that asks the allocator for what a recorded program asked for.
 *
 * A profile (harness/profile/profile.h) becomes a strategy named "replay:NAME", after the file. Its
 * rows are the events, of which a build makes the first so many; release frees what lives then.
 * Reading and unpacking is not in what is timed, nor is its memory in the peak (replay_steps.h).
 *
 * Threads: each of a cell's threads makes the calls of one lane, and hands over to the next in the
 * recorded order. So the allocator sees which thread did what, and one at a time, on one CPU: what
 * threads do to each other's speed is not replayed. Handing over is not in what is timed either
 * (`paused_ns` in strategy.h).
 *
 * What cannot be replayed: what the program computes between the calls, and so which caches its
 * data are in; what it writes into its blocks, and when (replay_steps.h says what is written
 * instead); memory that it has from elsewhere, as by mmap of its own; when its threads waited for
 * each other.
 *
 * A process replays one profile.
 */
#ifndef GROWBENCH_HARNESS_WORKER_REPLAY_H
#define GROWBENCH_HARNESS_WORKER_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/profile/profile.h"
#include "harness/worker/replay_steps.h"
#include "kernels/strategy.h"

/* What the names of all replays begin with. */
#define REPLAY_PREFIX "replay:"

struct replay_choice {
	const char *path;
	uint64_t process; /* PROFILE_UNKNOWN: the one with the most events */
	unsigned threads; /* that will build it; 0: none will */
};

/* What is known of the replay that was opened. */
struct replay_facts {
	struct profile_facts profile;
	struct profile_process recorded;
	uint32_t process;
	unsigned threads; /* that replay it */
	/* Zeros until replay_look_at_all. */
	struct replay_totals totals;
	uint64_t row_bytes; /* so that rows x row_bytes is about the most that is touched at once */
};

/* Opens the profile, and makes a strategy of it. NULL with a message: no profile, one without
 * events, no such process. */
const struct strategy *replay_open(const struct replay_choice *choice, struct error *error);

/* Goes through all events: totals and threads. False with a message if the profile is damaged. */
bool replay_look_at_all(struct error *error);

/* Of the replay that was opened; zeros if none was. */
const struct replay_facts *replay_facts(void);

/* Forgets it. */
void replay_close(void);

#endif
