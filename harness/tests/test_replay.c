/* Replays of known profiles: each call of them, in its thread and in its order, and what is
 * written. The allocator's functions are wrapped, and written down. */
#include "kernels/tests/cmocka_headers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/profile/writer.h"
#include "harness/worker/replay.h"
#include "support.h"

enum {
	MOST_CALLS = 4096
};

/* ---- the allocator ---- */

struct call {
	char name; /* m, c, a, r or f */
	size_t bytes;
	pthread_t thread;
};

static struct call calls[MOST_CALLS];
static size_t call_count;
static bool is_watched;
static size_t failing_call; /* from 1; 0: none */
static long live_count;
static unsigned char *last_block;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void __real_free(void *block);
int __real_posix_memalign(void **block, size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);
void __wrap_free(void *block);
int __wrap_posix_memalign(void **block, size_t alignment, size_t bytes);

/* False if it is to fail. */
static bool note(char name, size_t bytes)
{
	if (!is_watched)
		return true;
	if (call_count < MOST_CALLS)
		calls[call_count] = (struct call){name, bytes, pthread_self()};
	return ++call_count != failing_call;
}

static void *note_block(void *block)
{
	if (is_watched && block != NULL) {
		live_count++;
		last_block = block;
	}
	return block;
}

void *__wrap_malloc(size_t bytes)
{
	return note('m', bytes) ? note_block(__real_malloc(bytes)) : NULL;
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return note('c', count * bytes) ? note_block(__real_calloc(count, bytes)) : NULL;
}

void *__wrap_realloc(void *block, size_t bytes)
{
	void *moved = note('r', bytes) ? __real_realloc(block, bytes) : NULL;

	return block == NULL ? note_block(moved) : moved;
}

void __wrap_free(void *block)
{
	if (is_watched && block != NULL) {
		(void)note('f', 0);
		live_count--;
	}
	__real_free(block);
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t bytes)
{
	if (!note('a', bytes))
		return ENOMEM;
	if (__real_posix_memalign(block, alignment, bytes) != 0)
		return ENOMEM;
	(void)note_block(*block);
	return 0;
}

/* ---- profiles ---- */

static struct profile_writer *writer;
static struct error error;

static void begin_profile(void)
{
	const struct profile_facts facts = {.word_bits = 64, .page_bytes = 4096};

	writer = profile_create(below("Known One.profile"), &facts, &error);
	assert_non_null(writer);
	assert_true(profile_write_process(writer, PROFILE_STARTED, PROFILE_NONE, NULL, 0, &error));
}

static void end_profile(void)
{
	struct profile_process ended = {.end = PROFILE_EXITED};

	assert_true(profile_write_end(writer, &ended, &error));
	assert_true(profile_finish(writer, NULL, &error));
}

/* Returns the block. */
static uint32_t put_call(uint32_t thread, enum profile_kind kind, uint32_t block, uint64_t bytes,
			 uint64_t touched)
{
	struct profile_event event = {.kind = kind,
				      .thread = thread,
				      .block = block,
				      .bytes = bytes,
				      .stack = PROFILE_NONE,
				      .alignment = kind == PROFILE_ALIGNED ? 64 : 0,
				      .touched_bytes = touched};

	if (!profile_write(writer, &event, &error))
		fail_msg("%s", error.text);
	return event.block;
}

static uint32_t make(uint32_t thread, enum profile_kind kind, uint64_t bytes)
{
	return put_call(thread, kind, 0, bytes, PROFILE_UNKNOWN);
}

static void resize(uint32_t thread, uint32_t block, uint64_t bytes)
{
	(void)put_call(thread, PROFILE_REALLOC, block, bytes, PROFILE_UNKNOWN);
}

static void release(uint32_t thread, uint32_t block)
{
	(void)put_call(thread, PROFILE_FREE, block, 0, PROFILE_UNKNOWN);
}

