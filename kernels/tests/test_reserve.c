/* What only the strategies know that ask for memory ahead of the rows. */
#include "cmocka_headers.h"

#include <string.h>

#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

static const char *const preallocating[] = {"preallocate_then_fill", "preallocate_zeroed", NULL};

static void a_row_past_the_length_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; preallocating[i] != NULL; i++) {
		const struct strategy *strategy = strategy_find("c", preallocating[i]);

		for (size_t length = 0; length < 3; length++) {
			struct array array = array_init(80);
			struct rows rows;

			rows_init(&rows, 80, ROW_WORK_CHEAP);
			assert_int_equal(strategy->build(&array, length, &rows.source), BUILD_OK);
			assert_int_equal(strategy->append(&array, rows.buffer),
					 BUILD_OUT_OF_MEMORY);
			assert_int_equal(array.rows, length);
			assert_int_equal(strategy->scan(&array),
					 row_source_checksum(&rows.source, length));
			strategy->release(&array);
		}
	}
}

static void loop_and_append_holds_both_arrays(void **state)
{
	const struct strategy *strategy = strategy_find("c", "loop_and_append");

	(void)state;
	for (size_t count = 1; count < 40; count++) {
		struct array array = array_init(80);
		struct rows rows;

		counting_allocator_start();
		rows_init(&rows, 80, ROW_WORK_CHEAP);
		assert_int_equal(strategy->build(&array, count, &rows.source), BUILD_OK);
		assert_int_equal(counting_allocator_counts()->peak_bytes, (2 * count - 1) * 80);
		strategy->release(&array);
	}
}

static void a_tebibyte_is_reserved(void **state)
{
	const struct strategy *strategy = strategy_find("c", "reserve_then_commit");
	struct array array = array_init(80);

	(void)state;
	assert_int_equal(strategy->begin(&array, 0), BUILD_OK);
	/* A limit of the process, or a checking tool, may leave less. */
	assert_int_equal(array.reserved_bytes,
			 ((size_t)1 << 40) >> counting_allocator_counts()->mmap_refused_count);
	strategy->release(&array);
}

static void less_address_space_will_do(void **state)
{
	const struct strategy *strategy = strategy_find("c", "reserve_then_commit");
	const struct allocator_counts *counts = counting_allocator_counts();

	(void)state;
	for (size_t most = (size_t)64 << 20; most <= (size_t)1 << 28; most *= 2) {
		struct array array = array_init(80);
		struct rows rows;

		rows_init(&rows, 80, ROW_WORK_CHEAP);
		counting_allocator_start();
		counting_allocator_limit_mapping(most + most / 2);
		assert_int_equal(strategy->build(&array, 1000, &rows.source), BUILD_OK);
		assert_int_equal(array.reserved_bytes, most);
		assert_int_equal(counts->mmap_count, 1);
		assert_int_equal(strategy->scan(&array), row_source_checksum(&rows.source, 1000));
		strategy->release(&array);
		assert_int_equal(counts->munmap_count, 1);
	}
}

static void too_little_address_space_is_refused(void **state)
{
	const struct strategy *strategy = strategy_find("c", "reserve_then_commit");
	struct array array = array_init(80);
	struct rows rows;

	(void)state;
	rows_init(&rows, 80, ROW_WORK_CHEAP);
	counting_allocator_limit_mapping(((size_t)64 << 20) - 1);
	assert_int_equal(strategy->build(&array, 1, &rows.source), BUILD_OUT_OF_MEMORY);
	assert_int_equal(counting_allocator_counts()->mmap_count, 0);
	strategy->release(&array);
}

static void the_end_of_the_reservation_is_out_of_memory(void **state)
{
	static unsigned char row[(size_t)1 << 20];
	const struct strategy *strategy = strategy_find("c", "reserve_then_commit");
	/* Not a divisor of 64 MiB: the last row would lie across the end. */
	struct array array = array_init(sizeof row - 1000);

	(void)state;
	counting_allocator_limit_mapping((size_t)64 << 20);
	assert_int_equal(strategy->begin(&array, 0), BUILD_OK);
	for (size_t i = 0; i < 64; i++) {
		memset(row, (int)i, sizeof row);
		assert_int_equal(strategy->append(&array, row), BUILD_OK);
	}
	assert_int_equal(strategy->append(&array, row), BUILD_OUT_OF_MEMORY);
	assert_int_equal(strategy->append(&array, row), BUILD_OUT_OF_MEMORY);
	assert_int_equal(array.rows, 64);
	assert_int_equal(array.data[63 * array.row_bytes], 63);
	strategy->release(&array);
}

static void rows_larger_than_a_step_are_committed_one_by_one(void **state)
{
	static const size_t row_sizes[] = {65535, 65536, 65537, 131072, 200000};
	static unsigned char row[200000];
	const struct strategy *strategy = strategy_find("c", "reserve_then_commit");
	const struct allocator_counts *counts = counting_allocator_counts();

	(void)state;
	for (size_t i = 0; i < sizeof row_sizes / sizeof row_sizes[0]; i++) {
		for (size_t count = 1; count < 40; count += 6) {
			struct array array = array_init(row_sizes[i]);
			struct strategy_cost cost;

			counting_allocator_start();
			strategy_cost_of(strategy, count, row_sizes[i], &cost);
			assert_int_equal(strategy->begin(&array, 0), BUILD_OK);
			for (size_t j = 0; j < count; j++)
				assert_int_equal(strategy->append(&array, row), BUILD_OK);
			assert_int_equal(counts->mprotect_count, cost.mprotect_count);
			assert_int_equal(counts->live_bytes, cost.final_bytes);
			assert_int_equal(counts->peak_bytes, cost.peak_bytes);
			strategy->release(&array);
		}
	}
}

static void the_array_never_moves(void **state)
{
	const struct strategy *strategy = strategy_find("c", "reserve_then_commit");
	struct array array = array_init(80);
	const unsigned char *data;
	struct rows rows;

	(void)state;
	rows_init(&rows, 80, ROW_WORK_CHEAP);
	assert_int_equal(strategy->begin(&array, 0), BUILD_OK);
	data = array.data;
	for (size_t row = 0; row < 5000; row++) {
		assert_int_equal(strategy->append(&array, row_source_next(&rows.source)), BUILD_OK);
		assert_ptr_equal(array.data, data);
	}
	assert_int_equal(strategy->scan(&array), row_source_checksum(&rows.source, 5000));
	strategy->release(&array);
}

static const struct test tests[] = {
	{"a row past the preallocated length is refused", a_row_past_the_length_is_refused},
	{"loop_and_append has its peak at 2 n - 1 rows", loop_and_append_holds_both_arrays},
	{"reserve_then_commit reserves 1 TiB", a_tebibyte_is_reserved},
	{"reserve_then_commit takes half where more is refused", less_address_space_will_do},
	{"reserve_then_commit refuses less than 64 MiB of address space",
	 too_little_address_space_is_refused},
	{"the end of the reservation is out of memory",
	 the_end_of_the_reservation_is_out_of_memory},
	{"rows larger than a step are committed one by one",
	 rows_larger_than_a_step_are_committed_one_by_one},
	{"the reserved array never moves", the_array_never_moves},
	{0},
};

const struct suite suite_reserve = {.name = "memory asked for ahead", .tests = tests};
