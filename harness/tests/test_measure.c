/* Built twice: with Google Benchmark, and with its null twin, which reads no clock. */
#include "kernels/tests/cmocka_headers.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/shim/bench.h"
#include "harness/worker/measure.h"
#include "harness/worker/probes.h"
#include "expected_checksum.h"
#include "support.h"

static struct measure_result result;

static bool reads_a_clock(void)
{
	return strcmp(bench_library_info().name, "null") != 0;
}

/* In one thread, of cheap rows. */
static struct measure_request request_for(const struct strategy *strategy, size_t rows,
					  size_t row_bytes, uint64_t iterations, unsigned values)
{
	return (struct measure_request){
		.strategy = strategy,
		.rows = rows,
		.row_bytes = row_bytes,
		.threads = 1,
		.iterations = iterations,
		.values = values,
	};
}

static void measure_good(const struct measure_request *request)
{
	struct error error = {""};
	enum measure_status status;

	memset(&result, 0x55, sizeof result);
	status = measure(request, &result, &error);
	if (status != MEASURE_OK)
		fail_msg("%s, %zu rows of %zu bytes, %u threads: status %d, %s",
			 request->strategy->name, request->rows, request->row_bytes,
			 request->threads, (int)status, error.text);
	assert_int_equal(result.checksum, expected_checksum(request));
}

static void every_strategy_builds_the_same_rows_in_one_and_two_threads(void **state)
{
	static const struct {
		size_t rows;
		size_t row_bytes;
	} sizes[] = {{1, 8}, {7, 1}, {100, 80}, {1000, 24}, {100, 4096}};
	size_t measured = 0;

	(void)state;
	for (size_t s = 0; strategies[s] != NULL; s++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			if (!strategy_supports(strategies[s], sizes[i].row_bytes)) {
				print_message("%s has no rows of %zu bytes: left out\n",
					      strategies[s]->name, sizes[i].row_bytes);
				continue;
			}
			for (unsigned threads = 1; threads <= 2; threads++) {
				struct measure_request request = request_for(
					strategies[s], sizes[i].rows, sizes[i].row_bytes, 3, 2);

				request.threads = threads;
				measure_good(&request);
				assert_int_equal(result.warm_values, 2);
				measured++;
			}
		}
	}
	assert_true(measured >= 11 * COUNT_OF(sizes) * 2);
}

static void random_rows_are_other_rows_and_measured_too(void **state)
{
	struct measure_request request =
		request_for(strategy_find("c", "realloc_doubling"), 500, 80, 1, 1);
	uint64_t random;

	(void)state;
	request.work = ROW_WORK_RANDOM;
	measure_good(&request);
	random = result.checksum;
	request.work = ROW_WORK_CHEAP;
	measure_good(&request);
	assert_true(random != result.checksum);
}

static void as_many_values_are_taken_as_were_asked_for(void **state)
{
	static const unsigned counts[] = {1, 2, 3, 25, MEASURE_MAX_VALUES};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		const struct measure_request request =
			request_for(strategy_find("c", "append_in_place"), 50, 80, 10, counts[i]);

		measure_good(&request);
		assert_int_equal(result.warm_values, counts[i]);
		/* None, where all values are too short for one. */
		assert_true(result.timings.count * result.timings.batch <= 10 * counts[i]);
		for (unsigned value = 0; value < counts[i]; value++) {
			if (reads_a_clock())
				assert_true(result.warm_ns[value] > 0);
			else
				assert_true(result.warm_ns[value] == 0);
		}
	}
}

static void warm_builds_are_timed_in_one_thread_and_in_the_first_of_two(void **state)
{
	struct measure_request request =
		request_for(strategy_find("c", "realloc_doubling"), 100, 80, 5000, 3);

	(void)state;
	for (request.threads = 1; request.threads <= 2; request.threads++) {
		measure_good(&request);
		assert_true(result.timings.count > 0);
		assert_true(result.timings.count * result.timings.batch <= 15000);
		assert_true(timings_quantile(&result.timings, 0) > 0);
		for (size_t i = 1; i < result.timings.count; i++)
			assert_true(result.timings.ns[i - 1] <= result.timings.ns[i]);
	}
}

