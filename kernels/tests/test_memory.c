#include "cmocka_headers.h"

#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

static void assert_empty(const struct array *array, size_t row_bytes)
{
	assert_int_equal(array->row_bytes, row_bytes);
	assert_int_equal(array->rows, 0);
	assert_int_equal(array->capacity, 0);
	assert_int_equal(array->reserved_bytes, 0);
	assert_int_equal(array->copied_bytes, 0);
	assert_null(array->data);
	assert_null(array->index);
	assert_null(array->container);
}

static void release_frees_all(void **state)
{
	static const size_t row_counts[] = {0, 1, 5, 33, 1000};
	const struct strategy *strategy = *state;
	const struct allocator_counts *counts = counting_allocator_counts();

	for (size_t i = 0; i < sizeof row_counts / sizeof row_counts[0]; i++) {
		struct array array = strategy_array(strategy, 80);
		struct rows rows;

		rows_init(&rows, 80, ROW_WORK_CHEAP);
		assert_int_equal(strategy->build(&array, row_counts[i], &rows.source), BUILD_OK);
		strategy->release(&array);
		assert_empty(&array, 80);
		assert_int_equal(counts->live_blocks, 0);
		assert_int_equal(counts->live_bytes, 0);
		assert_int_equal(counts->live_mappings, 0);
	}
}

static void release_before_finish_frees_all(void **state)
{
	const struct strategy *strategy = *state;
	struct array array = strategy_array(strategy, 80);
	struct rows rows;

	rows_init(&rows, 80, ROW_WORK_CHEAP);
	if (strategy->begin != NULL)
		assert_int_equal(strategy->begin(&array, 100), BUILD_OK);
	for (size_t row = 0; row < 50; row++)
		assert_int_equal(strategy->append(&array, row_source_next(&rows.source)), BUILD_OK);
	strategy->release(&array);
	assert_empty(&array, 80);
	assert_int_equal(counting_allocator_counts()->live_bytes, 0);
	assert_int_equal(counting_allocator_counts()->live_mappings, 0);
}

static void release_of_nothing_does_nothing(void **state)
{
	const struct strategy *strategy = *state;
	const struct allocator_counts *counts = counting_allocator_counts();
	struct array array = strategy_array(strategy, 80);

	strategy->release(&array);
	strategy->release(&array);
	assert_empty(&array, 80);
	assert_int_equal(counts->free_count, 0);
	assert_int_equal(counts->munmap_count, 0);
}

static void an_array_can_be_built_again(void **state)
{
	const struct strategy *strategy = *state;
	struct array array = strategy_array(strategy, 80);
	struct rows rows;

	rows_init(&rows, 80, ROW_WORK_CHEAP);
	for (size_t count = 0; count < 40; count += 13) {
		row_source_rewind(&rows.source);
		assert_int_equal(strategy->build(&array, count, &rows.source), BUILD_OK);
		assert_int_equal(strategy->scan(&array),
				 rows_checksum(strategy, &rows.source, count));
		strategy->release(&array);
		strategy->release(&array);
	}
}

static void no_rows_need_no_memory(void **state)
{
	const struct strategy *strategy = *state;
	const struct allocator_counts *counts = counting_allocator_counts();
	struct array array = strategy_array(strategy, 80);
	struct rows rows;

	rows_init(&rows, 80, ROW_WORK_CHEAP);
	assert_int_equal(strategy->build(&array, 0, &rows.source), BUILD_OK);
	assert_int_equal(counts->malloc_count + counts->calloc_count + counts->realloc_count +
				 counts->free_count + counts->mprotect_count,
			 0);
	assert_int_equal(counts->peak_bytes, 0);
	assert_int_equal(strategy->scan(&array), 0);
	strategy->release(&array);
}

static const struct test tests[] = {
	{"release frees all", release_frees_all},
	{"release before finish frees all", release_before_finish_frees_all},
	{"release of an empty array does nothing", release_of_nothing_does_nothing},
	{"an array can be built again after release", an_array_can_be_built_again},
	{"no rows need no memory", no_rows_need_no_memory},
	{0},
};

const struct suite suite_memory = {.name = "memory", .for_each_strategy = true, .tests = tests};
