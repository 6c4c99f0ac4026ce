#include "cmocka_headers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const size_t row_sizes[] = {1, 80, 2500, 4096};

/* How many rows, up to a 0. */
static const size_t *row_counts(void)
{
	static const size_t counts[][8] = {
		[THOROUGHNESS_FEW_SIZES] = {1, 9, 0},
		[THOROUGHNESS_USUAL] = {1, 2, 5, 33, 70, 0},
		[THOROUGHNESS_EXHAUSTIVE] = {1, 2, 5, 33, 70, 200, 1000, 0},
	};

	return counts[suites_thoroughness()];
}

static void assert_released(const struct strategy *strategy, struct array *array)
{
	const struct allocator_counts *counts = counting_allocator_counts();

	strategy->release(array);
	assert_int_equal(counts->live_blocks, 0);
	assert_int_equal(counts->live_bytes, 0);
	assert_int_equal(counts->live_mappings, 0);
	strategy->release(array);
}

/* Builds with the nth allocation failing. False if there are fewer than that. */
static bool fails_cleanly(const struct strategy *strategy, size_t count, size_t row_bytes,
			  enum failure failure, uint64_t nth)
{
	const struct allocator_counts *counts = counting_allocator_counts();
	struct array array = array_init(row_bytes);
	enum build_status status;
	struct rows rows;

	rows_init(&rows, row_bytes, ROW_WORK_CHEAP);
	counting_allocator_start();
	counting_allocator_fail(failure, nth);
	status = strategy->build(&array, count, &rows.source);
	counting_allocator_fail(failure, 0);

	/* Where it was only mmap that failed, and less was granted in the end, the rows have to be
	 * there all the same. */
	if (counts->made_to_fail_count == 0 ||
	    (counts->made_to_fail_count == counts->mmap_made_to_fail_count &&
	     counts->mmap_count > 0))
		assert_int_equal(status, BUILD_OK);
	else
		assert_int_equal(status, BUILD_OUT_OF_MEMORY);
	if (status == BUILD_OK)
		assert_int_equal(array.rows, count);
	assert_in_range(array.rows, 0, count);
	assert_int_equal(strategy->scan(&array), row_source_checksum(&rows.source, array.rows));
	rows_assert_equal(strategy, &array, &rows.source);
	assert_released(strategy, &array);

	/* What was released after a failure is as good as new. */
	assert_int_equal(strategy->build(&array, count, &rows.source), BUILD_OK);
	assert_int_equal(strategy->scan(&array), row_source_checksum(&rows.source, count));
	assert_released(strategy, &array);
	return counts->made_to_fail_count > 0;
}

static void every_allocation_may_fail(const struct strategy *strategy, enum failure failure)
{
	rows_skip_if_it_aborts(strategy);
	for (size_t j = 0; j < COUNT(row_sizes); j++) {
		if (!rows_are_supported(strategy, row_sizes[j]))
			continue;
		for (const size_t *count = row_counts(); *count > 0; count++) {
			uint64_t nth = 1;

			if (rows_take_too_long(strategy, *count, row_sizes[j]))
				continue;
			while (fails_cleanly(strategy, *count, row_sizes[j], failure, nth))
				nth++;
			/* Without memory there is no array. */
			assert_true(nth > 1);
		}
	}
}

static void one_allocation_may_fail(void **state)
{
	every_allocation_may_fail(*state, FAIL_ONE);
}

static void all_further_allocations_may_fail(void **state)
{
	every_allocation_may_fail(*state, FAIL_ALL_FROM);
}

/* Takes one step after the other, with the nth allocation failing; false if there are fewer. The
 * rows stay valid, so that nothing stands in the way of another try. */
static bool steps_can_be_repeated(const struct strategy *strategy, size_t count, size_t row_bytes,
				  uint64_t nth)
{
	struct array array = array_init(row_bytes);
	struct rows source;
	struct rows rows;
	bool failed;

	rows_init(&rows, row_bytes, ROW_WORK_CHEAP);
	rows_init(&source, row_bytes, ROW_WORK_CHEAP);
	counting_allocator_start();
	counting_allocator_fail(FAIL_ONE, nth);
	if (strategy->begin != NULL && strategy->begin(&array, count) != BUILD_OK)
		assert_int_equal(strategy->begin(&array, count), BUILD_OK);
	for (size_t row = 0; row < count; row++) {
		const void *next = row_source_next(&rows.source);

		if (strategy->append(&array, next) != BUILD_OK) {
			assert_int_equal(array.rows, row);
			rows_assert_equal(strategy, &array, &source.source);
			assert_int_equal(strategy->scan(&array),
					 row_source_checksum(&source.source, row));
			assert_int_equal(strategy->append(&array, next), BUILD_OK);
		}
	}
	if (strategy->finish != NULL && strategy->finish(&array) != BUILD_OK) {
		rows_assert_equal(strategy, &array, &source.source);
		assert_int_equal(strategy->finish(&array), BUILD_OK);
	}
	rows_assert_equal(strategy, &array, &source.source);
	assert_int_equal(strategy->scan(&array), row_source_checksum(&source.source, count));
	failed = counting_allocator_counts()->made_to_fail_count > 0;
	assert_released(strategy, &array);
	return failed;
}