static void without_iterations_there_is_no_warm_part(void **state)
{
	struct measure_request request =
		request_for(strategy_find("c", "realloc_doubling"), 1000, 80, 0, 5);

	(void)state;
	request.threads = 2;
	measure_good(&request);
	assert_int_equal(result.warm_values, 0);
	assert_int_equal(result.timings.count, 0);
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		assert_true(result.cold_ns[phase] > 0);
}

/* Counts what really happens, in front of a strategy that works. */
static struct {
	unsigned builds;
	unsigned releases;
	unsigned scans;
	unsigned fail_at; /* a build's number, from 1; 0: none */
	unsigned wrong_at;
	bool is_slow;
} spy;

static const struct strategy *spied_on;

static enum build_status spy_build(struct array *array, size_t rows, struct row_source *source)
{
	const struct timespec longer = {.tv_nsec = MEASURE_LONGEST_WARM_UP_NS + 1000};
	enum build_status status = spied_on->build(array, rows, source);

	if (spy.is_slow)
		(void)nanosleep(&longer, NULL);
	spy.builds++;
	return spy.builds == spy.fail_at ? BUILD_OUT_OF_MEMORY : status;
}

static uint64_t spy_scan(const struct array *array)
{
	spy.scans++;
	return spied_on->scan(array) + (spy.scans == spy.wrong_at);
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
	strategy.build = spy_build;
	strategy.scan = spy_scan;
	strategy.release = spy_release;
	memset(&spy, 0, sizeof spy);
	return strategy;
}

static void every_build_is_counted_and_released(void **state)
{
	static const struct {
		uint64_t iterations;
		unsigned values;
		bool is_slow;
		unsigned builds;
		unsigned scans; /* only outside the timed values */
	} cases[] = {
		{0, 1, false, 1, 1},             /* cold only */
		{4, 3, false, 1 + 1 + 4 * 3, 2}, /* cold, warm-up, values */
		{4, 1, false, 1 + 1 + 4, 2},     /* the same steady state for a single value, */
		{1, 1, true, 1 + 1, 1},          /* unless that takes long */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct strategy strategy = spy_on("realloc_doubling");
		const struct measure_request request =
			request_for(&strategy, 20, 8, cases[i].iterations, cases[i].values);

		spy.is_slow = cases[i].is_slow;
		measure_good(&request);
		assert_int_equal(spy.builds, cases[i].builds);
		assert_int_equal(spy.releases, cases[i].builds);
		assert_int_equal(spy.scans, cases[i].scans);
	}
}

/* Measures 1 cold build, 1 warm-up and 2 x 3 timed ones, of which something is wrong. */
static void expect_no_measurement(unsigned wrong_at, unsigned fail_at, enum measure_status status,
				  const char *reason)
{
	const struct strategy strategy = spy_on("realloc_doubling");
	const struct measure_request request = request_for(&strategy, 20, 8, 2, 3);
	struct error error = {""};

	spy.wrong_at = wrong_at;
	spy.fail_at = fail_at;
	assert_int_equal(measure(&request, &result, &error), status);
	assert_contains(error.text, reason);
	assert_int_equal(spy.releases, spy.builds);
	assert_true(spy.builds >= fail_at);
}

static void rows_that_are_not_those_of_the_source_are_no_measurement(void **state)
{
	(void)state;
	expect_no_measurement(1, 0, MEASURE_WRONG_CHECKSUM, "cold");
	expect_no_measurement(2, 0, MEASURE_WRONG_CHECKSUM, "warm");
}

static void a_build_without_memory_is_no_measurement_whenever_it_happens(void **state)
{
	(void)state;
	for (unsigned fail_at = 1; fail_at <= 8; fail_at++)
		expect_no_measurement(0, fail_at, MEASURE_OUT_OF_MEMORY, "out of memory");
}

/* With room for 32 MiB more than there is: in a child, whose limit is its own. */
static int measure_without_memory(void *data)
{
	const struct measure_request *request = data;
	struct error error = {""};
	struct rlimit limit;
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%lu", &pages) != 1)
		return 90;
	(void)fclose(file);
	limit.rlim_cur = limit.rlim_max =
		pages * (rlim_t)sysconf(_SC_PAGESIZE) + (rlim_t)(32 << 20);
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		return 91;
	return (int)measure(request, &result, &error);
}

