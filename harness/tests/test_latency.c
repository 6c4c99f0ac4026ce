/* Facts about what was timed, and never how long it took. */
#include "kernels/tests/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "harness/worker/clock.h"
#include "harness/worker/histogram.h"
#include "harness/worker/latency.h"
#include "expected_checksum.h"
#include "support.h"

static struct latency_result result;

static void latency_good(const struct measure_request *request)
{
	struct error error = {""};
	enum measure_status status;

	memset(&result, 0x55, sizeof result);
	status = latency(request, &result, &error);
	if (status != MEASURE_OK)
		fail_msg("%s, %zu rows of %zu bytes: status %d, %s", request->strategy->name,
			 request->rows, request->row_bytes, (int)status, error.text);
}

static void assert_consistent(const struct measure_request *request)
{
	assert_int_equal(result.append_count, request->rows);
	assert_int_equal(result.checksum, expected_checksum(request));
	assert_true(result.median_ns <= result.p90_ns);
	assert_true(result.p90_ns <= result.p99_ns);
	assert_true(result.p99_ns <= result.max_ns);
	assert_int_equal(result.p99_9_known, request->rows >= 1000);
	assert_int_equal(result.p99_99_known, request->rows >= 10000);
	if (result.p99_9_known)
		assert_true(result.p99_ns <= result.p99_9_ns && result.p99_9_ns <= result.max_ns);
	if (result.p99_99_known)
		assert_true(result.p99_9_ns <= result.p99_99_ns &&
			    result.p99_99_ns <= result.max_ns);
	assert_true(result.max_ns <= result.total_ns);
	assert_true(result.total_ns <= result.max_ns * request->rows);
	assert_true(result.slowest_share >=
		    (double)result.max_ns / (double)result.total_ns * (1 - 1e-9));
	assert_true(result.slowest_share <= 1);
	assert_true(result.error_share > 0 && result.error_share < 0.01);
	assert_true(result.timer_ns > 0);
}

static void each_append_of_every_strategy_is_timed(void **state)
{
	static const struct {
		size_t rows;
		size_t row_bytes;
		enum row_work work;
	} sizes[] = {
		{1, 8, ROW_WORK_CHEAP},     {7, 1, ROW_WORK_CHEAP},
		{999, 80, ROW_WORK_CHEAP},  {1000, 24, ROW_WORK_RANDOM},
		{10000, 8, ROW_WORK_CHEAP}, {20, 70000, ROW_WORK_CHEAP},
	};
	size_t timed = 0;

	(void)state;
	for (size_t s = 0; strategies[s] != NULL; s++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			const struct measure_request request = {
				.strategy = strategies[s],
				.rows = sizes[i].rows,
				.row_bytes = sizes[i].row_bytes,
				.threads = 1,
				.work = sizes[i].work,
			};

			if (!strategy_supports(strategies[s], sizes[i].row_bytes))
				continue;
			latency_good(&request);
			assert_consistent(&request);
			timed++;
		}
	}
	assert_true(timed >= 11 * COUNT_OF(sizes));
}

/* Counts what really happens, in front of a strategy that works. */
static struct {
	unsigned begins;
	unsigned appends;
	unsigned finishes;
	unsigned releases;
	uint64_t first_ns; /* when begin was called */
	uint64_t last_ns;  /* when finish returned */
	unsigned fail_at;  /* an append's number, from 1; 0: none */
	unsigned slow_at;
	bool fail_begin;
	bool fail_finish;
	bool slow_begin;
	bool slow_finish;
	bool wrong;
} spy;

static const struct strategy *spied_on;

static const uint64_t slow_ns = 5000000;

static void wait_a_little(void)
{
	const uint64_t start = clock_now_ns();

	while (clock_now_ns() - start < slow_ns)
		continue;
}

static enum build_status spy_begin(struct array *array, size_t rows)
{
	spy.begins++;
	spy.first_ns = clock_now_ns();
	if (spy.slow_begin)
		wait_a_little();
	if (spy.fail_begin)
		return BUILD_OUT_OF_MEMORY;
	return spied_on->begin != NULL ? spied_on->begin(array, rows) : BUILD_OK;
}

static enum build_status spy_append(struct array *array, const void *row)
{
	spy.appends++;
	if (spy.appends == spy.slow_at)
		wait_a_little();
	return spy.appends == spy.fail_at ? BUILD_OUT_OF_MEMORY : spied_on->append(array, row);
}

static enum build_status spy_finish(struct array *array)
{
	spy.finishes++;
	if (spy.slow_finish)
		wait_a_little();
	if (spy.fail_finish)
		return BUILD_OUT_OF_MEMORY;
	if (spied_on->finish != NULL && spied_on->finish(array) != BUILD_OK)
		return BUILD_OUT_OF_MEMORY;
	spy.last_ns = clock_now_ns();
	return BUILD_OK;
}

static uint64_t spy_scan(const struct array *array)
{
	return spied_on->scan(array) + spy.wrong;
}

static void spy_release(struct array *array)
{
	spy.releases++;
	spied_on->release(array);
}

static struct strategy spy_on(const char *name)
{
	struct strategy strategy;

	spied_on = strategy_find("c", name);
	assert_non_null(spied_on);
	strategy = *spied_on;
	strategy.begin = spy_begin;
	strategy.append = spy_append;
	strategy.finish = spy_finish;
	strategy.scan = spy_scan;
	strategy.release = spy_release;
	memset(&spy, 0, sizeof spy);
	return strategy;
}

static struct measure_request request_for(const struct strategy *strategy)
{
	return (struct measure_request){
		.strategy = strategy,
		.rows = 2000,
		.row_bytes = 8,
		.threads = 1,
	};
}

