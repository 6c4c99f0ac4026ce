/* What only the library that measures can show: times, and iterations that it chooses. */
#include "harness/shim/bench.h"
#include "harness/worker/clock.h"
#include "kernels/tests/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

struct kept {
	unsigned count;
	struct bench_result last;
};

static uint64_t last_loop_ns;
static uint64_t last_bodies;

static void keep_result(const struct bench_result *result, void *user_data)
{
	struct kept *kept = user_data;

	kept->count++;
	kept->last = *result;
	assert_null(result->error);
	assert_true(result->real_ns > 0);
	assert_true(result->cpu_ns > 0);
}

/* Some hundred iterations of this take longer than any clock's resolution. */
static void work(struct bench_state *state, void *user_data)
{
	static char page[4096];
	uint64_t start = 0;

	(void)user_data;
	last_bodies = 0;
	BENCH_LOOP(state) {
		if (last_bodies++ == 0)
			start = clock_now_ns();
		memset(page, 1, sizeof(page));
		bench_do_not_optimize(page);
		last_loop_ns = clock_now_ns() - start;
	}
}

static struct kept run(uint64_t iterations, unsigned repetitions)
{
	const struct bench_spec spec = {
		.name = "timed",
		.function = work,
		.iterations = iterations,
		.repetitions = repetitions,
	};
	struct kept kept = {0};

	assert_null(bench_run(&spec, keep_result, &kept));
	return kept;
}

/* Between what was seen inside of the loop and outside of the run, by the same clock. */
static void times_are_nanoseconds_per_iteration(void **state)
{
	uint64_t start = clock_now_ns();
	struct kept kept = run(1000, 1);
	uint64_t run_ns = clock_now_ns() - start;

	(void)state;
	assert_int_equal(last_bodies, 1000);
	assert_true(kept.last.real_ns * 1000 >= (double)last_loop_ns * 0.999);
	assert_true(kept.last.real_ns * 1000 <= (double)run_ns * 1.001);
}

static void iterations_are_chosen_when_none_are_given(void **state)
{
	(void)state;
	assert_int_equal(run(0, 1).count, 1);
	assert_true(last_bodies > 1);
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
	assert_int_equal(run(3, 0).count, 1);
	assert_int_equal(last_bodies, 3);
	assert_int_equal(run(3, 2).count, 2);
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
		cmocka_unit_test(times_are_nanoseconds_per_iteration),
		cmocka_unit_test(iterations_are_chosen_when_none_are_given),
		cmocka_unit_test(environment_does_not_change_a_run),
		cmocka_unit_test(library_says_how_it_was_built),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