static void a_size_that_does_not_fit_is_out_of_memory_and_not_a_crash(void **state)
{
	size_t tried = 0;

	(void)state;
	if (SANITIZED)
		SKIP_BECAUSE("the sanitizer needs more address space than the limit");
	if (!address_space_can_be_limited())
		SKIP_BECAUSE("address space cannot be limited here");
	for (size_t s = 0; strategies[s] != NULL; s++) {
		struct measure_request request = request_for(strategies[s], 256, 1 << 20, 1, 1);
		struct strategy_cost cost;
		int status;

		if (strategies[s]->aborts_without_memory ||
		    !strategy_supports(strategies[s], request.row_bytes)) {
			print_message("%s ends the process without memory, or has no such rows: "
				      "left out\n",
				      strategies[s]->name);
			continue;
		}
		status = status_of_child(measure_without_memory, &request);

		if (!WIFEXITED(status) || WEXITSTATUS(status) != MEASURE_OUT_OF_MEMORY)
			fail_msg("%s ended with status %#x", strategies[s]->name, status);
		tried++;
		/* A size that fits is measured under the same limit, unless the strategy asks for
		 * far more than it needs: of address space, or for many rows at a time. */
		request.rows = 2;
		strategy_cost_of(strategies[s], request.rows, request.row_bytes, &cost);
		if (cost.mmap_count > 0 || cost.peak_moving_bytes > 16 << 20)
			continue;
		status = status_of_child(measure_without_memory, &request);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != MEASURE_OK)
			fail_msg("%s with 2 rows ended with status %#x", strategies[s]->name,
				 status);
	}
	assert_true(tried >= 11);
}

/* The first touch of 16 MiB is 4,096 faults of 4 KiB; fewer where pages are larger. */
static void peak_and_faults_are_those_of_the_cold_build(void **state)
{
	const uint64_t payload = 16 << 20;
	const struct measure_request request =
		request_for(strategy_find("c", "preallocate_then_fill"), 16 << 8, 4096, 0, 1);

	(void)state;
	measure_good(&request);
	assert_true(result.cold_build_minor_faults >= 1);
	if (!result.peak_known)
		SKIP_BECAUSE("this system does not let a process reset its peak");
	if (SHADOWED)
		SKIP_BECAUSE("the sanitizer's shadow is in the peak");
	/* Not twice, and not none; how exact it is, is what test_memory.c shows. */
	assert_true(result.peak_rss_bytes > result.rss_before_bytes);
	assert_in_range(result.peak_rss_bytes - result.rss_before_bytes, payload * 9 / 10,
			payload * (SANITIZED ? 2 : 1) * 11 / 10);
}

/* A build that asks for so many huge pages and touches each. */
enum {
	HUGE_COUNT = 3
};

static enum build_status build_of_huge_pages(struct array *array, size_t rows,
					     struct row_source *source)
{
	const size_t size = huge_pages_largest("");
	unsigned char *memory = mmap(NULL, (HUGE_COUNT + 1) * size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)rows;
	(void)source;
	if (memory == MAP_FAILED)
		return BUILD_OUT_OF_MEMORY;
	array->data = memory;
	memory += size - (uintptr_t)memory % size;
	(void)madvise(memory, HUGE_COUNT * size, MADV_HUGEPAGE);
	for (size_t i = 0; i < HUGE_COUNT; i++)
		((volatile unsigned char *)memory)[i * size] = 1;
	return BUILD_OK;
}

static void release_of_huge_pages(struct array *array)
{
	(void)munmap(array->data, (HUGE_COUNT + 1) * huge_pages_largest(""));
	array_forget(array);
}

static uint64_t no_checksum(const struct array *array)
{
	(void)array;
	return 0;
}

static uint64_t expect_no_checksum(struct row_source *source, size_t rows)
{
	(void)source;
	(void)rows;
	return 0;
}

