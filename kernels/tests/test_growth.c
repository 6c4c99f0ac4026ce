#include "cmocka_headers.h"

#include "../block_index.h"
#include "../contiguous.h"
#include "../growth.h"
#include "../saturating.h"
#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

/* Appends rows until the capacity has passed through all that are expected. */
static void assert_capacities(const char *name, const size_t *expected, size_t count)
{
	const struct strategy *strategy = strategy_find("c", name);
	struct array array = strategy_array(strategy, 8);
	struct rows rows;

	assert_non_null(strategy);
	rows_init(&rows, 8, ROW_WORK_CHEAP);
	assert_int_equal(array.capacity, expected[0]);
	for (size_t i = 1; i < count; i++) {
		while (array.rows <= expected[i - 1])
			assert_int_equal(strategy->append(&array, row_source_next(&rows.source)),
					 BUILD_OK);
		assert_int_equal(array.capacity, expected[i]);
	}
	strategy->release(&array);
}

#define ASSERT_CAPACITIES(name, ...)                                                     \
	do {                                                                             \
		const size_t expected[] = {__VA_ARGS__};                                 \
                                                                                         \
		assert_capacities(name, expected, sizeof expected / sizeof expected[0]); \
	} while (0)

static void doubling(void **state)
{
	(void)state;
	ASSERT_CAPACITIES("realloc_doubling", 0, 1, 2, 4, 8, 16, 32, 64, 128);
}

static void half_as_much_again(void **state)
{
	(void)state;
	ASSERT_CAPACITIES("realloc_x1.5", 0, 1, 2, 3, 4, 6, 9, 13, 19, 28, 42, 63, 94);
}

static void as_cpython(void **state)
{
	(void)state;
	ASSERT_CAPACITIES("realloc_cpython", 0, 4, 8, 16, 24, 32, 40, 52, 64, 76, 92, 108, 128);
	ASSERT_CAPACITIES("list_of_pointers", 0, 4, 8, 16, 24, 32, 40, 52, 64, 76, 92, 108, 128);
	ASSERT_CAPACITIES("list_of_pointers_packed", 0, 4, 8, 16, 24, 32, 40, 52, 64, 76);
}

/* By a program that does what Go's nextslicecap does with one more element each time. */
static void as_go(void **state)
{
	(void)state;
	ASSERT_CAPACITIES("realloc_go", 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 832, 1232, 1732,
			  2357, 3138, 4114, 5334);
}

/* Rows of 8 bytes: doubling below 512 and above 16384 rows. */
static void as_folly(void **state)
{
	(void)state;
	ASSERT_CAPACITIES("realloc_folly", 0, 8, 16, 32, 64, 128, 256, 512, 768, 1152, 1728, 2592,
			  3888, 5832, 8748, 13122, 19683, 39366, 78732);
}

static void one_row_more(void **state)
{
	(void)state;
	ASSERT_CAPACITIES("append_in_place", 0, 1, 2, 3, 4, 5);
	ASSERT_CAPACITIES("loop_and_append", 0, 1, 2, 3, 4, 5);
}

static void chunks_hold_a_power_of_two_of_rows(void **state)
{
	static const struct {
		size_t row_bytes;
		size_t chunk_rows;
	} cases[] = {
		{1, 4096}, {2, 2048}, {3, 1024}, {8, 512},  {80, 32},  {1365, 2},
		{2048, 2}, {2049, 1}, {4095, 1}, {4096, 1}, {4097, 1}, {8192, 1},
	};
	const struct strategy *strategy = strategy_find("c", "chunked_list");

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct array array = strategy_array(strategy, cases[i].row_bytes);
		struct rows rows;

		rows_init(&rows, cases[i].row_bytes, ROW_WORK_CHEAP);
		assert_int_equal(strategy->build(&array, 1, &rows.source), BUILD_OK);
		assert_int_equal(counting_allocator_block_bytes(array.index[0]),
				 cases[i].row_bytes * cases[i].chunk_rows);
		strategy->release(&array);
	}
}

static const struct capacity empty = {.row_bytes = 8};

static void growth_by_hand(void **state)
{
	const struct growth none = growth_to(0, empty, growth_doubling);
	const struct growth five = growth_to(5, empty, growth_doubling);
	const struct growth eight = growth_to(8, empty, growth_doubling);

	(void)state;
	assert_int_equal(none.count, 0);
	assert_int_equal(none.capacity, 0);
	/* 0, 1, 2, 4, 8 */
	assert_int_equal(five.count, 4);
	assert_int_equal(five.moved, 0 + 1 + 2 + 4);
	assert_int_equal(five.previous, 4);
	assert_int_equal(five.capacity, 8);
	assert_memory_equal(&eight, &five, sizeof five);
}

