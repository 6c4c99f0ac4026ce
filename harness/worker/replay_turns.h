/*
 * replay_turns.h - threads of which one is at work, and hands over to the next.
 *
 * Each waits in the kernel (futex(2)) for a word of its own. From the moment that a turn is given
 * to that in which it is taken nobody works: that time is told.
 */
#ifndef GROWBENCH_HARNESS_WORKER_REPLAY_TURNS_H
#define GROWBENCH_HARNESS_WORKER_REPLAY_TURNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	REPLAY_TURNS_MOST_THREADS = 64
};

/* Where threads arrive, each once in its turn. */
enum replay_turns_place {
	REPLAY_TURNS_BUILD,
	REPLAY_TURNS_RELEASE,
	REPLAY_TURNS_PLACES
};

struct replay_turns {
	struct {
		_Alignas(64) _Atomic uint32_t word;
	} threads[REPLAY_TURNS_MOST_THREADS];
	_Atomic unsigned arrived[REPLAY_TURNS_PLACES];
	uint64_t given_ns;
};

void replay_turns_init(struct replay_turns *turns);

/* One more of `count` threads is there. True for the last of them, with which the place is empty
 * again; nobody waits here. */
bool replay_turns_arrive(struct replay_turns *turns, enum replay_turns_place place, unsigned count);

/* The turn is that thread's, which may be the caller. What the caller did is seen by it. */
void replay_turns_give(struct replay_turns *turns, unsigned thread);

/* There are no more: each of `count` threads, the caller too, takes the end. */
void replay_turns_end(struct replay_turns *turns, unsigned count);

/* Waits for the thread's turn, and adds to *paused_ns how long it took from one to the other. False
 * when the end has come. */
bool replay_turns_take(struct replay_turns *turns, unsigned thread, uint64_t *paused_ns);

#endif
