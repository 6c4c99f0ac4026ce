#include "cmocka_headers.h"

#include <stdbool.h>
#include <string.h>

#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const size_t row_counts[] = {1, 2, 5, 33, 70};
static const size_t row_sizes[] = {1, 80, 2500, 4096};

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
		for (size_t i = 0; i < COUNT(row_counts); i++) {
			uint64_t nth = 1;

			while (fails_cleanly(strategy, row_counts[i], row_sizes[j], failure, nth))
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

/* The rows stay valid, so that nothing stands in the way of another try. */
static void a_failed_step_can_be_repeated(void **state)
{
	const struct strategy *strategy = *state;
	const struct allocator_counts *counts = counting_allocator_counts();
	uint64_t made_to_fail_count;
	uint64_t nth = 1;

	rows_skip_if_it_aborts(strategy);
	do {
		struct array array = array_init(80);
		struct rows rows;

		rows_init(&rows, 80, ROW_WORK_CHEAP);
		counting_allocator_start();
		counting_allocator_fail(FAIL_ONE, nth++);
		if (strategy->begin != NULL && strategy->begin(&array, 100) != BUILD_OK)
			assert_int_equal(strategy->begin(&array, 100), BUILD_OK);
		for (size_t row = 0; row < 100; row++) {
			const void *next = row_source_next(&rows.source);

			if (strategy->append(&array, next) != BUILD_OK) {
				assert_int_equal(array.rows, row);
				assert_int_equal(strategy->append(&array, next), BUILD_OK);
			}
		}
		if (strategy->finish != NULL && strategy->finish(&array) != BUILD_OK)
			assert_int_equal(strategy->finish(&array), BUILD_OK);
		assert_int_equal(strategy->scan(&array), row_source_checksum(&rows.source, 100));
		made_to_fail_count = counts->made_to_fail_count;
		assert_released(strategy, &array);
	} while (made_to_fail_count > 0);
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
	{"a row larger than memory is refused", a_row_larger_than_memory_is_refused},
	{0},
};

const struct suite suite_out_of_memory = {
	.name = "out of memory",
	.for_each_strategy = true,
	.tests = for_each_strategy,
};