static const struct strategy *open_replay(unsigned threads)
{
	const struct replay_choice choice = {below("Known One.profile"), PROFILE_UNKNOWN, threads};
	const struct strategy *strategy = replay_open(&choice, &error);

	if (strategy == NULL)
		fail_msg("%s", error.text);
	return strategy;
}

/* ---- builds ---- */

struct build {
	const struct strategy *strategy;
	size_t rows;
	struct row_source source;
	struct array array;
	enum build_status status;
	uint64_t checksum;
	pthread_t handle;
};

static void *build_one(void *data)
{
	struct build *build = data;

	build->array = array_init(1);
	build->status = build->strategy->build(&build->array, build->rows, &build->source);
	return NULL;
}

/* A whole lifecycle of the first `rows` events in so many threads, watched. */
static void build_all(struct build *builds, unsigned threads)
{
	memset(calls, 0, sizeof calls);
	call_count = 0;
	live_count = 0;
	is_watched = threads == 1;
	for (unsigned i = 1; i < threads; i++)
		assert_int_equal(pthread_create(&builds[i].handle, NULL, build_one, &builds[i]), 0);
	is_watched = true;
	(void)build_one(&builds[0]);
	for (unsigned i = 1; i < threads; i++)
		(void)pthread_join(builds[i].handle, NULL);
	is_watched = false;
	for (unsigned i = 0; i < threads; i++)
		builds[i].checksum = builds[i].strategy->scan(&builds[i].array);
}

static void release_all(struct build *builds, unsigned threads)
{
	is_watched = true;
	for (unsigned i = 0; i < threads; i++)
		builds[i].strategy->release(&builds[i].array);
	is_watched = false;
	assert_int_equal(live_count, 0);
}

static void prepare_all(struct build *builds, unsigned threads, size_t rows)
{
	const struct strategy *strategy = open_replay(threads);

	for (unsigned i = 0; i < threads; i++) {
		builds[i] = (struct build){.strategy = strategy, .rows = rows};
		assert_int_equal(strategy->prepare(&builds[i].source, rows), BUILD_OK);
	}
}

static void dispose_all(struct build *builds, unsigned threads)
{
	for (unsigned i = 0; i < threads; i++)
		builds[i].strategy->dispose(&builds[i].source);
	replay_close();
}

static void assert_calls(const char *names, const size_t *bytes)
{
	for (size_t i = 0; names[i] != '\0'; i++) {
		assert_int_equal(calls[i].name, names[i]);
		assert_int_equal(calls[i].bytes, bytes[i]);
	}
	assert_int_equal(call_count, strlen(names));
}

/* ---- tests ---- */

static void put_known(void)
{
	uint32_t small;
	uint32_t zeros;

	begin_profile();
	small = make(0, PROFILE_MALLOC, 3);
	zeros = make(0, PROFILE_CALLOC, 5000);
	(void)make(0, PROFILE_ALIGNED, 100);
	(void)make(0, PROFILE_REALLOC_NEW, 7);
	resize(0, small, 600);
	resize(0, zeros, 40);
	release(0, zeros);
	resize(0, small, 1);
	(void)make(0, PROFILE_MALLOC, 0);
	end_profile();
}

static void every_call_is_made_with_its_size(void **state)
{
	static const size_t bytes[] = {3, 5000, 100, 7, 600, 40, 0, 1, 0};
	struct build build;

	(void)state;
	put_known();
	prepare_all(&build, 1, 9);
	assert_string_equal(build.strategy->name, "replay:known-one");
	for (int again = 0; again < 3; again++) {
		build_all(&build, 1);
		assert_int_equal(build.status, BUILD_OK);
		assert_calls("mcarrrfrm", bytes);
		assert_true(build.checksum == build.strategy->expected(&build.source, 9));
		assert_int_equal(live_count, 4);
		release_all(&build, 1);
	}
	assert_true(build.strategy->paused_ns(&build.source) == 0);
	dispose_all(&build, 1);
}

