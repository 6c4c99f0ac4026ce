/* What bench.h promises, and both libraries behind it keep. Built once against each. */
#include "harness/shim/bench.h"
#include "kernels/tests/cmocka_headers.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define THREADS 3
#define MOST_RESULTS 8

/* What the benchmark functions have seen. */
struct seen {
	atomic_uint calls;
	atomic_ullong bodies;
	atomic_uint calls_by_thread[THREADS];
	atomic_uint prepared;      /* threads that have reached their loop */
	atomic_uint started_early; /* threads whose body ran before all had */
};

static struct seen seen;
static struct bench_result results[MOST_RESULTS];
static size_t result_count;
static char error[128]; /* of the last result; "": none */

static void keep_result(const struct bench_result *result, void *user_data)
{
	(void)user_data;
	if (result_count < MOST_RESULTS)
		results[result_count] = *result;
	result_count++;
	(void)snprintf(error, sizeof error, "%s", result->error != NULL ? result->error : "");
}

static void run(const struct bench_spec *spec)
{
	const char *why;

	memset(&seen, 0, sizeof(seen));
	result_count = 0;
	why = bench_run(spec, keep_result, NULL);
	if (why != NULL)
		fail_msg("bench_run: %s", why);
}

static void run_in_threads(bench_function function, unsigned threads)
{
	const struct bench_spec spec = {
		.name = "in threads",
		.function = function,
		.user_data = &seen,
		.iterations = 10,
		.threads = threads,
	};

	run(&spec);
	assert_int_equal(result_count, 1);
}

/* ---- The loop ---- */

static void count_bodies(struct bench_state *state, void *user_data)
{
	struct seen *s = user_data;

	s->calls++;
	BENCH_LOOP(state) {
		s->bodies++;
	}
}

static void body_runs_exactly_as_often_as_the_spec_says(void **state)
{
	static const uint64_t counts[] = {1, 2, 12345};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		const struct bench_spec spec = {
			.name = "counted",
			.function = count_bodies,
			.user_data = &seen,
			.iterations = counts[i],
		};

		run(&spec);
		assert_string_equal(error, "");
		assert_int_equal(seen.bodies, counts[i]);
		assert_int_equal(seen.calls, 1);
	}
}

static void continue_in_every_body(struct bench_state *state, void *user_data)
{
	struct seen *s = user_data;

	BENCH_LOOP(state) {
		s->bodies++;
		if (s->bodies != 0)
			continue;
		s->bodies = 1000000;
	}
}

static void loop_twice(struct bench_state *state, void *user_data)
{
	count_bodies(state, user_data);
	count_bodies(state, user_data);
}

static void loop_in_loop(struct bench_state *state, void *user_data)
{
	struct seen *s = user_data;

	BENCH_LOOP(state) {
		BENCH_LOOP(state) {
			s->bodies += 1000;
		}
		s->bodies++;
	}
}

static void no_loop(struct bench_state *state, void *user_data)
{
	(void)state;
	(void)user_data;
}

static void leave_loop(struct bench_state *state, void *user_data)
{
	(void)user_data;
	BENCH_LOOP(state) {
		break;
	}
}

static void return_from_loop(struct bench_state *state, void *user_data)
{
	(void)user_data;
	BENCH_LOOP(state) {
		bench_skip(state, "not here");
		return;
	}
}

static void skip_before_loop(struct bench_state *state, void *user_data)
{
	bench_skip(state, "not here");
	bench_skip(state, "second message");
	count_bodies(state, user_data);
}

static void skip_at_once(struct bench_state *state, void *user_data)
{
	(void)user_data;
	bench_skip(state, "not here");
}

static void skip_in_third_body(struct bench_state *state, void *user_data)
{
	struct seen *s = user_data;

	BENCH_LOOP(state) {
		if (++s->bodies == 3) {
			bench_skip(state, "not here");
			break;
		}
	}
}

/* In all threads but the second, which skips. */
static void skip_in_one_thread(struct bench_state *state, void *user_data)
{
	if (bench_thread_index(state) == 1)
		bench_skip(state, "not here");
	else
		count_bodies(state, user_data);
}