/* Those of other processes may be among them at one time, but not at all times. */
static void huge_pages_of_the_cold_build_are_counted_for_themselves(void **state)
{
	static const struct strategy strategy = {
		.name = "huge_pages",
		.implementation = "test",
		.build = build_of_huge_pages,
		.scan = no_checksum,
		.release = release_of_huge_pages,
		.expected = expect_no_checksum,
	};
	const struct measure_request request = request_for(&strategy, 1, 8, 0, 1);
	const uint64_t size = huge_pages_largest("");
	const struct probe *probe = probe_find("touch_huge");
	struct probe_result probed;
	struct error error;

	(void)state;
	if (size == 0 || probe_run(probe, size, &probed, &error) != PROBE_OK)
		SKIP_BECAUSE("the kernel gives no huge pages here");
	for (int i = 0; i < 20; i++) {
		assert_int_equal(measure(&request, &result, &error), MEASURE_OK);
		if (result.huge_faults_known && result.cold_build_huge_faults.count == HUGE_COUNT)
			break;
	}
	if (!result.huge_faults_known)
		SKIP_BECAUSE("the kernel does not count faults of huge pages");
	assert_int_equal(result.cold_build_huge_faults.count, HUGE_COUNT);
	assert_int_equal(result.cold_build_huge_faults.bytes, HUGE_COUNT * size);
	assert_true(result.cold_build_minor_faults >= HUGE_COUNT);
}

static void a_list_of_cpus_that_cannot_be_is_refused(void **state)
{
	static const char *const bad[] = {"x", "0x", "0;1", ",0", "0,,1", "-1", "1024", "99999999"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct error error = {""};

		if (measure_pin(bad[i], &error))
			fail_msg("'%s' was accepted", bad[i]);
		assert_contains(error.text, "--cpus: ");
	}
}

static int pin_and_look(void *data)
{
	int cpu = *(const int *)data;
	struct error error = {""};
	char list[16];
	cpu_set_t now;

	(void)snprintf(list, sizeof list, "%d", cpu);
	if (!measure_pin(list, &error))
		return 10;
	if (sched_getaffinity(0, sizeof now, &now) != 0)
		return 11;
	return CPU_COUNT(&now) == 1 && CPU_ISSET(cpu, &now) ? 0 : 12;
}

static void pinning_puts_the_process_on_that_cpu_alone(void **state)
{
	int cpu = sched_getcpu();
	int status;

	(void)state;
	assert_true(cpu >= 0);
	status = status_of_child(pin_and_look, &cpu);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static enum build_status build_nothing(struct array *array, size_t rows, struct row_source *source)
{
	(void)array;
	(void)rows;
	(void)source;
	return BUILD_OK;
}

static void release_nothing(struct array *array)
{
	(void)array;
}

static void the_harness_itself_takes_no_fault_in_a_build(void **state)
{
	static const struct strategy nothing = {
		.name = "nothing",
		.implementation = "test",
		.build = build_nothing,
		.scan = no_checksum,
		.release = release_nothing,
		.expected = expect_no_checksum,
	};
	const struct measure_request request = request_for(&nothing, 1, 8, 0, 1);
	struct error error;

	(void)state;
	if (SANITIZED || is_emulated())
		SKIP_BECAUSE("a sanitizer and an emulator take faults of their own");
	assert_int_equal(measure(&request, &result, &error), MEASURE_OK);
	assert_int_equal(result.cold_build_minor_faults, 0);
}

/* ---- what copying patterns and other languages need besides ---- */

/* The order of calls, a letter each. */
static char calls[256];

static void note_call(char call)
{
	size_t used = strlen(calls);

	if (used < sizeof calls - 1)
		calls[used] = call;
}

static enum build_status prepare(struct row_source *source, size_t rows)
{
	note_call('p');
	assert_int_equal(rows, 40);
	source->input = calls;
	return BUILD_OK;
}

static enum build_status prepare_without_memory(struct row_source *source, size_t rows)
{
	(void)source;
	(void)rows;
	return BUILD_OUT_OF_MEMORY;
}

static void dispose(struct row_source *source)
{
	note_call('d');
	assert_ptr_equal(source->input, calls);
}

static void rewind_input(struct row_source *source, size_t rows)
{
	note_call('r');
	assert_int_equal(rows, 40);
	assert_ptr_equal(source->input, calls);
}

static uint64_t expected(struct row_source *source, size_t rows)
{
	(void)rows;
	note_call('e');
	assert_ptr_equal(source->input, calls);
	return 77;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	assert_int_equal(rows, 40);
	assert_ptr_equal(source->input, calls);
	array->rows = rows;
	note_call('b');
	return BUILD_OK;
}

static uint64_t scan(const struct array *array)
{
	assert_int_equal(array->rows, 40);
	note_call('s');
	return 77;
}

static uint64_t scan_badly(const struct array *array)
{
	(void)array;
	return 78;
}

static void walk(const struct array *array)
{
	assert_int_equal(array->rows, 40);
	/* Again and again in the warm scan: once is enough. */
	if (strlen(calls) == 0 || calls[strlen(calls) - 1] != 'w')
		note_call('w');
}

static void release(struct array *array)
{
	note_call('l');
	array_forget(array);
}

static void no_cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	(void)rows;
	(void)row_bytes;
	memset(cost, 0, sizeof *cost);
}

