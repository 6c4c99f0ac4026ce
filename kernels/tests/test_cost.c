#include "cmocka_headers.h"

#include <string.h>

#include "../saturating.h"
#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Powers of two and their neighbours, CPython's capacities, and what lies between. */
static const size_t row_counts[] = {0,  1,  2,  3,  4,  5,  7,  8,  9,   16,  17,
				    24, 25, 31, 32, 33, 52, 53, 64, 100, 777, 1025};
static const size_t row_sizes[] = {1, 8, 24, 80, 256, 800, 2048, 4096, 5000};

void cost_assert_is_counted(const struct strategy *strategy, size_t count, size_t row_bytes)
{
	const struct allocator_counts *counts = counting_allocator_counts();
	struct array array = strategy_array(strategy, row_bytes);
	struct strategy_cost cost;
	struct rows rows;

	rows_init(&rows, row_bytes, ROW_WORK_CHEAP);
	counting_allocator_start();
	/* What is not filled in has to show. */
	memset(&cost, 0xff, sizeof cost);
	strategy_cost_of(strategy, count, row_bytes, &cost);
	assert_int_equal(strategy->build(&array, count, &rows.source), BUILD_OK);
	assert_int_equal(cost.malloc_count, counts->malloc_count);
	assert_int_equal(cost.calloc_count, counts->calloc_count);
	assert_int_equal(cost.realloc_count, counts->realloc_count);
	assert_int_equal(cost.free_count, counts->free_count);
	assert_int_equal(cost.mmap_count, counts->mmap_count);
	assert_int_equal(cost.mprotect_count, counts->mprotect_count);
	assert_int_equal(cost.realloc_moved_bytes, counts->realloc_moved_bytes);
	assert_int_equal(cost.peak_bytes, counts->peak_bytes);
	assert_int_equal(cost.peak_moving_bytes, counts->peak_moving_bytes);
	assert_int_equal(cost.final_bytes, counts->live_bytes);
	assert_int_equal(counts->munmap_count, 0);
	strategy->release(&array);
	assert_int_equal(counts->live_bytes, 0);
}

static void closed_forms_are_what_is_counted(void **state)
{
	for (size_t j = 0; j < COUNT(row_sizes); j++) {
		if (!rows_are_supported(*state, row_sizes[j]))
			continue;
		for (size_t i = 0; i < COUNT(row_counts); i++) {
			if (!rows_take_too_long(*state, row_counts[i], row_sizes[j]))
				cost_assert_is_counted(*state, row_counts[i], row_sizes[j]);
		}
	}
}

/* For 1000 rows of 80 bytes. */
static uint64_t moved_by_a_factor(uint64_t factor)
{
	struct strategy_instance instance;
	struct strategy_cost cost;

	strategy_of_value(strategy_find("c", "realloc_factor"), factor, &instance);
	strategy_cost_of(&instance.strategy, 1000, 80, &cost);
	return cost.realloc_moved_bytes;
}

static void copied_bytes_are_those_of_the_design(void **state)
{
	const struct strategy *strategy = *state;
	struct strategy_cost cost;

	strategy_cost_of(strategy, 1000, 80, &cost);
	if (strategy == strategy_find("c", "loop_and_append"))
		assert_int_equal(cost.copied_bytes, 1000 * 999 / 2 * 80);
	else if (strncmp(strategy->name, "expand_in_place", strlen("expand_in_place")) == 0)
		/* No block can be expanded: what realloc would move. */
		assert_int_equal(cost.copied_bytes, moved_by_a_factor(strategy->value));
	else if (strategy == strategy_find("c", "list_of_pointers_packed"))
		assert_int_equal(cost.copied_bytes, 1000 * 80);
	else if (strategy == strategy_find("cpp", "std_vector"))
		assert_int_equal(cost.copied_bytes, (512 + 256 + 128 + 64 + 32 + 16 + 8 + 7) * 80);
	else if (strategy == strategy_find("cpp", "std_deque"))
		/* Addresses, as often as the map of 8, 18, 38, 78 and 158 slots was full. */
		assert_int_equal(cost.copied_bytes, (5 + 12 + 26 + 53 + 106) * 8);
	else if (strategy == strategy_find("c", "prepend"))
		assert_int_equal(cost.copied_bytes, 1000 * 999 / 2 * 80);
	else if (strategy == strategy_find("c", "insert_middle"))
		assert_int_equal(cost.copied_bytes, 500 * 500 * 80);
	else if (strategy == strategy_find("c", "grow_and_shrink"))
		assert_int_equal(cost.copied_bytes, 1000 * 80);
	else
		assert_int_equal(cost.copied_bytes, 0);
}

static void the_order_is_that_of_the_copied_bytes(void **state)
{
	const struct strategy *strategy = *state;
	struct strategy_cost few;
	struct strategy_cost many;
	uint64_t few_bytes;
	uint64_t many_bytes;

	strategy_cost_of(strategy, 1000, 80, &few);
	strategy_cost_of(strategy, 100000, 80, &many);
	/* Each row is written once in any case. */
	few_bytes = few.copied_bytes + few.realloc_moved_bytes + 1000 * 80;
	many_bytes = many.copied_bytes + many.realloc_moved_bytes + 100000 * 80;
	if (strategy->order == GROWTH_LINEAR)
		assert_in_range(many_bytes / few_bytes, 50, 200);
	else
		assert_in_range(many_bytes / few_bytes, 5000, 20000);
}

static void a_hundred_million_rows_cost_at_least_their_bytes(void **state)
{
	const struct strategy *strategy = *state;
	const uint64_t bytes = UINT64_C(100000000) * 80;
	struct strategy_cost cost;

	strategy_cost_of(strategy, 100000000, 80, &cost);
	assert_in_range(cost.final_bytes, bytes, 16 * bytes);
	assert_in_range(cost.peak_bytes, cost.final_bytes, 16 * bytes);
	assert_in_range(cost.peak_moving_bytes, cost.peak_bytes, 16 * bytes);
}

static void costs_that_do_not_fit_are_the_largest_number(void **state)
{
	static const size_t counts[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 64};
	const struct strategy *strategy = *state;

	for (size_t i = 0; i < COUNT(counts); i++) {
		struct strategy_cost cost;

		strategy_cost_of(strategy, counts[i], 80, &cost);
		assert_int_equal(cost.peak_bytes, UINT64_MAX);
		assert_int_equal(cost.peak_moving_bytes, UINT64_MAX);
		assert_int_equal(cost.final_bytes, UINT64_MAX);
		if (strategy->order == GROWTH_QUADRATIC)
			assert_int_equal(
				saturating_add(cost.copied_bytes, cost.realloc_moved_bytes),
				UINT64_MAX);
	}
}

static const struct test tests[] = {
	{"the closed forms are what the allocator counts", closed_forms_are_what_is_counted},
	{"the copied bytes are those of the design", copied_bytes_are_those_of_the_design},
	{"the order is that of the copied bytes", the_order_is_that_of_the_copied_bytes},
	{"a hundred million rows cost at least their bytes",
	 a_hundred_million_rows_cost_at_least_their_bytes},
	{"costs that do not fit are UINT64_MAX", costs_that_do_not_fit_are_the_largest_number},
	{0},
};

const struct suite suite_cost = {.name = "cost", .for_each_strategy = true, .tests = tests};