static void the_first_rows_are_the_first_events(void **state)
{
	static const size_t bytes[] = {3, 5000, 100, 7, 600};

	(void)state;
	put_known();
	for (size_t rows = 1; rows <= 5; rows++) {
		struct build build;
		char names[] = "mcarr";

		names[rows] = '\0';
		prepare_all(&build, 1, rows);
		build_all(&build, 1);
		assert_calls(names, bytes);
		assert_true(build.checksum == build.strategy->expected(&build.source, rows));
		release_all(&build, 1);
		dispose_all(&build, 1);
	}
}

static void a_block_that_is_not_as_it_was_left_is_seen(void **state)
{
	struct build build;

	(void)state;
	begin_profile();
	(void)make(0, PROFILE_MALLOC, 3);
	(void)make(0, PROFILE_MALLOC, 200);
	end_profile();
	prepare_all(&build, 1, 2);
	build_all(&build, 1);
	for (int byte = 0; byte < 8; byte++) {
		last_block[byte] ^= 1;
		assert_false(build.strategy->scan(&build.array) == build.checksum);
		last_block[byte] ^= 1;
	}
	assert_true(build.strategy->scan(&build.array) == build.checksum);
	/* It was written to its end. */
	assert_int_equal(last_block[199], 1);
	release_all(&build, 1);
	dispose_all(&build, 1);
}

static void each_call_may_fail(void **state)
{
	struct build build;

	(void)state;
	put_known();
	prepare_all(&build, 1, 9);
	for (size_t call = 1; call <= 8; call++) {
		if (call == 7) /* a free */
			continue;
		failing_call = call;
		build_all(&build, 1);
		failing_call = 0;
		assert_int_equal(build.status, BUILD_OUT_OF_MEMORY);
		assert_int_equal(call_count, call);
		release_all(&build, 1);
	}
	build_all(&build, 1);
	assert_int_equal(build.status, BUILD_OK);
	assert_true(build.checksum == build.strategy->expected(&build.source, 9));
	release_all(&build, 1);
	dispose_all(&build, 1);
}

/* Which pages the steps touch: from, to of each touch, and UINT32_MAX at the end. */
static void assert_touched(const uint32_t *pages)
{
	struct profile *profile = profile_open(below("Known One.profile"), &error);
	struct replay_steps steps;
	size_t found = 0;

	assert_non_null(profile);
	assert_true(replay_steps_open(&steps, profile, 0, profile_process(profile, 0)->event_count,
				      1, &error));
	assert_true(steps.is_whole);
	for (size_t i = 0; i < steps.count; i++)
		if (steps.window[i].kind == REPLAY_TOUCH) {
			assert_int_equal(steps.window[i].bytes, pages[found]);
			assert_int_equal(steps.window[i].more, pages[found + 1]);
			found += 2;
		}
	assert_int_equal(pages[found], UINT32_MAX);
	replay_steps_close(&steps);
	profile_close(profile);
}

static void large_blocks_are_touched_as_far_as_they_were(void **state)
{
	const uint64_t mib = 1 << 20;
	/* The first page has the stamp. */
	const uint32_t pages[] = {1, 3, 3, 256, 256, 512, 1, 256, 2, 256, UINT32_MAX};
	struct replay_totals totals;
	struct profile *profile;
	uint32_t block;

	(void)state;
	begin_profile();
	block = put_call(0, PROFILE_CALLOC, 0, mib, 8193);
	(void)put_call(0, PROFILE_REALLOC, block, 2 * mib, mib);
	(void)put_call(0, PROFILE_REALLOC, block, 3 * mib, 2 * mib);
	/* No more of it: nothing is left to be touched. */
	(void)put_call(0, PROFILE_REALLOC, block, 4 * mib, 2 * mib);
	release(0, block);
	/* Nobody knows: all of it. */
	block = make(0, PROFILE_MALLOC, mib);
	resize(0, block, 10000);
	/* The small block was touched page by page. */
	resize(0, block, mib);
	/* Nothing of it but its stamp. */
	(void)put_call(0, PROFILE_MALLOC, 0, 64 * mib, 0);
	end_profile();
	assert_touched(pages);

	profile = profile_open(below("Known One.profile"), &error);
	assert_true(replay_totals(profile, 0, &totals, &error));
	assert_int_equal(totals.events, 9);
	assert_int_equal(totals.final_blocks, 2);
	assert_int_equal(totals.most_touched_bytes, 2 * mib);
	assert_int_equal(totals.most_moving_bytes, 4 * mib);
	profile_close(profile);
}

