/* What only the containers know that are not ours; and lengths that cannot be, to all who are told.
 */
#include "cmocka_headers.h"

#include <string.h>

#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* What containers/rows.hh promises at least. */
static const size_t common_sizes[] = {8, 16, 24, 32, 64, 80, 128, 256, 800, 1024, 4096, 8000};

static void rows_of_every_common_size_come_out(void **state)
{
	(void)state;
	for (size_t s = 0; strategies[s] != NULL; s++) {
		for (size_t i = 0; i < COUNT(common_sizes); i++) {
			struct array array = strategy_array(strategies[s], common_sizes[i]);
			struct rows rows;

			assert_true(strategy_supports(strategies[s], common_sizes[i]));
			rows_init(&rows, common_sizes[i], ROW_WORK_RANDOM);
			assert_int_equal(strategies[s]->build(&array, 37, &rows.source), BUILD_OK);
			assert_int_equal(array.rows, 37);
			assert_int_equal(strategies[s]->scan(&array),
					 rows_checksum(strategies[s], &rows.source, 37));
			strategies[s]->release(&array);
		}
	}
}

/* By each function in turn, and with nothing asked of the allocator. */
static void assert_refused(const struct strategy *strategy, size_t row_bytes)
{
	struct array array = strategy_array(strategy, row_bytes);
	struct rows rows;

	/* Neither is looked at. */
	rows_init(&rows, 8, ROW_WORK_CHEAP);
	if (strategy->begin != NULL)
		assert_int_equal(strategy->begin(&array, 1), BUILD_OUT_OF_MEMORY);
	assert_int_equal(strategy->append(&array, rows.buffer), BUILD_OUT_OF_MEMORY);
	assert_int_equal(strategy->build(&array, 1, &rows.source), BUILD_OUT_OF_MEMORY);
	assert_int_equal(rows.source.position, 0);
	assert_int_equal(array.rows, 0);
	assert_int_equal(strategy->scan(&array), 0);
	strategy->release(&array);
	assert_int_equal(counting_allocator_counts()->malloc_count, 0);
}

static void rows_that_are_not_supported_are_refused(void **state)
{
	static const size_t sizes[] = {1, 7, 9, 81, 8001, (size_t)UINT32_MAX + 1, SIZE_MAX};
	size_t refused = 0;

	(void)state;
	for (size_t s = 0; strategies[s] != NULL; s++) {
		for (size_t i = 0; i < COUNT(sizes); i++) {
			if (strategy_supports(strategies[s], sizes[i]))
				continue;
			assert_refused(strategies[s], sizes[i]);
			refused++;
		}
	}
	/* Four of C++, and the two that are too large for the counters of GArray. */
	assert_int_equal(refused, 4 * COUNT(sizes) + 2);
}

static void our_own_take_rows_of_any_size(void **state)
{
	(void)state;
	for (size_t s = 0; strategies[s] != NULL; s++) {
		if (strcmp(strategies[s]->implementation, "c") == 0) {
			assert_null(strategies[s]->supports);
			assert_false(strategies[s]->aborts_without_memory);
		}
	}
}

static void an_absurd_length_is_refused(void **state)
{
	/* 80 times some of them wraps around to a small number; no allocator grants the others. */
	static const size_t lengths[] = {SIZE_MAX,          SIZE_MAX / 2,    SIZE_MAX / 80,
					 SIZE_MAX / 80 + 1, (size_t)1 << 60, (size_t)1 << 56};
	static const char *const names[][2] = {{"c", "preallocate_then_fill"},
					       {"c", "preallocate_zeroed"},
					       {"cpp", "std_vector_reserve"},
					       {"uthash", "utarray"}};

	(void)state;
	for (size_t s = 0; s < COUNT(names); s++) {
		const struct strategy *strategy = strategy_find(names[s][0], names[s][1]);

		for (size_t i = 0; i < COUNT(lengths); i++) {
			struct array array = strategy_array(strategy, 80);
			struct rows rows;

			rows_init(&rows, 80, ROW_WORK_CHEAP);
			assert_int_equal(strategy->build(&array, lengths[i], &rows.source),
					 BUILD_OUT_OF_MEMORY);
			assert_int_equal(array.rows, 0);
			assert_int_equal(rows.source.position, 0);
			strategy->release(&array);
		}
	}
}

static void a_reserved_vector_grows_past_what_was_reserved(void **state)
{
	const struct strategy *strategy = strategy_find("cpp", "std_vector_reserve");
	struct array array = strategy_array(strategy, 80);
	struct rows rows;

	(void)state;
	rows_init(&rows, 80, ROW_WORK_CHEAP);
	assert_int_equal(strategy->build(&array, 10, &rows.source), BUILD_OK);
	assert_int_equal(array.capacity, 10);
	assert_int_equal(strategy->append(&array, row_source_next(&rows.source)), BUILD_OK);
	assert_int_equal(array.capacity, 20);
	assert_int_equal(strategy->scan(&array), row_source_checksum(&rows.source, 11));
	strategy->release(&array);
}

static const struct test tests[] = {
	{"rows of every common size come out", rows_of_every_common_size_come_out},
	{"rows that are not supported are refused", rows_that_are_not_supported_are_refused},
	{"our own strategies take rows of any size", our_own_take_rows_of_any_size},
	{"an absurd length is refused", an_absurd_length_is_refused},
	{"a reserved vector grows past what was reserved",
	 a_reserved_vector_grows_past_what_was_reserved},
	{0},
};

const struct suite suite_containers = {.name = "containers", .tests = tests};
