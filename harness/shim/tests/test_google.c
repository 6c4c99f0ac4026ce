/* What only the library that measures can show: times, rates, exceptions. */
#include "results.h"
#include "kernels/tests/cmocka_headers.h"
#include "throwing.h"

#include <stddef.h>
#include <stdlib.h>

static struct kept_results results;

static int reset(void **state)
{
	(void)state;
	bench_clear();
	memset(&results, 0, sizeof(results));
	return 0;
}

/* Some hundred iterations of this take longer than any clock's resolution. */
static void work(struct bench_state *state, void *user_data)
{
	static char page[4096];

	(void)user_data;
	BENCH_LOOP(state) {
		memset(page, 1, sizeof(page));
		bench_do_not_optimize(page);
	}
	bench_set_items_processed(state, bench_iterations(state));
}

static void run(struct bench_spec spec)
{
	if (bench_register(&spec) != 0)
		fail_msg("bench_register: %s", bench_error());
	assert_int_equal(bench_run(NULL, keep_result, &results), 1);
}

static void times_and_rates_are_positive_whatever_the_unit(void **state)
{
	(void)state;
	run((struct bench_spec){
		.name = "timed",
		.function = work,
		.iterations = 1000,
		.repetitions = 2,
		.time_unit = BENCH_SECONDS,
	});
	assert_int_equal(results.count, 2);
	for (int i = 0; i < 2; i++) {
		const struct kept_result *kept = &results.items[i];

		assert_string_equal(kept->error, "");
		assert_true(kept->result.real_ns > 0);
		assert_true(kept->result.cpu_ns > 0);
		assert_int_equal(kept->result.counter_count, 1);
		assert_string_equal(kept->counter_names[0], "items_per_second");
		assert_true(kept->counter_values[0] > 0);
	}
}

/* items/s is 1e9/cpu_ns for one item an iteration, which ties the unit of cpu_ns to a second. */
static void times_are_nanoseconds_per_iteration(void **state)
{
	double product;

	(void)state;
	run((struct bench_spec){.name = "timed", .function = work, .iterations = 1000});
	product = results.items[0].counter_values[0] * results.items[0].result.cpu_ns;
	assert_true(product > 0.999e9 && product < 1.001e9);
}

static void rate_goes_by_wall_time_on_request(void **state)
{
	double product;

	(void)state;
	run((struct bench_spec){
		.name = "timed",
		.function = work,
		.iterations = 1000,
		.use_real_time = true,
		.measure_process_cpu_time = true,
	});
	product = results.items[0].counter_values[0] * results.items[0].result.real_ns;
	assert_true(product > 0.999e9 && product < 1.001e9);
}

static void iterations_are_chosen_when_none_are_given(void **state)
{
	(void)state;
	run((struct bench_spec){.name = "chosen", .function = work, .min_time_s = 0.1});
	assert_int_equal(results.count, 1);
	assert_true(results.items[0].result.iterations > 1);
}

/* Google Benchmark reads these; a run goes by its spec alone. */
static void environment_does_not_change_a_run(void **state)
{
	static const char *const settings[] = {
		"BENCHMARK_LIST_TESTS",
		"BENCHMARK_REPETITIONS",
		"BENCHMARK_REPORT_AGGREGATES_ONLY",
		"BENCHMARK_FILTER",
	};

	(void)state;
	/* They were set before this process began: see CMakeLists.txt. */
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (getenv(settings[i]) == NULL)
			fail_msg("this test must be run with %s set", settings[i]);
	run((struct bench_spec){.name = "one", .function = work, .iterations = 3});
	assert_int_equal(results.count, 1);
	assert_int_equal(results.items[0].result.iterations, 3);

	reset(state);
	run((struct bench_spec){
		.name = "two",
		.function = work,
		.iterations = 3,
		.repetitions = 2,
	});
	assert_int_equal(results.count, 2);
}

static void exception_is_an_error_with_its_text(void **state)
{
	(void)state;
	run((struct bench_spec){
		.name = "throws",
		.function = throw_before_loop,
		.iterations = 10,
		.repetitions = 2,
	});
	assert_int_equal(results.count, 2);
	for (int i = 0; i < 2; i++)
		assert_string_equal(results.items[i].error,
				    "the benchmark function threw: too hot");
}

static void exception_in_one_thread_stops_no_other(void **state)
{
	(void)state;
	run((struct bench_spec){
		.name = "throws",
		.function = throw_in_loop_of_last_thread,
		.iterations = 10,
		.threads = 3,
	});
	assert_int_equal(results.count, 1);
	assert_non_null(strstr(results.items[0].error, "unknown type"));
	assert_int_equal(results.items[0].result.iterations, 0);
}

static void exception_of_callback_is_an_error_of_the_run(void **state)
{
	const struct bench_spec spec = {
		.name = "unheard",
		.function = work,
		.iterations = 10,
		.repetitions = 3,
	};
	unsigned calls = 0;

	(void)state;
	assert_int_equal(bench_register(&spec), 0);
	assert_int_equal(bench_run(NULL, throw_from_callback, &calls), -1);
	assert_string_equal(bench_error(), "too cold");
	assert_int_equal(calls, 1);
	assert_int_equal(bench_run(NULL, keep_result, &results), 1);
	assert_int_equal(results.count, 3);
}

static void library_says_how_it_was_built(void **state)
{
	const struct bench_library library = bench_library_info();

	(void)state;
	assert_non_null(library.version);
	assert_true(library.version[0] >= '0' && library.version[0] <= '9');
	assert_int_not_equal(library.build, BENCH_BUILD_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(times_and_rates_are_positive_whatever_the_unit, reset),
		cmocka_unit_test_setup(times_are_nanoseconds_per_iteration, reset),
		cmocka_unit_test_setup(rate_goes_by_wall_time_on_request, reset),
		cmocka_unit_test_setup(iterations_are_chosen_when_none_are_given, reset),
		cmocka_unit_test_setup(environment_does_not_change_a_run, reset),
		cmocka_unit_test_setup(exception_is_an_error_with_its_text, reset),
		cmocka_unit_test_setup(exception_in_one_thread_stops_no_other, reset),
		cmocka_unit_test_setup(exception_of_callback_is_an_error_of_the_run, reset),
		cmocka_unit_test_setup(library_says_how_it_was_built, reset),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	bench_clear();
	return failed;
}