enum {
	THREADS = 5,
	ROUNDS = 100
};

/* Threads that allocate, and free what another one has: sizes tell who was meant. */
static size_t put_threads(void)
{
	size_t events = 0;
	uint32_t blocks[THREADS] = {0};

	begin_profile();
	for (uint32_t round = 0; round < ROUNDS; round++)
		for (uint32_t i = 0; i < THREADS; i++) {
			const uint32_t thread = round == 0 ? i : (i * 3 + round) % THREADS;

			if (round > 0) {
				release(thread, blocks[i]);
				events++;
			}
			blocks[i] = make(thread, PROFILE_MALLOC, 1000 * (thread + 1) + round);
			events++;
		}
	end_profile();
	return events;
}

static void threads_take_turns_in_the_recorded_order(void **state)
{
	const size_t events = put_threads();
	struct build builds[THREADS];
	pthread_t threads[THREADS] = {0};

	(void)state;
	prepare_all(builds, THREADS, events);
	for (int again = 0; again < 3; again++) {
		size_t at = 0;

		build_all(builds, THREADS);
		assert_int_equal(call_count, events);
		for (uint32_t round = 0; round < ROUNDS; round++)
			for (uint32_t i = 0; i < THREADS; i++) {
				const uint32_t thread = round == 0 ? i : (i * 3 + round) % THREADS;

				if (round > 0)
					assert_int_equal(calls[at++].name, 'f');
				assert_int_equal(calls[at].bytes, 1000 * (thread + 1) + round);
				if (round == 0)
					threads[thread] = calls[at].thread;
				assert_true(pthread_equal(calls[at++].thread, threads[thread]));
			}
		for (unsigned i = 0; i < THREADS; i++) {
			assert_int_equal(builds[i].status, BUILD_OK);
			assert_true(builds[i].checksum ==
				    builds[0].strategy->expected(&builds[0].source, events));
			for (unsigned j = 0; j < i; j++)
				assert_false(pthread_equal(threads[i], threads[j]));
		}
		release_all(builds, THREADS);
	}
	/* Handing over is told. */
	assert_true(builds[0].strategy->paused_ns(&builds[0].source) > 0);
	/* Where one has no memory, all end. */
	failing_call = events / 2 + 1;
	build_all(builds, THREADS);
	failing_call = 0;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(builds[i].status,
				 calls[events / 2].name == 'f' ? BUILD_OK : BUILD_OUT_OF_MEMORY);
	release_all(builds, THREADS);
	dispose_all(builds, THREADS);
}

static void more_threads_than_wanted_are_folded(void **state)
{
	const size_t events = put_threads();

	(void)state;
	for (unsigned threads = 1; threads < THREADS; threads++) {
		struct build builds[THREADS];

		prepare_all(builds, threads, events);
		build_all(builds, threads);
		assert_int_equal(call_count, events);
		assert_true(builds[0].checksum ==
			    builds[0].strategy->expected(&builds[0].source, events));
		release_all(builds, threads);
		dispose_all(builds, threads);
	}
}

static void threads_that_were_there_one_after_the_other_share_a_lane(void **state)
{
	enum {
		MANY = 3000
	};
	uint32_t kept;

	(void)state;
	begin_profile();
	kept = make(0, PROFILE_MALLOC, 1);
	for (uint32_t thread = 1; thread < MANY; thread++)
		release(thread, make(thread, PROFILE_MALLOC, thread));
	release(0, kept);
	end_profile();
	(void)open_replay(0);
	assert_true(replay_look_at_all(&error));
	assert_int_equal(replay_facts()->recorded.thread_count, MANY);
	assert_int_equal(replay_facts()->threads, 2);
	replay_close();
}