static void skips_and_wrong_uses_of_the_loop_are_told(void **state)
{
	static const char second[] = "the benchmark function entered a second BENCH_LOOP";
	static const struct {
		bench_function function;
		unsigned threads;
		uint64_t bodies;
		const char *error;
	} cases[] = {
		{continue_in_every_body, 1, 10, ""},
		{loop_twice, 1, 10, second},
		{loop_in_loop, 1, 10, second},
		{no_loop, 1, 0, "the benchmark function returned without a BENCH_LOOP"},
		{leave_loop, 1, 0,
		 "the benchmark function left BENCH_LOOP before its end without bench_skip()"},
		{return_from_loop, 1, 0, "not here"},
		{skip_before_loop, 1, 0, "not here"},
		{skip_at_once, 1, 0, "not here"},
		{skip_in_third_body, 1, 3, "not here"},
		{skip_in_one_thread, THREADS, 10 * (THREADS - 1), "not here"},
		{count_bodies, 1, 10, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run_in_threads(cases[i].function, cases[i].threads);
		assert_string_equal(error, cases[i].error);
		assert_int_equal(seen.bodies, cases[i].bodies);
		if (*error != '\0')
			assert_true(results[0].real_ns == 0 && results[0].cpu_ns == 0);
	}
}

/* ---- Running ---- */

static void each_repetition_gives_a_result(void **state)
{
	const struct bench_spec spec = {
		.name = "repeated",
		.function = count_bodies,
		.user_data = &seen,
		.iterations = 10,
		.repetitions = 4,
	};

	(void)state;
	run(&spec);
	assert_int_equal(result_count, 4);
	assert_int_equal(seen.calls, 4);
	assert_int_equal(seen.bodies, 40);
	for (unsigned i = 0; i < 4; i++)
		assert_null(results[i].error);
}

static void running_prints_nothing(void **state)
{
	FILE *file = tmpfile();
	int saved[2];
	long written;

	(void)state;
	assert_non_null(file);
	fflush(NULL);
	for (int fd = 1; fd <= 2; fd++) {
		saved[fd - 1] = dup(fd);
		dup2(fileno(file), fd);
	}
	run_in_threads(count_bodies, 1);
	run_in_threads(skip_at_once, 1);
	fflush(NULL);
	for (int fd = 1; fd <= 2; fd++) {
		dup2(saved[fd - 1], fd);
		close(saved[fd - 1]);
	}
	fseek(file, 0, SEEK_END);
	written = ftell(file);
	fclose(file);
	assert_int_equal(written, 0);
}

/* ---- Threads ---- */

static void count_threads(struct bench_state *state, void *user_data)
{
	struct seen *s = user_data;
	bool first = true;

	s->calls++;
	if (bench_thread_index(state) < THREADS)
		s->calls_by_thread[bench_thread_index(state)]++;
	if (bench_thread_index(state) == 0)
		usleep(2000); /* so that the others are there first */
	s->prepared++;
	BENCH_LOOP(state) {
		if (first && s->prepared != THREADS)
			s->started_early++;
		first = false;
		s->bodies++;
	}
}

static void every_thread_runs_the_loop_after_all_are_ready(void **state)
{
	(void)state;
	run_in_threads(count_threads, THREADS);
	assert_string_equal(error, "");
	assert_int_equal(seen.calls, THREADS);
	assert_int_equal(seen.bodies, 10 * THREADS);
	assert_int_equal(seen.started_early, 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(seen.calls_by_thread[i], 1);
}

/* ---- The library ---- */

static void library_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(bench_library_info().name, EXPECTED_LIBRARY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(body_runs_exactly_as_often_as_the_spec_says),
		cmocka_unit_test(skips_and_wrong_uses_of_the_loop_are_told),
		cmocka_unit_test(each_repetition_gives_a_result),
		cmocka_unit_test(running_prints_nothing),
		cmocka_unit_test(every_thread_runs_the_loop_after_all_are_ready),
		cmocka_unit_test(library_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
