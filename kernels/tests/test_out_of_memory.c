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

/* Valgrind looks at each page of a mapping, even of one that nothing can be written to. */
static void start_failing(enum failure failure, uint64_t nth)
{
	counting_allocator_start();
	if (suites_thoroughness() == THOROUGHNESS_FEW_SIZES)
		counting_allocator_limit_mapping((size_t)1 << 30);
	counting_allocator_fail(failure, nth);
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
static bool fails_cleanly(const struct strategy *strategy, size_t count, struct rows rows[2],
			  enum failure failure, uint64_t nth)
{
	struct row_source *source = &rows[0].source;
	const struct allocator_counts *counts = counting_allocator_counts();
	struct array array = strategy_array(strategy, source->row_bytes);
	enum build_status status;

	row_source_rewind(source);
	start_failing(failure, nth);
	status = strategy->build(&array, count, source);
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
	assert_int_equal(strategy->scan(&array), rows_checksum(strategy, source, array.rows));
	rows_assert_equal(strategy, &array, source);
	assert_released(strategy, &array);

	/* What was released after a failure is as good as new. */
	assert_int_equal(strategy->build(&array, count, source), BUILD_OK);
	assert_int_equal(strategy->scan(&array), rows_checksum(strategy, source, count));
	assert_released(strategy, &array);
	return counts->made_to_fail_count > 0;
}

/* Checks what a build does with the nth allocation failing; two sources of the same rows. */
typedef bool fails_at(const struct strategy *strategy, size_t count, struct rows rows[2],
		      enum failure failure, uint64_t nth);

/* A quadratic strategy does the same at each append, and moves n times what one build moves. */
static bool takes_too_long(const struct strategy *strategy, size_t count, size_t row_bytes)
{
	return rows_take_too_long(strategy, count, row_bytes) ||
	       (strategy->order == GROWTH_QUADRATIC && count > 33 &&
		suites_thoroughness() != THOROUGHNESS_EXHAUSTIVE);
}

static void each_allocation_fails(const struct strategy *strategy, fails_at *fails,
				  enum failure failure)
{
	rows_skip_if_it_aborts(strategy);
	for (size_t j = 0; j < COUNT(row_sizes); j++) {
		struct rows rows[2];

		if (!rows_are_supported(strategy, row_sizes[j]))
			continue;
		rows_init(&rows[0], row_sizes[j], ROW_WORK_CHEAP);
		rows_init(&rows[1], row_sizes[j], ROW_WORK_CHEAP);
		for (const size_t *count = row_counts(); *count > 0; count++) {
			uint64_t nth = 1;

			if (takes_too_long(strategy, *count, row_sizes[j]))
				continue;
			while (fails(strategy, *count, rows, failure, nth))
				nth++;
			/* Without memory there is no array. */
			assert_true(nth > 1);
		}
	}
}

static void one_allocation_may_fail(void **state)
{
	each_allocation_fails(*state, fails_cleanly, FAIL_ONE);
}

static void all_further_allocations_may_fail(void **state)
{
	each_allocation_fails(*state, fails_cleanly, FAIL_ALL_FROM);
}

/* Takes one step after the other, with the nth allocation failing; false if there are fewer. The
 * rows stay valid, so that nothing stands in the way of another try. */
static bool steps_can_be_repeated(const struct strategy *strategy, size_t count,
				  struct rows rows[2], enum failure failure, uint64_t nth)
{
	struct row_source *source = &rows[0].source;
	struct array array = strategy_array(strategy, source->row_bytes);
	bool failed;

	row_source_rewind(&rows[1].source);
	start_failing(failure, nth);
	if (strategy->begin != NULL && strategy->begin(&array, count) != BUILD_OK)
		assert_int_equal(strategy->begin(&array, count), BUILD_OK);
	for (size_t row = 0; row < count; row++) {
		const void *next = row_source_next(&rows[1].source);

		if (strategy->append(&array, next) != BUILD_OK) {
			assert_int_equal(array.rows, row);
			rows_assert_equal(strategy, &array, source);
			assert_int_equal(strategy->scan(&array),
					 rows_checksum(strategy, source, row));
			assert_int_equal(strategy->append(&array, next), BUILD_OK);
		}
	}
	if (strategy->finish != NULL && strategy->finish(&array) != BUILD_OK) {
		rows_assert_equal(strategy, &array, source);
		assert_int_equal(strategy->finish(&array), BUILD_OK);
	}
	rows_assert_equal(strategy, &array, source);
	assert_int_equal(strategy->scan(&array), rows_checksum(strategy, source, count));
	failed = counting_allocator_counts()->made_to_fail_count > 0;
	assert_released(strategy, &array);
	return failed;
}

static void a_failed_step_can_be_repeated(void **state)
{
	each_allocation_fails(*state, steps_can_be_repeated, FAIL_ONE);
}

/* In a process of its own, and silently: how it ended. */
static int end_of_build(const struct strategy *strategy, size_t count, size_t row_bytes,
			enum failure failure, uint64_t nth)
{
	int status = -1;
	const pid_t child = fork();

	if (child == 0) {
		const struct rlimit no_core = {0, 0};
		struct array array = strategy_array(strategy, row_bytes);
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

	/* A slow tool has nothing to see in a process that ends itself, and takes long to end it.
	 */
	if (!strategy->aborts_without_memory || suites_thoroughness() == THOROUGHNESS_FEW_SIZES)
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
		struct array array = strategy_array(strategy, huge_sizes[i]);
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