static void many_threads_at_once_are_as_many_as_there_may_be(void **state)
{
	enum {
		MANY = 200
	};
	uint32_t blocks[MANY];
	struct build builds[REPLAY_MOST_THREADS];

	(void)state;
	begin_profile();
	for (uint32_t thread = 0; thread < MANY; thread++)
		blocks[thread] = make(thread, PROFILE_MALLOC, thread);
	for (uint32_t thread = 0; thread < MANY; thread++)
		release(thread, blocks[thread]);
	end_profile();
	(void)open_replay(0);
	assert_true(replay_look_at_all(&error));
	assert_int_equal(replay_facts()->threads, REPLAY_MOST_THREADS);
	replay_close();
	prepare_all(builds, REPLAY_MOST_THREADS, 2 * (size_t)MANY);
	build_all(builds, REPLAY_MOST_THREADS);
	assert_int_equal(call_count, 2 * MANY);
	release_all(builds, REPLAY_MOST_THREADS);
	dispose_all(builds, REPLAY_MOST_THREADS);
}

static void what_does_not_fit_a_window_is_read_again(void **state)
{
	const size_t events = (size_t)REPLAY_WINDOW_STEPS + 10;
	struct build build;

	(void)state;
	begin_profile();
	for (size_t i = 0; i < events / 2; i++)
		release(0, make(0, PROFILE_MALLOC, i % 100));
	end_profile();
	prepare_all(&build, 1, events);
	for (uint64_t again = 0; again < 2; again++) {
		const uint64_t paused = build.strategy->paused_ns(&build.source);

		build_all(&build, 1);
		assert_int_equal(build.status, BUILD_OK);
		assert_int_equal(call_count, events);
		assert_true(build.checksum == build.strategy->expected(&build.source, events));
		assert_true(build.strategy->paused_ns(&build.source) > paused);
		release_all(&build, 1);
	}
	dispose_all(&build, 1);
}

static void what_cannot_be_replayed_is_refused(void **state)
{
	struct replay_choice choice = {below("Known One.profile"), PROFILE_UNKNOWN, 0};
	char path[PATH_MAX];

	(void)state;
	(void)snprintf(path, sizeof path, "%s", choice.path);
	choice.path = path;
	assert_null(replay_open(&choice, &error));
	assert_contains(error.text, "No such file");
	begin_profile();
	end_profile();
	assert_null(replay_open(&choice, &error));
	assert_contains(error.text, "there is nothing to replay");
	choice.process = 7;
	assert_null(replay_open(&choice, &error));
	assert_contains(error.text, "has 1 processes, numbered from 0; there is no 7");
	choice.threads = REPLAY_MOST_THREADS + 1;
	assert_null(replay_open(&choice, &error));
	assert_contains(error.text, "64 threads at most");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(every_call_is_made_with_its_size),
		IN_A_FOLDER(the_first_rows_are_the_first_events),
		IN_A_FOLDER(a_block_that_is_not_as_it_was_left_is_seen),
		IN_A_FOLDER(each_call_may_fail),
		IN_A_FOLDER(large_blocks_are_touched_as_far_as_they_were),
		IN_A_FOLDER(threads_take_turns_in_the_recorded_order),
		IN_A_FOLDER(more_threads_than_wanted_are_folded),
		IN_A_FOLDER(threads_that_were_there_one_after_the_other_share_a_lane),
		IN_A_FOLDER(many_threads_at_once_are_as_many_as_there_may_be),
		IN_A_FOLDER(what_does_not_fit_a_window_is_read_again),
		IN_A_FOLDER(what_cannot_be_replayed_is_refused),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
