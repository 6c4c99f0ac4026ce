/* What bench.h promises, and both libraries behind it keep. Built once against each. */
#include "results.h"
#include "kernels/tests/cmocka_headers.h"

#include <math.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#define THREADS 3

/* What a benchmark function has seen. One user_data for all of them. */
struct seen {
	atomic_uint calls;
	atomic_ullong bodies;
	atomic_uint thread_count;
	atomic_uint calls_by_thread[THREADS];
	atomic_uint prepared;      /* threads that have reached their loop */
	atomic_uint started_early; /* threads whose body ran before all had */
	atomic_ullong planned_before;
	atomic_ullong planned_after;
};

static struct seen seen;
static struct kept_results results;

static int reset(void **state)
{
	(void)state;
	bench_clear();
	memset(&seen, 0, sizeof(seen));
	memset(&results, 0, sizeof(results));
	return 0;
}

static void count_bodies(struct bench_state *state, void *user_data)
{
	struct seen *s = user_data;

	s->calls++;
	s->planned_before = bench_iterations(state);
	BENCH_LOOP(state) {
		s->bodies++;
	}
	s->planned_after = bench_iterations(state);
}

static void add(const struct bench_spec *spec)
{
	if (bench_register(spec) != 0)
		fail_msg("bench_register: %s", bench_error());
}

static struct bench_spec spec_of(const char *name, bench_function function)
{
	return (struct bench_spec){
		.name = name,
		.function = function,
		.user_data = &seen,
		.iterations = 10,
	};
}

/* Runs one benchmark that must give one result, and returns that. */
static const struct kept_result *run_one(const struct bench_spec *spec)
{
	add(spec);
	assert_int_equal(bench_run(NULL, keep_result, &results), 1);
	assert_int_equal(results.count, 1);
	return &results.items[0];
}

static double counter_of(const struct kept_result *result, const char *name)
{
	for (size_t i = 0; i < result->result.counter_count; i++)
		if (strcmp(result->counter_names[i], name) == 0)
			return result->counter_values[i];
	fail_msg("no counter %s in %s", name, result->name);
	return NAN;
}

/* ---- The loop ---- */

static void body_runs_exactly_as_often_as_the_spec_says(void **state)
{
	static const uint64_t counts[] = {1, 2, 3, 1000, 12345};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct bench_spec spec = spec_of("counted", count_bodies);

		reset(state);
		spec.iterations = counts[i];
		assert_int_equal(run_one(&spec)->result.iterations, counts[i]);
		assert_int_equal(seen.bodies, counts[i]);
		assert_int_equal(seen.calls, 1);
	}
}