static void there_is_one_build_and_it_is_released(void **state)
{
	const struct strategy strategy = spy_on("list_of_pointers_packed");
	const struct measure_request request = request_for(&strategy);

	(void)state;
	latency_good(&request);
	assert_int_equal(spy.begins, 1);
	assert_int_equal(spy.appends, request.rows);
	assert_int_equal(spy.finishes, 1);
	assert_int_equal(spy.releases, 1);
}

static void the_times_add_up_to_the_whole_build(void **state)
{
	const struct strategy strategy = spy_on("realloc_doubling");
	const struct measure_request request = request_for(&strategy);
	uint64_t start;

	(void)state;
	start = clock_now_ns();
	latency_good(&request);
	assert_true(result.total_ns >= spy.last_ns - spy.first_ns);
	assert_true(result.total_ns <= clock_now_ns() - start);
}

/* A wait of 5 ms in any one place is the maximum, is in the total, and is not the median: it is
 * not lost, and not spread over the appends. */
static void a_slow_append_begin_or_finish_is_the_maximum_and_not_the_median(void **state)
{
	(void)state;
	for (int where = 0; where < 4; where++) {
		const struct strategy strategy = spy_on("realloc_doubling");
		const struct measure_request request = request_for(&strategy);

		spy.slow_begin = where == 0;
		spy.slow_at = where == 1 ? 1 : where == 2 ? 1234 : 0;
		spy.slow_finish = where == 3;
		latency_good(&request);
		assert_true(result.max_ns >= slow_ns);
		assert_true(result.total_ns >= slow_ns);
		assert_true(result.median_ns < slow_ns);
		assert_true(result.slowest_share > 0);
	}
}

static void rows_that_are_not_those_of_the_source_are_no_measurement(void **state)
{
	const struct strategy strategy = spy_on("realloc_doubling");
	const struct measure_request request = request_for(&strategy);
	struct error error = {""};

	(void)state;
	spy.wrong = true;
	assert_int_equal(latency(&request, &result, &error), MEASURE_WRONG_CHECKSUM);
	assert_contains(error.text, "checksum");
	assert_int_equal(spy.releases, 1);
}

static void a_build_without_memory_is_no_measurement_whenever_it_happens(void **state)
{
	static const unsigned fail_at[] = {1, 2, 1999, 2000, 0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fail_at); i++) {
		const struct strategy strategy = spy_on("realloc_doubling");
		const struct measure_request request = request_for(&strategy);
		struct error error = {""};

		spy.fail_at = fail_at[i];
		spy.fail_finish = fail_at[i] == 0;
		assert_int_equal(latency(&request, &result, &error), MEASURE_OUT_OF_MEMORY);
		assert_contains(error.text, "out of memory");
		assert_int_equal(spy.releases, 1);
		/* It stops at the append that failed. */
		assert_int_equal(spy.appends, fail_at[i] == 0 ? request.rows : fail_at[i]);
	}
}

static void begin_without_memory_is_no_measurement(void **state)
{
	const struct strategy strategy = spy_on("preallocate_then_fill");
	const struct measure_request request = request_for(&strategy);
	struct error error = {""};

	(void)state;
	spy.fail_begin = true;
	assert_int_equal(latency(&request, &result, &error), MEASURE_OUT_OF_MEMORY);
	assert_int_equal(spy.appends, 0);
	assert_int_equal(spy.finishes, 0);
	assert_int_equal(spy.releases, 1);
}

static long faults_now(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static struct {
	unsigned appends;
	long first;
	long last;
} faults;

/* Takes longer and longer, so that many bins are written to. */
static enum build_status append_and_count_faults(struct array *array, const void *row)
{
	const uint64_t start = clock_now_ns();

	(void)array;
	(void)row;
	while (clock_now_ns() - start < (uint64_t)faults.appends * 100)
		continue;
	faults.last = faults_now();
	if (faults.appends++ == 0)
		faults.first = faults.last;
	return BUILD_OK;
}

static void the_stopwatch_takes_no_page_faults_of_its_own(void **state)
{
	struct strategy strategy = *strategy_find("c", "realloc_doubling");
	const struct measure_request request = request_for(&strategy);
	struct error error = {""};

	(void)state;
	/* Code and stack of the append itself are there after the first call. */
	strategy.append = append_and_count_faults;
	memset(&faults, 0, sizeof faults);
	assert_int_equal(latency(&request, &result, &error), MEASURE_WRONG_CHECKSUM);
	assert_int_equal(faults.appends, request.rows);
	assert_int_equal(faults.last - faults.first, 0);
}

static void more_than_one_thread_is_refused(void **state)
{
	static const unsigned threads[] = {0, 2, 8};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		struct measure_request request =
			request_for(strategy_find("c", "realloc_doubling"));
		struct error error = {""};

		request.threads = threads[i];
		assert_int_equal(latency(&request, &result, &error), MEASURE_FAILED);
		assert_contains(error.text, "one thread");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_append_of_every_strategy_is_timed),
		cmocka_unit_test(there_is_one_build_and_it_is_released),
		cmocka_unit_test(the_times_add_up_to_the_whole_build),
		cmocka_unit_test(a_slow_append_begin_or_finish_is_the_maximum_and_not_the_median),
		cmocka_unit_test(rows_that_are_not_those_of_the_source_are_no_measurement),
		cmocka_unit_test(a_build_without_memory_is_no_measurement_whenever_it_happens),
		cmocka_unit_test(begin_without_memory_is_no_measurement),
		cmocka_unit_test(the_stopwatch_takes_no_page_faults_of_its_own),
		cmocka_unit_test(more_than_one_thread_is_refused),
	};

	return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