static const struct strategy with_all = {
	.name = "with_all",
	.implementation = "c",
	.order = GROWTH_LINEAR,
	.is_pattern = true,
	.build = build,
	.scan = scan,
	.release = release,
	.cost = no_cost,
	.prepare = prepare,
	.dispose = dispose,
	.rewind = rewind_input,
	.expected = expected,
	.walk = walk,
};

static enum measure_status measure_calls(const struct strategy *strategy, bool scan_warm,
					 struct error *error)
{
	struct measure_request request = request_for(strategy, 40, 8, 2, 2);

	request.scan_warm = scan_warm;
	memset(calls, 0, sizeof calls);
	return measure(&request, &result, error);
}

static void a_pattern_is_prepared_rewound_before_what_is_verified_and_disposed_of(void **state)
{
	struct error error = {""};

	(void)state;
	assert_int_equal(measure_calls(&with_all, true, &error), MEASURE_OK);
	assert_int_equal(result.checksum, 77);
	/* Prepared, and what to expect; cold; the warm lifecycle that is verified; 2 values of 2
	 * builds, in which what a build left stays; one that is walked again and again. */
	assert_string_equal(calls, "pe"
				   "rbwsl"
				   "rbsl"
				   "blblblbl"
				   "rbswl"
				   "d");
	assert_int_equal(result.warm_scan_values, 2);
	for (unsigned i = 0; i < result.warm_scan_values; i++)
		assert_true(result.warm_scan_ns[i] > 0);

	assert_int_equal(measure_calls(&with_all, false, &error), MEASURE_OK);
	assert_string_equal(calls, "perbwslrbslblblblbld");
	assert_int_equal(result.warm_scan_values, 0);
}

static void without_a_walk_the_scan_is_what_is_timed(void **state)
{
	struct strategy strategy = with_all;
	struct error error = {""};

	(void)state;
	strategy.walk = NULL;
	strategy.rewind = NULL;
	assert_int_equal(measure_calls(&strategy, false, &error), MEASURE_OK);
	assert_string_equal(calls, "pebslbslblblblbld");
}

static void what_is_not_as_expected_is_no_measurement(void **state)
{
	struct strategy strategy = with_all;
	struct error error = {""};

	(void)state;
	strategy.scan = scan_badly;
	assert_int_equal(measure_calls(&strategy, true, &error), MEASURE_WRONG_CHECKSUM);
	strategy.prepare = prepare_without_memory;
	assert_int_equal(measure_calls(&strategy, true, &error), MEASURE_FAILED);
	assert_contains(error.text, "no memory for what with_all starts from");
}

static void every_pattern_makes_what_is_expected_cold_and_warm(void **state)
{
	static const size_t shapes[][2] = {{1, 16}, {64, 512}, {7, 24}, {300, 16}};

	(void)state;
	for (size_t p = 0; patterns[p] != NULL; p++)
		for (size_t i = 0; i < COUNT_OF(shapes); i++) {
			struct measure_request request =
				request_for(patterns[p], shapes[i][0], shapes[i][1], 2, 2);
			struct error error = {""};

			request.scan_warm = true;
			if (measure(&request, &result, &error) != MEASURE_OK)
				fail_msg("%s: %s", patterns[p]->name, error.text);
			assert_int_equal(result.warm_scan_values, 2);
		}
}