static void planned_iterations_are_known_before_and_after_the_loop(void **state)
{
	struct bench_spec spec = spec_of("planned", count_bodies);

	(void)state;
	spec.iterations = 77;
	run_one(&spec);
	assert_int_equal(seen.planned_before, 77);
	assert_int_equal(seen.planned_after, 77);
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

static void continue_goes_on_with_the_next_iteration(void **state)
{
	const struct bench_spec spec = spec_of("continue", continue_in_every_body);

	(void)state;
	assert_string_equal(run_one(&spec)->error, "");
	assert_int_equal(seen.bodies, 10);
}

static void loop_twice(struct bench_state *state, void *user_data)
{
	struct seen *s = user_data;

	BENCH_LOOP(state) {
		s->bodies++;
	}
	BENCH_LOOP(state) {
		s->bodies++;
	}
}

static void second_loop_is_an_error_and_not_executed(void **state)
{
	const struct bench_spec spec = spec_of("twice", loop_twice);

	(void)state;
	assert_non_null(strstr(run_one(&spec)->error, "second BENCH_LOOP"));
	assert_int_equal(seen.bodies, 10);
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

static void loop_in_loop_is_an_error_and_not_executed(void **state)
{
	const struct bench_spec spec = spec_of("nested", loop_in_loop);

	(void)state;
	assert_non_null(strstr(run_one(&spec)->error, "second BENCH_LOOP"));
	assert_int_equal(seen.bodies, 10);
}

static void no_loop(struct bench_state *state, void *user_data)
{
	(void)state;
	(void)user_data;
}

static void function_without_loop_is_an_error(void **state)
{
	const struct bench_spec spec = spec_of("no_loop", no_loop);

	(void)state;
	assert_non_null(strstr(run_one(&spec)->error, "without a BENCH_LOOP"));
}

static void leave_loop(struct bench_state *state, void *user_data)
{
	(void)user_data;
	BENCH_LOOP(state) {
		break;
	}
}

static void leaving_the_loop_without_a_skip_is_an_error(void **state)
{
	const struct bench_spec spec = spec_of("left", leave_loop);

	(void)state;
	assert_non_null(strstr(run_one(&spec)->error, "left BENCH_LOOP before its end"));
	assert_int_equal(results.items[0].result.iterations, 0);
}

static void return_from_loop(struct bench_state *state, void *user_data)
{
	(void)user_data;
	BENCH_LOOP(state) {
		bench_skip(state, "returned");
		return;
	}
}

static void returning_from_the_loop_after_a_skip_is_a_skip(void **state)
{
	const struct bench_spec spec = spec_of("returned", return_from_loop);

	(void)state;
	assert_string_equal(run_one(&spec)->error, "returned");
}

/* ---- Registration ---- */

static void refuse(struct bench_spec spec, const char *reason)
{
	assert_int_equal(bench_register(&spec), -1);
	if (strstr(bench_error(), reason) == NULL)
		fail_msg("'%s' does not say '%s'", bench_error(), reason);
	assert_int_equal(bench_run(NULL, NULL, NULL), 0);
}

static void unusable_specs_are_refused_with_a_reason(void **state)
{
	struct bench_spec spec;

	(void)state;
	assert_int_equal(bench_register(NULL), -1);
	assert_non_null(strstr(bench_error(), "NULL"));
	refuse(spec_of(NULL, no_loop), "name");
	refuse(spec_of("", no_loop), "name");
	refuse(spec_of("no function", NULL), "function");

	spec = spec_of("too many", no_loop);
	spec.iterations = UINT64_C(1) << 63;
	refuse(spec, "iterations");

	spec = spec_of("too many", no_loop);
	spec.threads = UINT32_C(1) << 31;
	refuse(spec, "threads");

	spec = spec_of("too many", no_loop);
	spec.repetitions = UINT32_C(1) << 31;
	refuse(spec, "repetitions");

	spec = spec_of("both", no_loop);
	spec.min_time_s = 1;
	refuse(spec, "not both");

	spec = spec_of("no time", no_loop);
	spec.iterations = 0;
	spec.min_time_s = -1;
	refuse(spec, "min_time_s");
	spec.min_time_s = NAN;
	refuse(spec, "min_time_s");
	spec.min_time_s = INFINITY;
	refuse(spec, "min_time_s");

	spec = spec_of("no unit", no_loop);
	spec.time_unit = (enum bench_time_unit)(BENCH_SECONDS + 1);
	refuse(spec, "time_unit");
}

static void name_is_copied(void **state)
{
	char name[] = "before";
	const struct bench_spec spec = spec_of(name, count_bodies);

	(void)state;
	add(&spec);
	memcpy(name, "AFTER!", sizeof(name));
	assert_int_equal(bench_run(NULL, keep_result, &results), 1);
	assert_string_equal(results.items[0].name, "before");
}

static void clear_removes_all(void **state)
{
	const struct bench_spec one = spec_of("one", count_bodies);
	const struct bench_spec two = spec_of("two", count_bodies);

	(void)state;
	add(&one);
	add(&two);
	bench_clear();
	assert_int_equal(bench_run(NULL, keep_result, &results), 0);
	assert_int_equal(results.count, 0);
	assert_int_equal(seen.calls, 0);
	assert_string_equal(run_one(&two)->name, "two");
}

/* ---- Running ---- */

static void each_repetition_gives_a_result(void **state)
{
	struct bench_spec spec = spec_of("repeated", count_bodies);

	(void)state;
	spec.repetitions = 4;
	spec.use_real_time = true;
	add(&spec);
	assert_int_equal(bench_run(NULL, keep_result, &results), 1);
	assert_int_equal(results.count, 4);
	assert_int_equal(seen.calls, 4);
	assert_int_equal(seen.bodies, 40);
	for (unsigned i = 0; i < 4; i++) {
		assert_string_equal(results.items[i].name, "repeated");
		assert_int_equal(results.items[i].result.repetition, i);
		assert_int_equal(results.items[i].result.iterations, 10);
		assert_int_equal(results.items[i].result.threads, 1);
		assert_string_equal(results.items[i].error, "");
		assert_string_equal(results.items[i].label, "");
	}
}

static void benchmarks_run_in_order_of_registration_and_can_run_again(void **state)
{
	static const char *const names[] = {"c", "a", "b"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		const struct bench_spec spec = spec_of(names[i], count_bodies);

		add(&spec);
	}
	assert_int_equal(bench_run(NULL, keep_result, &results), 3);
	assert_int_equal(bench_run("", keep_result, &results), 3);
	assert_int_equal(results.count, 6);
	for (int i = 0; i < 6; i++)
		assert_string_equal(results.items[i].name, names[i % 3]);
}

static void filter_matches_names_as_registered(void **state)
{
	const struct bench_spec one = spec_of("copy/small", count_bodies);
	const struct bench_spec two = spec_of("copy/large", count_bodies);

	(void)state;
	add(&one);
	add(&two);
	assert_int_equal(bench_run("^copy/(large|huge)$", keep_result, &results), 1);
	assert_int_equal(results.count, 1);
	assert_string_equal(results.items[0].name, "copy/large");
	assert_int_equal(bench_run("iterations", keep_result, &results), 0);
	assert_int_equal(results.count, 1);
}

static void filter_that_is_no_regular_expression_is_an_error(void **state)
{
	const struct bench_spec spec = spec_of("name", count_bodies);

	(void)state;
	add(&spec);
	assert_int_equal(bench_run("(", keep_result, &results), -1);
	assert_non_null(strstr(bench_error(), "filter '('"));
	assert_int_equal(results.count, 0);
}

static void callback_may_be_null(void **state)
{
	const struct bench_spec spec = spec_of("unheard", count_bodies);

	(void)state;
	add(&spec);
	assert_int_equal(bench_run(NULL, NULL, NULL), 1);
	assert_int_equal(seen.bodies, 10);
}

static void running_prints_nothing(void **state)
{
	const struct bench_spec spec = spec_of("silent", count_bodies);
	const struct bench_spec skipped = spec_of("skipped", return_from_loop);
	FILE *file = tmpfile();
	int saved[2];
	long written;

	(void)state;
	assert_non_null(file);
	add(&spec);
	add(&skipped);
	fflush(NULL);
	for (int fd = 1; fd <= 2; fd++) {
		saved[fd - 1] = dup(fd);
		dup2(fileno(file), fd);
	}
	bench_run(NULL, keep_result, &results);
	bench_run("matches nothing", keep_result, &results);
	bench_run("(", keep_result, &results);
	fflush(NULL);
	for (int fd = 1; fd <= 2; fd++) {
		dup2(saved[fd - 1], fd);
		close(saved[fd - 1]);
	}
	fseek(file, 0, SEEK_END);
	written = ftell(file);
	fclose(file);
	assert_int_equal(written, 0);
	assert_int_equal(results.count, 2);
}

/* ---- What a function reports ---- */

static void report_all(struct bench_state *state, void *user_data)
{
	(void)user_data;
	BENCH_LOOP(state) {
		bench_clobber_memory();
	}
	bench_set_counter(state, "sum", 6, BENCH_COUNTER_PLAIN);
	bench_set_counter(state, "mean", 6, BENCH_COUNTER_AVERAGE_THREADS);
	bench_set_counter(state, "each", 600, BENCH_COUNTER_PER_ITERATION);
	bench_set_counter(state, "again", 1, BENCH_COUNTER_PLAIN);
	bench_set_counter(state, "again", 2, BENCH_COUNTER_PLAIN);
	bench_set_label(state, "with a label");
}

static void counters_and_label_arrive(void **state)
{
	struct bench_spec spec = spec_of("counters", report_all);
	const struct kept_result *result = run_one(&spec);

	(void)state;
	assert_string_equal(result->label, "with a label");
	assert_int_equal(result->result.counter_count, 4);
	assert_string_equal(result->counter_names[0], "again");
	assert_string_equal(result->counter_names[1], "each");
	assert_string_equal(result->counter_names[2], "mean");
	assert_string_equal(result->counter_names[3], "sum");
	assert_true(counter_of(result, "again") == 2);
	assert_true(counter_of(result, "each") == 60);
	assert_true(counter_of(result, "mean") == 6);
	assert_true(counter_of(result, "sum") == 6);
}

static void counters_of_threads_are_added_or_averaged(void **state)
{
	struct bench_spec spec = spec_of("counters", report_all);
	const struct kept_result *result;

	(void)state;
	spec.threads = THREADS;
	result = run_one(&spec);
	assert_true(counter_of(result, "sum") == 6 * THREADS);
	assert_true(counter_of(result, "mean") == 6);
	assert_true(counter_of(result, "each") == 60);
}

static void process_work(struct bench_state *state, void *user_data)
{
	(void)user_data;
	BENCH_LOOP(state) {
		bench_clobber_memory();
	}
	bench_set_items_processed(state, bench_iterations(state));
	bench_set_bytes_processed(state, 8 * bench_iterations(state));
	bench_set_counter(state, "rate", 5, BENCH_COUNTER_RATE);
}

static void work_done_becomes_rates(void **state)
{
	const struct bench_spec spec = spec_of("rates", process_work);
	const struct kept_result *result = run_one(&spec);

	(void)state;
	assert_int_equal(result->result.counter_count, 3);
	counter_of(result, "items_per_second");
	counter_of(result, "bytes_per_second");
	counter_of(result, "rate");
}

static void set_unknown_flag(struct bench_state *state, void *user_data)
{
	(void)user_data;
	BENCH_LOOP(state) {
		bench_clobber_memory();
	}
	bench_set_counter(state, "odd", 1, 1 << 20);
}

static void unknown_counter_flag_is_an_error(void **state)
{
	const struct bench_spec spec = spec_of("odd", set_unknown_flag);

	(void)state;
	assert_non_null(strstr(run_one(&spec)->error, "unknown flag"));
}

static void skip_before_loop(struct bench_state *state, void *user_data)
{
	struct seen *s = user_data;

	bench_set_counter(state, "counter", 1, BENCH_COUNTER_PLAIN);
	bench_skip(state, "not here");
	bench_skip(state, "second message");
	BENCH_LOOP(state) {
		s->bodies++;
	}
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

static void expect_skip(bench_function function, uint64_t bodies)
{
	const struct bench_spec spec = spec_of("skipped", function);
	const struct kept_result *result = run_one(&spec);

	assert_string_equal(result->name, "skipped");
	assert_string_equal(result->error, "not here");
	assert_int_equal(result->result.iterations, 0);
	assert_int_equal(result->result.counter_count, 0);
	assert_true(result->result.real_ns == 0);
	assert_true(result->result.cpu_ns == 0);
	assert_int_equal(seen.bodies, bodies);
}

static void skip_before_the_loop_executes_no_body(void **state)
{
	(void)state;
	expect_skip(skip_before_loop, 0);
}

static void skip_needs_no_loop(void **state)
{
	(void)state;
	expect_skip(skip_at_once, 0);
}

static void skip_inside_the_loop_ends_it_with_break(void **state)
{
	(void)state;
	expect_skip(skip_in_third_body, 3);
}

static void skip_leaves_other_benchmarks_alone(void **state)
{
	const struct bench_spec skipped = spec_of("skipped", skip_at_once);
	const struct bench_spec measured = spec_of("measured", count_bodies);

	(void)state;
	add(&skipped);
	add(&measured);
	assert_int_equal(bench_run(NULL, keep_result, &results), 2);
	assert_string_equal(results.items[0].error, "not here");
	assert_string_equal(results.items[1].error, "");
	assert_int_equal(results.items[1].result.iterations, 10);
}

/* ---- Threads ---- */

static void count_threads(struct bench_state *state, void *user_data)
{
	struct seen *s = user_data;
	bool first = true;

	s->calls++;
	s->thread_count = bench_thread_count(state);
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
	struct bench_spec spec = spec_of("threads", count_threads);
	const struct kept_result *result;

	(void)state;
	spec.threads = THREADS;
	spec.iterations = 50;
	result = run_one(&spec);
	assert_string_equal(result->error, "");
	assert_int_equal(result->result.threads, THREADS);
	assert_int_equal(result->result.iterations, 50 * THREADS);
	assert_int_equal(seen.calls, THREADS);
	assert_int_equal(seen.thread_count, THREADS);
	assert_int_equal(seen.bodies, 50 * THREADS);
	assert_int_equal(seen.started_early, 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(seen.calls_by_thread[i], 1);
}

static void skip_in_one_thread(struct bench_state *state, void *user_data)
{
	struct seen *s = user_data;

	if (bench_thread_index(state) == 1) {
		bench_skip(state, "thread 1 cannot");
		return;
	}
	BENCH_LOOP(state) {
		s->bodies++;
	}
}

static void skip_in_one_thread_is_the_result_and_stops_no_other(void **state)
{
	struct bench_spec spec = spec_of("one skips", skip_in_one_thread);

	(void)state;
	spec.threads = THREADS;
	assert_string_equal(run_one(&spec)->error, "thread 1 cannot");
	assert_int_equal(seen.bodies, 10 * (THREADS - 1));
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
		cmocka_unit_test_setup(body_runs_exactly_as_often_as_the_spec_says, reset),
		cmocka_unit_test_setup(planned_iterations_are_known_before_and_after_the_loop,
				       reset),
		cmocka_unit_test_setup(continue_goes_on_with_the_next_iteration, reset),
		cmocka_unit_test_setup(second_loop_is_an_error_and_not_executed, reset),
		cmocka_unit_test_setup(loop_in_loop_is_an_error_and_not_executed, reset),
		cmocka_unit_test_setup(function_without_loop_is_an_error, reset),
		cmocka_unit_test_setup(leaving_the_loop_without_a_skip_is_an_error, reset),
		cmocka_unit_test_setup(returning_from_the_loop_after_a_skip_is_a_skip, reset),
		cmocka_unit_test_setup(unusable_specs_are_refused_with_a_reason, reset),
		cmocka_unit_test_setup(name_is_copied, reset),
		cmocka_unit_test_setup(clear_removes_all, reset),
		cmocka_unit_test_setup(each_repetition_gives_a_result, reset),
		cmocka_unit_test_setup(benchmarks_run_in_order_of_registration_and_can_run_again,
				       reset),
		cmocka_unit_test_setup(filter_matches_names_as_registered, reset),
		cmocka_unit_test_setup(filter_that_is_no_regular_expression_is_an_error, reset),
		cmocka_unit_test_setup(callback_may_be_null, reset),
		cmocka_unit_test_setup(running_prints_nothing, reset),
		cmocka_unit_test_setup(counters_and_label_arrive, reset),
		cmocka_unit_test_setup(counters_of_threads_are_added_or_averaged, reset),
		cmocka_unit_test_setup(work_done_becomes_rates, reset),
		cmocka_unit_test_setup(unknown_counter_flag_is_an_error, reset),
		cmocka_unit_test_setup(skip_before_the_loop_executes_no_body, reset),
		cmocka_unit_test_setup(skip_needs_no_loop, reset),
		cmocka_unit_test_setup(skip_inside_the_loop_ends_it_with_break, reset),
		cmocka_unit_test_setup(skip_leaves_other_benchmarks_alone, reset),
		cmocka_unit_test_setup(every_thread_runs_the_loop_after_all_are_ready, reset),
		cmocka_unit_test_setup(skip_in_one_thread_is_the_result_and_stops_no_other, reset),
		cmocka_unit_test_setup(library_has_a_name, reset),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	bench_clear();
	return failed;
}
