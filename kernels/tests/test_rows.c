#include "cmocka_headers.h"

#include "../checksum.h"
#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

static const size_t row_counts[] = {0, 1, 2, 3, 4, 5, 7, 33, 100, 1000};
static const size_t row_sizes[] = {1, 3, 7, 8, 24, 80, 4096, 5000};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void same_rows(const struct strategy *strategy, size_t count, size_t row_bytes,
		      enum row_work work)
{
	struct array array = strategy_array(strategy, row_bytes);
	struct rows rows;

	rows_init(&rows, row_bytes, work);
	assert_int_equal(strategy->build(&array, count, &rows.source), BUILD_OK);
	assert_int_equal(rows.source.position, count);
	assert_int_equal(array.rows, count);
	assert_int_equal(array.row_bytes, row_bytes);
	assert_int_equal(strategy->scan(&array), rows_checksum(strategy, &rows.source, count));
	rows_assert_equal(strategy, &array, &rows.source);
	strategy->release(&array);
}

static void build_yields_the_rows_of_the_source(void **state)
{
	for (size_t j = 0; j < COUNT(row_sizes); j++) {
		if (!rows_are_supported(*state, row_sizes[j]))
			continue;
		for (size_t i = 0; i < COUNT(row_counts); i++) {
			if (!rows_take_too_long(*state, row_counts[i], row_sizes[j]))
				same_rows(*state, row_counts[i], row_sizes[j], ROW_WORK_CHEAP);
		}
	}
}

static void build_yields_random_rows_too(void **state)
{
	for (size_t j = 0; j < COUNT(row_sizes); j++) {
		if (rows_are_supported(*state, row_sizes[j]))
			same_rows(*state, 100, row_sizes[j], ROW_WORK_RANDOM);
	}
}

static void build_reads_the_source_from_where_it_stands(void **state)
{
	const struct strategy *strategy = *state;
	struct array array = strategy_array(strategy, 8);
	struct checksum expected = {0};
	struct rows rows;

	/* The number of the first row is 0. */
	checksum_word(&expected, 2);
	rows_init(&rows, 8, ROW_WORK_CHEAP);
	row_source_next(&rows.source);
	row_source_next(&rows.source);
	assert_int_equal(strategy->build(&array, 1, &rows.source), BUILD_OK);
	assert_int_equal(strategy->scan(&array), checksum_value(&expected));
	strategy->release(&array);
}

static void steps_yield_what_build_yields(void **state)
{
	const struct strategy *strategy = *state;

	for (size_t i = 0; i < COUNT(row_counts); i++) {
		struct array array = strategy_array(strategy, 24);
		struct rows rows;

		rows_init(&rows, 24, ROW_WORK_CHEAP);
		assert_int_equal(rows_build_in_steps(strategy, &array, row_counts[i], &rows.source),
				 BUILD_OK);
		assert_int_equal(array.rows, row_counts[i]);
		assert_int_equal(strategy->scan(&array),
				 rows_checksum(strategy, &rows.source, row_counts[i]));
		rows_assert_equal(strategy, &array, &rows.source);
		strategy->release(&array);
	}
}

static void steps_cost_what_build_costs(void **state)
{
	const struct strategy *strategy = *state;
	struct allocator_counts in_steps;
	struct array array = strategy_array(strategy, 24);
	struct rows rows;

	rows_init(&rows, 24, ROW_WORK_CHEAP);
	assert_int_equal(rows_build_in_steps(strategy, &array, 300, &rows.source), BUILD_OK);
	in_steps = *counting_allocator_counts();
	strategy->release(&array);

	counting_allocator_start();
	row_source_rewind(&rows.source);
	assert_int_equal(strategy->build(&array, 300, &rows.source), BUILD_OK);
	assert_memory_equal(counting_allocator_counts(), &in_steps, sizeof in_steps);
	strategy->release(&array);
}

/* As the latency pass does: a scan in the middle, before finish. */
static void rows_can_be_scanned_between_appends(void **state)
{
	const struct strategy *strategy = *state;
	struct array array = strategy_array(strategy, 80);
	struct rows rows;
	struct rows expected;

	rows_init(&rows, 80, ROW_WORK_CHEAP);
	rows_init(&expected, 80, ROW_WORK_CHEAP);
	if (strategy->begin != NULL)
		assert_int_equal(strategy->begin(&array, 100), BUILD_OK);
	for (size_t row = 0; row < 100; row++) {
		assert_int_equal(strategy->scan(&array),
				 rows_checksum(strategy, &expected.source, row));
		assert_int_equal(strategy->append(&array, row_source_next(&rows.source)), BUILD_OK);
	}
	strategy->release(&array);
}

static const struct test tests[] = {
	{"build yields the rows of the source, in order", build_yields_the_rows_of_the_source},
	{"build yields random rows too", build_yields_random_rows_too},
	{"build reads the source from where it stands",
	 build_reads_the_source_from_where_it_stands},
	{"begin, append and finish yield what build yields", steps_yield_what_build_yields},
	{"begin, append and finish cost what build costs", steps_cost_what_build_costs},
	{"the rows can be scanned between appends", rows_can_be_scanned_between_appends},
	{0},
};

const struct suite suite_rows = {.name = "rows", .for_each_strategy = true, .tests = tests};
