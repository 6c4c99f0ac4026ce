/*
 * bench.h without Google Benchmark and without a clock: the twin for tests. Every benchmark runs
 * with the iterations of its spec, or 1; all times are 0. Threads are pthreads, and wait for each
 * other at both ends of the loop as they do in Google Benchmark.
 */
#include "bench.h"
#include "loop.h"

#include <pthread.h>
#include <stdlib.h>

/* What the threads of one repetition share. */
struct team {
	const struct bench_spec *spec;
	unsigned threads;

	pthread_mutex_t mutex; /* for all below */
	pthread_cond_t phase_ended;
	unsigned running; /* threads that have not returned */
	unsigned waiting;
	uint64_t phase;
	const char *error; /* NULL: none */
};

struct bench_state {
	struct team *team;
	pthread_t thread;
	unsigned thread_index;
	struct loop loop;
	bool skipped;
};

/* ---- Inside a benchmark function ---- */

/* Lets those that wait go on if nobody else is running. The mutex is held. */
static void end_phase_if_all_wait(struct team *team)
{
	if (team->waiting == 0 || team->waiting != team->running)
		return;
	team->waiting = 0;
	team->phase++;
	pthread_cond_broadcast(&team->phase_ended);
}

/* Returns when all threads that are still running have come here or returned. */
static void wait_for_all(struct team *team)
{
	uint64_t phase;

	pthread_mutex_lock(&team->mutex);
	phase = team->phase;
	team->waiting++;
	end_phase_if_all_wait(team);
	while (team->phase == phase)
		pthread_cond_wait(&team->phase_ended, &team->mutex);
	pthread_mutex_unlock(&team->mutex);
}

/* Counts this thread out, so that the others no longer wait for it. */
static void leave_team(struct team *team)
{
	pthread_mutex_lock(&team->mutex);
	team->running--;
	end_phase_if_all_wait(team);
	pthread_mutex_unlock(&team->mutex);
}

uint64_t bench_begin(struct bench_state *state)
{
	const struct bench_spec *spec = state->team->spec;

	if (!loop_begin(&state->loop))
		return 0;
	wait_for_all(state->team);
	if (state->skipped)
		return 0;
	return spec->iterations != 0 ? spec->iterations : 1;
}

void bench_end(struct bench_state *state)
{
	if (loop_end(&state->loop))
		wait_for_all(state->team);
}

unsigned bench_thread_index(const struct bench_state *state)
{
	return state->thread_index;
}

void bench_skip(struct bench_state *state, const char *message)
{
	struct team *team = state->team;

	state->skipped = true;
	pthread_mutex_lock(&team->mutex);
	if (team->error == NULL)
		team->error = message;
	pthread_mutex_unlock(&team->mutex);
}

/* ---- Running ---- */

static void *run_thread(void *argument)
{
	struct bench_state *state = argument;
	const struct bench_spec *spec = state->team->spec;
	const char *mistake;

	spec->function(state, spec->user_data);
	mistake = loop_mistake(&state->loop, state->skipped);
	if (mistake != NULL)
		bench_skip(state, mistake);
	leave_team(state->team);
	return NULL;
}

/* This thread is the first of the team, as in Google Benchmark. */
static const char *run_team(struct team *team)
{
	struct bench_state *states = calloc(team->threads, sizeof(*states));
	unsigned started = 1;

	if (states == NULL)
		return "out of memory";
	for (unsigned i = 0; i < team->threads; i++)
		states[i] = (struct bench_state){.team = team, .thread_index = i};
	while (started < team->threads &&
	       pthread_create(&states[started].thread, NULL, run_thread, &states[started]) == 0)
		started++;
	for (unsigned i = started; i < team->threads; i++)
		leave_team(team);
	if (started == team->threads)
		(void)run_thread(&states[0]);
	else
		leave_team(team);
	for (unsigned i = 1; i < started; i++)
		pthread_join(states[i].thread, NULL);
	free(states);
	return started == team->threads ? NULL : "cannot start as many threads";
}

const char *bench_run(const struct bench_spec *spec, bench_result_callback callback,
		      void *user_data)
{
	const unsigned repetitions = spec->repetitions != 0 ? spec->repetitions : 1;
	const unsigned threads = spec->threads != 0 ? spec->threads : 1;
	const char *error = NULL;

	for (unsigned i = 0; i < repetitions && error == NULL; i++) {
		struct team team = {
			.spec = spec,
			.threads = threads,
			.mutex = PTHREAD_MUTEX_INITIALIZER,
			.phase_ended = PTHREAD_COND_INITIALIZER,
			.running = threads,
		};
		struct bench_result result = {0};

		error = run_team(&team);
		result.error = team.error;
		if (error == NULL)
			callback(&result, user_data);
	}
	return error;
}

struct bench_library bench_library_info(void)
{
	return (struct bench_library){.name = "null", .build = BENCH_BUILD_UNKNOWN};
}
