#include "harness/worker/replay_turns.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/worker/clock.h"

enum {
	WAIT,
	TURN,
	END
};

void replay_turns_init(struct replay_turns *turns)
{
	memset(turns, 0, sizeof *turns);
}

bool replay_turns_arrive(struct replay_turns *turns, enum replay_turns_place place, unsigned count)
{
	if (atomic_fetch_add(&turns->arrived[place], 1) + 1 < count)
		return false;
	atomic_store(&turns->arrived[place], 0);
	return true;
}

static void tell(struct replay_turns *turns, unsigned thread, uint32_t what)
{
	_Atomic uint32_t *word = &turns->threads[thread].word;

	atomic_store(word, what);
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void replay_turns_give(struct replay_turns *turns, unsigned thread)
{
	turns->given_ns = clock_now_ns();
	tell(turns, thread, TURN);
}

void replay_turns_end(struct replay_turns *turns, unsigned count)
{
	for (unsigned thread = 0; thread < count; thread++)
		tell(turns, thread, END);
}

bool replay_turns_take(struct replay_turns *turns, unsigned thread, uint64_t *paused_ns)
{
	_Atomic uint32_t *word = &turns->threads[thread].word;
	uint32_t what;

	while ((what = atomic_load(word)) == WAIT)
		(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, WAIT, NULL, NULL, 0);
	atomic_store(word, WAIT);
	if (what == END)
		return false;
	*paused_ns += clock_now_ns() - turns->given_ns;
	return true;
}