static void count_result(const struct bench_result *value, void *data)
{
	unsigned *count = data;

	assert_null(value->error);
	++*count;
}

static void a_benchmark_for_running_by_hand_builds_when_it_runs(void **state)
{
	const struct strategy strategy = spy_on("realloc_doubling");
	const struct measure_request request = request_for(&strategy, 20, 8, 0, 0);
	struct bench_spec spec;
	struct error error = {""};
	unsigned results = 0;

	(void)state;
	assert_true(measure_benchmark(&request, &spec, &error));
	assert_int_equal(spy.builds, 0);
	spec.iterations = 3;
	assert_null(bench_run(&spec, count_result, &results));
	assert_int_equal(results, 1);
	assert_int_equal(spy.builds, 3);
	assert_int_equal(spy.releases, 3);
}

/* A strategy whose builds do what is not their own for a while. */
static const struct strategy *interrupted;
static uint64_t interrupted_ns;

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static enum build_status build_interrupted(struct array *array, size_t rows,
					   struct row_source *source)
{
	const struct timespec pause = {.tv_nsec = 150000000};
	const uint64_t start = now_ns();

	(void)nanosleep(&pause, NULL);
	interrupted_ns += now_ns() - start;
	return interrupted->build(array, rows, source);
}

static uint64_t tell_interrupted(const struct row_source *source)
{
	(void)source;
	return interrupted_ns;
}

static void what_is_not_a_builds_own_is_left_out_of_its_time(void **state)
{
	struct strategy strategy = *strategy_find("c", "realloc_doubling");
	const struct measure_request request = request_for(&strategy, 10, 8, 1, 1);
	uint64_t start;
	double told;

	(void)state;
	interrupted = strategy_find("c", "realloc_doubling");
	strategy.build = build_interrupted;
	strategy.paused_ns = tell_interrupted;
	start = now_ns();
	measure_good(&request);
	told = (double)result.cold_ns[PHASE_BUILD];
	if (reads_a_clock())
		told += result.warm_ns[0];
	/* All that is told and all that is left out is no more than what passed. */
	assert_true(told + (double)interrupted_ns <= (double)(now_ns() - start));
	/* Nor is it in single builds, which are not timed, or in what the processor counts. */
	assert_true(result.timings.count <= 1);
	assert_true(result.cold_hardware_instructions == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_strategy_builds_the_same_rows_in_one_and_two_threads),
		cmocka_unit_test(random_rows_are_other_rows_and_measured_too),
		cmocka_unit_test(as_many_values_are_taken_as_were_asked_for),
		cmocka_unit_test(warm_builds_are_timed_in_one_thread_and_in_the_first_of_two),
		cmocka_unit_test(without_iterations_there_is_no_warm_part),
		cmocka_unit_test(every_build_is_counted_and_released),
		cmocka_unit_test(rows_that_are_not_those_of_the_source_are_no_measurement),
		cmocka_unit_test(a_build_without_memory_is_no_measurement_whenever_it_happens),
		cmocka_unit_test(a_size_that_does_not_fit_is_out_of_memory_and_not_a_crash),
		cmocka_unit_test(peak_and_faults_are_those_of_the_cold_build),
		cmocka_unit_test(the_harness_itself_takes_no_fault_in_a_build),
		cmocka_unit_test(huge_pages_of_the_cold_build_are_counted_for_themselves),
		cmocka_unit_test(a_list_of_cpus_that_cannot_be_is_refused),
		cmocka_unit_test(pinning_puts_the_process_on_that_cpu_alone),
		cmocka_unit_test(
			a_pattern_is_prepared_rewound_before_what_is_verified_and_disposed_of),
		cmocka_unit_test(without_a_walk_the_scan_is_what_is_timed),
		cmocka_unit_test(what_is_not_as_expected_is_no_measurement),
		cmocka_unit_test(every_pattern_makes_what_is_expected_cold_and_warm),
		cmocka_unit_test(a_benchmark_for_running_by_hand_builds_when_it_runs),
		cmocka_unit_test(what_is_not_a_builds_own_is_left_out_of_its_time),
	};

	return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