static void a_failed_step_can_be_repeated(void **state)
{
	const struct strategy *strategy = *state;

	rows_skip_if_it_aborts(strategy);
	for (size_t j = 0; j < COUNT(row_sizes); j++) {
		if (!rows_are_supported(strategy, row_sizes[j]))
			continue;
		for (const size_t *count = row_counts(); *count > 0; count++) {
			uint64_t nth = 1;

			if (rows_take_too_long(strategy, *count, row_sizes[j]))
				continue;
			while (steps_can_be_repeated(strategy, *count, row_sizes[j], nth))
				nth++;
		}
	}
}

/* In a process of its own, and silently: how it ended. */
static int end_of_build(const struct strategy *strategy, size_t count, size_t row_bytes,
			enum failure failure, uint64_t nth)
{
	int status = -1;
	const pid_t child = fork();

	if (child == 0) {
		const struct rlimit no_core = {0, 0};
		struct array array = array_init(row_bytes);
		const int nowhere = open("/dev/null", O_WRONLY);
		struct rows rows;

		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)dup2(nowhere, STDERR_FILENO);
		(void)signal(SIGSEGV, SIG_DFL);
		rows_init(&rows, row_bytes, ROW_WORK_CHEAP);
		counting_allocator_start();
		counting_allocator_accept_others();
		counting_allocator_fail(failure, nth);
		if (strategy->build(&array, count, &rows.source) != BUILD_OK)
			_exit(1);
		_exit(counting_allocator_counts()->made_to_fail_count > 0 ? 2 : 0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* GLib says so on standard error, and stops at a breakpoint; without memory for the message, it
 * fails again and again on its way there. */
static void a_container_that_ends_the_process_does_so_by_a_signal(void **state)
{
	const struct strategy *strategy = *state;

	if (!strategy->aborts_without_memory)
		skip();
	for (const size_t *count = row_counts(); *count > 0 && *count < 100; count++) {
		uint64_t nth = 1;
		int status;

		while ((status = end_of_build(strategy, *count, 80, FAIL_ONE, nth)) != 0) {
			assert_true(WIFSIGNALED(status));
			assert_true(WTERMSIG(status) == SIGTRAP || WTERMSIG(status) == SIGABRT);
			nth++;
		}
		assert_true(nth > 1);
	}
	assert_true(WIFSIGNALED(end_of_build(strategy, 5, 80, FAIL_ALL_FROM, 1)));
}

static void a_row_larger_than_memory_is_refused(void **state)
{
	static const size_t huge_sizes[] = {SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2 + 1,
					    SIZE_MAX / 2};
	const struct strategy *strategy = *state;

	rows_skip_if_it_aborts(strategy);
	for (size_t i = 0; i < COUNT(huge_sizes); i++) {
		struct array array = array_init(huge_sizes[i]);
		enum build_status status = BUILD_OK;
		unsigned char row[1] = {0};

		if (strategy->begin != NULL)
			status = strategy->begin(&array, 1);
		/* Not read: there is no place to copy it to. */
		if (status == BUILD_OK)
			status = strategy->append(&array, row);
		assert_int_equal(status, BUILD_OUT_OF_MEMORY);
		assert_int_equal(array.rows, 0);
		assert_released(strategy, &array);
	}
}

static const struct test for_each_strategy[] = {
	{"each allocation may fail", one_allocation_may_fail},
	{"each allocation and all after it may fail", all_further_allocations_may_fail},
	{"a step that failed can be repeated", a_failed_step_can_be_repeated},
	{"a container that ends the process does so by a signal",
	 a_container_that_ends_the_process_does_so_by_a_signal},
	{"a row larger than memory is refused", a_row_larger_than_memory_is_refused},
	{0},
};

const struct suite suite_out_of_memory = {
	.name = "out of memory",
	.for_each_strategy = true,
	.tests = for_each_strategy,
};