static void growth_past_size_t(void **state)
{
	const struct growth most = growth_to(SIZE_MAX, empty, growth_doubling);

	(void)state;
	assert_int_equal(most.previous, SIZE_MAX / 2 + 1);
	assert_int_equal(most.capacity, SIZE_MAX);
}

static void impossible_capacities(void **state)
{
	const struct allocator_counts *counts = counting_allocator_counts();
	struct array array = array_init(80);

	(void)state;
	assert_int_equal(contiguous_grow(&array, 2), BUILD_OK);
	assert_int_equal(contiguous_grow(&array, 2), BUILD_OUT_OF_MEMORY);
	assert_int_equal(contiguous_grow(&array, 0), BUILD_OUT_OF_MEMORY);
	/* 80 times this is 64 modulo 2^64: it must not be taken for a small block. */
	assert_int_equal(contiguous_grow(&array, SIZE_MAX / 80 + 1), BUILD_OUT_OF_MEMORY);
	assert_int_equal(contiguous_grow(&array, SIZE_MAX), BUILD_OUT_OF_MEMORY);
	assert_int_equal(array.capacity, 2);
	assert_int_equal(counting_allocator_block_bytes(array.data), 160);
	/* Inlined here, where its argument is known, realloc(NULL, n) may become malloc(n). */
	assert_int_equal(counts->realloc_count + counts->malloc_count, 1);
	contiguous_release(&array);
}

/* Arrays so long that they cannot exist: only their fields do. */
static void impossible_lengths(void **state)
{
	const struct strategy *append = strategy_find("c", "loop_and_append");
	const struct strategy *packed = strategy_find("c", "list_of_pointers_packed");
	const unsigned char row[80] = {0};
	struct array array = array_init(80);

	(void)state;
	array.rows = SIZE_MAX / 80;
	assert_int_equal(append->append(&array, row), BUILD_OUT_OF_MEMORY);
	array.rows = SIZE_MAX / 80 + 1;
	assert_int_equal(packed->finish(&array), BUILD_OUT_OF_MEMORY);
	assert_int_equal(block_index_grow(&array, SIZE_MAX / 8 + 2), BUILD_OUT_OF_MEMORY);
	assert_int_equal(counting_allocator_counts()->malloc_count, 0);
	assert_int_equal(counting_allocator_counts()->realloc_count, 0);
}

static void saturating_arithmetic(void **state)
{
	(void)state;
	assert_int_equal(saturating_add(UINT64_MAX - 1, 1), UINT64_MAX);
	assert_int_equal(saturating_add(UINT64_MAX, 1), UINT64_MAX);
	assert_int_equal(saturating_multiply(UINT64_MAX / 2, 2), UINT64_MAX - 1);
	assert_int_equal(saturating_multiply(UINT64_MAX / 2 + 1, 2), UINT64_MAX);
	assert_int_equal(saturating_sum_below(0), 0);
	assert_int_equal(saturating_sum_below(1), 0);
	assert_int_equal(saturating_sum_below(4), 0 + 1 + 2 + 3);
	assert_int_equal(saturating_sum_below(5), 0 + 1 + 2 + 3 + 4);
	/* n (n - 1) does not fit, half of it does. */
	assert_int_equal(saturating_sum_below(UINT64_C(1) << 32), UINT64_C(0x7fffffff80000000));
	assert_int_equal(saturating_sum_below(UINT64_C(6074001000)),
			 UINT64_C(18446744070963499500));
	assert_int_equal(saturating_sum_below(UINT64_MAX), UINT64_MAX);
}

static const struct test tests[] = {
	{"realloc_doubling grows 0, 1, 2, 4, 8, ...", doubling},
	{"realloc_x1.5 grows 0, 1, 2, 3, 4, 6, 9, 13, 19, ...", half_as_much_again},
	{"realloc_cpython and the lists grow 0, 4, 8, 16, 24, 32, 40, 52, 64, 76, ...", as_cpython},
	{"realloc_go grows 0, 1, ..., 256, 512, 832, 1232, ...", as_go},
	{"realloc_folly grows 0, 8, ..., 512, 768, ..., 19683, 39366, ...", as_folly},
	{"append_in_place and loop_and_append grow by one row", one_row_more},
	{"chunked_list's chunks hold a power of two of rows, at most 4096 bytes or one row",
	 chunks_hold_a_power_of_two_of_rows},
	{"growth_to follows a rule as by hand", growth_by_hand},
	{"growth_to stops at SIZE_MAX where a rule wraps around", growth_past_size_t},
	{"contiguous_grow refuses what is smaller or does not fit", impossible_capacities},
	{"lengths whose bytes do not fit are refused", impossible_lengths},
	{"saturating arithmetic is exact below the limit and UINT64_MAX above",
	 saturating_arithmetic},
	{0},
};

const struct suite suite_growth = {.name = "growth", .tests = tests};
