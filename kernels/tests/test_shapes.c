#include "cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "../line_lengths.h"
#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void shape(const char *name, const char *value, struct strategy_instance *instance)
{
	assert_true(strategy_with_value(strategy_find("c", name), value, instance));
}

/* Builds `count` rows of 8 bytes, which are their numbers. */
static void build_numbers(const struct strategy *strategy, struct array *array, size_t count)
{
	struct rows rows;

	*array = strategy_array(strategy, 8);
	rows_init(&rows, 8, ROW_WORK_CHEAP);
	assert_int_equal(strategy->build(array, count, &rows.source), BUILD_OK);
}

static void assert_numbers(const unsigned char *data, const uint64_t *expected, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t number;

		memcpy(&number, data + 8 * i, sizeof number);
		assert_int_equal(number, expected[i]);
	}
}

static void rows_go_where_the_name_says(void **state)
{
	static const uint64_t front[] = {4, 3, 2, 1, 0};
	static const uint64_t middle[] = {1, 3, 4, 2, 0};
	const struct strategy *prepend = strategy_find("c", "prepend");
	const struct strategy *insert = strategy_find("c", "insert_middle");
	struct array array;

	(void)state;
	build_numbers(prepend, &array, 5);
	assert_numbers(array.data, front, 5);
	prepend->release(&array);
	build_numbers(insert, &array, 5);
	assert_numbers(array.data, middle, 5);
	insert->release(&array);
}

static void arrays_take_turns(void **state)
{
	static const uint64_t even[] = {0, 2, 4};
	static const uint64_t odd[] = {1, 3};
	struct strategy_instance two;
	const struct allocator_counts *counts = counting_allocator_counts();
	struct array array;

	(void)state;
	shape("arrays_in_turn", "2", &two);
	build_numbers(&two.strategy, &array, 5);
	assert_int_equal(counts->calloc_count, 1);
	/* Three rows and two: to 1, 2, 4 and to 1, 2. */
	assert_int_equal(counts->realloc_count, 3 + 2);
	assert_int_equal(counts->realloc_moved_bytes, 8 * (1 + 2 + 1));
	assert_int_equal(counting_allocator_block_bytes(array.index), 2 * sizeof(void *));
	assert_int_equal(counting_allocator_block_bytes(array.index[0]), 4 * 8);
	assert_int_equal(counting_allocator_block_bytes(array.index[1]), 2 * 8);
	assert_numbers(array.index[0], even, 3);
	assert_numbers(array.index[1], odd, 2);
	two.strategy.release(&array);
}

static void nodes_come_between(void **state)
{
	struct strategy_instance without;
	struct strategy_instance with;
	const struct allocator_counts *counts = counting_allocator_counts();
	uint64_t bytes;
	struct array array;

	(void)state;
	shape("arrays_in_turn", "8", &without);
	shape("arrays_in_turn_nodes", "8", &with);
	build_numbers(&without.strategy, &array, 100);
	bytes = counts->live_bytes;
	assert_int_equal(counts->malloc_count, 0);
	without.strategy.release(&array);
	build_numbers(&with.strategy, &array, 100);
	assert_int_equal(counts->malloc_count, 100);
	assert_int_equal(counts->live_bytes, bytes + 100 * 32);
	with.strategy.release(&array);
}

static void inner_arrays_grow_by_themselves(void **state)
{
	struct strategy_instance four;
	const struct allocator_counts *counts = counting_allocator_counts();
	struct array array;

	(void)state;
	shape("array_of_arrays", "4", &four);
	build_numbers(&four.strategy, &array, 4 + 4 + 3);
	/* To 1, 2, 4 each, and the outer one the same. */
	assert_int_equal(counts->realloc_count, 3 + 3 + 3 + 3);
	assert_int_equal(counts->live_bytes, 3 * 4 * 8 + 4 * sizeof(void *));
	four.strategy.release(&array);
}

static void a_stack_shrinks_at_a_quarter(void **state)
{
	const struct strategy *strategy = strategy_find("c", "grow_and_shrink");
	const struct allocator_counts *counts = counting_allocator_counts();
	struct array array;

	(void)state;
	build_numbers(strategy, &array, 8);
	/* 1, 2, 4, 8 twice; 4 when two are left, 2 when one is. */
	assert_int_equal(counts->realloc_count, 4 + 4 + 2);
	assert_int_equal(counts->realloc_moved_bytes, 8 * (7 + 7 + 8 + 4));
	assert_int_equal(counts->free_count, 1);
	/* 8 and 8, and half of that when the second stack is moved to its last block. */
	assert_int_equal(counts->peak_bytes, 8 * 16);
	assert_int_equal(counts->peak_moving_bytes, 8 * 20);
	assert_int_equal(counts->live_bytes, 8 * 8);
	strategy->release(&array);
}

static void many_find_room_for_all_of_them(void **state)
{
	static const struct {
		size_t rows;
		size_t capacity;
	} cases[] = {{1, 64}, {64, 64}, {65, 128}, {128, 128}, {129, 256}, {1000, 1024}};
	struct strategy_instance many;

	(void)state;
	shape("append_many", "64", &many);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct array array;

		build_numbers(&many.strategy, &array, cases[i].rows);
		assert_int_equal(array.capacity, cases[i].capacity);
		many.strategy.release(&array);
	}
}

static void a_text_grows_by_its_lines(void **state)
{
	/* Lines of 32, 1, 1, 50 and 1 bytes of a mean of 32. */
	static const size_t capacities[] = {32, 64, 64, 128, 128};
	struct strategy_instance text;
	struct array array;
	struct rows rows;

	(void)state;
	shape("text_lines", "source", &text);
	array = strategy_array(&text.strategy, 32);
	rows_init(&rows, 32, ROW_WORK_CHEAP);
	for (size_t i = 0; i < COUNT(capacities); i++) {
		assert_int_equal(text.strategy.append(&array, row_source_next(&rows.source)),
				 BUILD_OK);
		assert_int_equal(array.capacity, capacities[i]);
	}
	text.strategy.release(&array);
}

static int compare_lengths(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void lengths_are_those_of_the_distributions(void **state)
{
	int lengths[LINES_KINDS][256];

	(void)state;
	for (size_t kind = 0; kind < LINES_KINDS; kind++) {
		assert_int_equal(line_ends[kind][0], 0);
		assert_int_equal(line_ends[kind][1], 32);
		assert_int_equal(line_ends[kind][256], 256 * 32);
		for (size_t i = 0; i < 256; i++) {
			lengths[kind][i] = line_ends[kind][i + 1] - line_ends[kind][i];
			assert_true(lengths[kind][i] > 0);
		}
		qsort(lengths[kind], 256, sizeof(int), compare_lengths);
	}
	for (int i = 0; i < 256; i++) {
		const int value = 1 + i / 4 > 32 ? i / 4 : 1 + i / 4;

		assert_int_equal(lengths[LINES_UNIFORM][i], value);
	}
	/* An empty line has its end; a quarter has half of the mean or less. */
	assert_int_equal(lengths[LINES_OF_SOURCE][0], 1);
	assert_true(lengths[LINES_OF_SOURCE][63] * 2 <= 32);
	assert_int_equal(lengths[LINES_OF_SOURCE][255], 81);
}

static void texts_have_rows_times_row_bytes(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < LINES_KINDS; kind++) {
		assert_int_equal(lines_bytes(kind, 0, 80), 0);
		assert_int_equal(lines_bytes(kind, 1, 80), 80);
		assert_int_equal(lines_bytes(kind, 256, 80), 256 * 80);
		assert_int_equal(lines_bytes(kind, 256000, 7), 256000 * 7);
		assert_int_equal(lines_bytes(kind, SIZE_MAX, 1), UINT64_MAX);
		assert_int_equal(lines_bytes(kind, 1, SIZE_MAX), UINT64_MAX);
	}
}

static void what_is_no_value_is_refused(void **state)
{
	static const struct {
		const char *name;
		const char *values[8]; /* up to the NULL */
	} cases[] = {
		{"arrays_in_turn", {"0", "3", "131072", "2.0", "", "-1", " 2"}},
		{"array_of_arrays", {"0", "15", "16rows", ""}},
		{"append_many", {"0", "1000001", "1e3", ""}},
		{"text_lines", {"Source", "sourc", "sources", "0", ""}},
	};
	struct strategy_instance instance;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (const char *const *value = cases[i].values; *value != NULL; value++)
			if (strategy_with_value(strategy_find("c", cases[i].name), *value,
						&instance))
				fail_msg("%s:%s was taken", cases[i].name, *value);
	shape("arrays_in_turn", "065536", &instance);
	assert_string_equal(instance.name, "arrays_in_turn:65536");
	shape("text_lines", "uniform", &instance);
	assert_string_equal(instance.name, "text_lines:uniform");
}

/* Numbers that nobody chose, by a generator of Lehmer's. */
static size_t random_below(uint64_t *random, size_t below)
{
	*random = *random * 48271 % 2147483647;
	return *random % below;
}

static void closed_forms_hold_for_any_number_of_rows(void **state)
{
	static const char *const names[] = {"append_many", "array_of_arrays", "arrays_in_turn",
					    "arrays_in_turn_nodes"};
	uint64_t random = 20;

	(void)state;
	for (int i = 0; i < 300; i++) {
		const char *name = names[i % (int)COUNT(names)];
		const size_t rows = random_below(&random, 1 << (1 + i % 12));
		const size_t row_bytes = 1 + random_below(&random, 100);
		struct strategy_instance instance;

		strategy_of_value(strategy_find("c", name),
				  (uint64_t)1 << random_below(&random, 10), &instance);
		cost_assert_is_counted(&instance.strategy, rows, row_bytes);
		shape("text_lines", i % 2 == 0 ? "source" : "uniform", &instance);
		cost_assert_is_counted(&instance.strategy, rows, row_bytes);
		cost_assert_is_counted(strategy_find("c", "grow_and_shrink"), rows, row_bytes);
	}
}

static const struct test tests[] = {
	{"rows go where the name says", rows_go_where_the_name_says},
	{"arrays in turn take turns", arrays_take_turns},
	{"nodes come between appends", nodes_come_between},
	{"inner arrays grow by themselves", inner_arrays_grow_by_themselves},
	{"a stack shrinks at a quarter", a_stack_shrinks_at_a_quarter},
	{"many rows find room for all of them", many_find_room_for_all_of_them},
	{"a text grows by its lines", a_text_grows_by_its_lines},
	{"lengths of lines are those of the distributions", lengths_are_those_of_the_distributions},
	{"texts have rows x row_bytes bytes", texts_have_rows_times_row_bytes},
	{"what is no value, or out of range, is refused", what_is_no_value_is_refused},
	{"closed forms hold for any number of rows", closed_forms_hold_for_any_number_of_rows},
	{0},
};

const struct suite suite_shapes = {.name = "shapes", .tests = tests};
