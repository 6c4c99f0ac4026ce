/* Every copying pattern: its result, its costs, and what happens when memory is short. */
#include "cmocka_headers.h"

#include <stdbool.h>
#include <string.h>

#include "../pattern.h"
#include "counting_allocator.h"
#include "suites.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct shape {
	size_t rows;
	size_t columns;
};

/* Nothing, single rows and columns, tiles and their neighbours, bands, pages, tall and wide ones.
 */
static const struct shape shapes[] = {
	{0, 1},    {0, 8},    {1, 1},     {1, 2},    {1, 8},    {1, 9},    {2, 1},      {2, 2},
	{2, 3},    {3, 2},    {5, 7},     {7, 5},    {8, 8},    {8, 1},    {9, 8},      {8, 9},
	{16, 16},  {17, 33},  {33, 17},   {64, 64},  {65, 129}, {129, 65}, {1000, 10},  {10, 1000},
	{40, 512}, {512, 40}, {513, 100}, {3, 2048}, {2048, 3}, {4096, 2}, {100, 1024},
};

/* A source that holds a prepared input. */
struct prepared {
	const struct strategy *pattern;
	struct row_source source;
	size_t rows;
	alignas(8) unsigned char buffer[8 * 1024 * sizeof(double)];
};

static void prepare(struct prepared *prepared, const struct strategy *pattern,
		    const struct shape *shape)
{
	const size_t row_bytes = shape->columns * sizeof(double);

	assert_in_range(row_source_buffer_bytes(row_bytes), 1, sizeof prepared->buffer);
	prepared->pattern = pattern;
	prepared->rows = shape->rows;
	row_source_init(&prepared->source, prepared->buffer, row_bytes, ROW_WORK_CHEAP);
	assert_int_equal(pattern->prepare(&prepared->source, shape->rows), BUILD_OK);
	assert_non_null(prepared->source.input);
}

static void dispose(struct prepared *prepared)
{
	prepared->pattern->dispose(&prepared->source);
	assert_null(prepared->source.input);
	prepared->pattern->dispose(&prepared->source);
	assert_int_equal(counting_allocator_counts()->live_mappings, 0);
}

static void rewind_input(struct prepared *prepared)
{
	if (prepared->pattern->rewind != NULL)
		prepared->pattern->rewind(&prepared->source, prepared->rows);
}

static enum build_status build(struct prepared *prepared, struct array *array)
{
	*array = array_init(prepared->source.row_bytes);
	return prepared->pattern->build(array, prepared->rows, &prepared->source);
}

/* The result element by element, in C order, without a pattern's own scan. */
static uint64_t checksum_by_walking(const struct ndarray *result)
{
	struct checksum checksum = {0};
	struct nd_walk walk;

	for (nd_walk_start(&walk, result); walk.left > 0; nd_walk_next(&walk))
		checksum_rows(&checksum, walk.place, 1, sizeof(double));
	return checksum_value(&checksum);
}

static void assert_is_the_oracle(struct prepared *prepared, const struct array *array)
{
	const uint64_t expected = prepared->pattern->expected(&prepared->source, prepared->rows);

	assert_non_null(array->container);
	assert_int_equal(array->rows, prepared->rows);
	assert_int_equal(checksum_by_walking(array->container), expected);
	assert_int_equal(prepared->pattern->scan(array), expected);
}

static void assert_released(struct prepared *prepared, struct array *array)
{
	prepared->pattern->release(array);
	assert_null(array->container);
	assert_null(array->data);
	assert_int_equal(array->rows, 0);
	assert_int_equal(counting_allocator_counts()->live_blocks, 0);
	prepared->pattern->release(array);
}

/* All but the operand of a += b. */
static void assert_input_is_intact(struct prepared *prepared)
{
	const struct pattern_input *input = pattern_input(&prepared->source);
	const double *a = (const double *)(const void *)input->a.data;
	const double *b = (const double *)(const void *)input->b.data;
	const size_t size = nd_size(&input->a);
	size_t changed = 0;

	assert_int_equal(size, prepared->rows * (prepared->source.row_bytes / sizeof(double)));
	for (size_t e = 0; e < size; e++)
		changed += a[e] != (double)e + 1;
	for (size_t left = nd_size(&input->b), e = 0; left > 0; left--, e++)
		changed += b[e] != (double)(e % 7) + 1;
	assert_int_equal(changed, 0);
}

/* Runs the check for each shape that the pattern takes. */
static void for_each_shape(const struct strategy *pattern,
			   void (*check)(const struct strategy *pattern, const struct shape *shape))
{
	size_t taken = 0;

	for (size_t i = 0; i < COUNT(shapes); i++) {
		if (!strategy_supports(pattern, shapes[i].columns * sizeof(double)))
			continue;
		taken++;
		counting_allocator_start();
		check(pattern, &shapes[i]);
	}
	assert_in_range(taken, COUNT(shapes) - 4, COUNT(shapes));
}

static void result_is_the_oracle(const struct strategy *pattern, const struct shape *shape)
{
	struct prepared prepared;
	struct array array;

	prepare(&prepared, pattern, shape);
	for (int round = 0; round < 2; round++) {
		/* What a warm value leaves behind. */
		for (int warm = 0; warm < 3; warm++) {
			assert_int_equal(build(&prepared, &array), BUILD_OK);
			assert_released(&prepared, &array);
		}
		rewind_input(&prepared);
		assert_input_is_intact(&prepared);
		assert_int_equal(build(&prepared, &array), BUILD_OK);
		assert_is_the_oracle(&prepared, &array);
		assert_released(&prepared, &array);
	}
	rewind_input(&prepared);
	assert_input_is_intact(&prepared);
	dispose(&prepared);
}

static void the_result_is_the_oracle(void **state)
{
	for_each_shape(*state, result_is_the_oracle);
}

static void costs_are_what_is_counted(const struct strategy *pattern, const struct shape *shape)
{
	const struct allocator_counts *counts = counting_allocator_counts();
	struct allocator_counts before;
	struct strategy_cost cost;
	struct prepared prepared;
	struct array array;

	prepare(&prepared, pattern, shape);
	before = *counts;
	assert_int_equal(before.malloc_count + before.calloc_count + before.realloc_count, 0);
	assert_int_equal(before.peak_bytes, before.live_bytes);
	/* What is not filled in has to show. */
	memset(&cost, 0xff, sizeof cost);
	strategy_cost_of(pattern, shape->rows, prepared.source.row_bytes, &cost);
	assert_int_equal(build(&prepared, &array), BUILD_OK);
	assert_int_equal(cost.malloc_count, counts->malloc_count);
	assert_int_equal(cost.calloc_count, counts->calloc_count);
	assert_int_equal(cost.realloc_count, counts->realloc_count);
	assert_int_equal(cost.free_count, counts->free_count);
	assert_int_equal(cost.mmap_count, counts->mmap_count - before.mmap_count);
	assert_int_equal(cost.mprotect_count, counts->mprotect_count);
	assert_int_equal(cost.realloc_moved_bytes, 0);
	assert_int_equal(cost.peak_bytes, counts->peak_bytes - before.live_bytes);
	assert_int_equal(cost.peak_moving_bytes, counts->peak_moving_bytes - before.live_bytes);
	assert_int_equal(cost.final_bytes, counts->live_bytes - before.live_bytes);
	assert_released(&prepared, &array);
	dispose(&prepared);
}

static void closed_forms_are_what_is_counted(void **state)
{
	for_each_shape(*state, costs_are_what_is_counted);
}

/* Views and in-place operations copy nothing, copies all of the result, sums nothing. */
static void copied_bytes_are_those_of_the_name(void **state)
{
	const struct strategy *pattern = *state;
	const bool is_view = strstr(pattern->name, "view") != NULL;
	const bool is_computed =
		strncmp(pattern->name, "add_", 4) == 0 || strncmp(pattern->name, "reduce_", 7) == 0;
	struct strategy_cost cost;

	strategy_cost_of(pattern, 1000, 80, &cost);
	if (is_view || strcmp(pattern->name, "add_in_place") == 0) {
		assert_int_equal(cost.final_bytes, 0);
		assert_int_equal(cost.copied_bytes, 0);
	} else {
		assert_int_not_equal(cost.final_bytes, 0);
		assert_int_equal(cost.copied_bytes, is_computed ? 0 : cost.final_bytes);
	}
}

static void costs_do_not_wrap_around(void **state)
{
	const struct strategy *pattern = *state;
	struct strategy_cost large;
	struct strategy_cost small;

	strategy_cost_of(pattern, 1000, 80, &small);
	strategy_cost_of(pattern, SIZE_MAX / 2, 80, &large);
	assert_true(large.copied_bytes >= small.copied_bytes);
	assert_true(large.peak_bytes >= small.peak_bytes);
	assert_true(large.final_bytes >= small.final_bytes);
	if (small.final_bytes > 800)
		assert_int_equal(large.final_bytes, UINT64_MAX);
}

/* Builds with the nth allocation failing. False if there are fewer than that. */
static bool fails_cleanly(struct prepared *prepared, enum failure failure, uint64_t nth)
{
	const struct allocator_counts *counts = counting_allocator_counts();
	const uint64_t made_to_fail_count = counts->made_to_fail_count;
	struct array array;
	enum build_status status;
	bool failed;

	rewind_input(prepared);
	counting_allocator_fail(failure, nth);
	status = build(prepared, &array);
	counting_allocator_fail(failure, 0);
	failed = counts->made_to_fail_count > made_to_fail_count;
	assert_int_equal(status, failed ? BUILD_OUT_OF_MEMORY : BUILD_OK);
	if (failed) {
		assert_null(array.container);
		assert_int_equal(array.rows, 0);
		assert_int_equal(prepared->pattern->scan(&array), 0);
		assert_input_is_intact(prepared);
	}
	assert_released(prepared, &array);

	/* What was released after a failure is as good as new. */
	rewind_input(prepared);
	assert_int_equal(build(prepared, &array), BUILD_OK);
	assert_is_the_oracle(prepared, &array);
	assert_released(prepared, &array);
	return failed;
}

/* Without memory for the input there is none, and nothing of it is left. */
static void prepare_without_memory(const struct strategy *pattern, const struct shape *shape)
{
	struct prepared prepared;

	for (int repeated = 0; repeated < 2; repeated++) {
		prepare(&prepared, pattern, shape);
		dispose(&prepared);
		prepared.source.input = &prepared; /* not to be taken for one that is there */
		counting_allocator_fail(FAIL_ONE, 1);
		assert_int_equal(pattern->prepare(&prepared.source, shape->rows),
				 BUILD_OUT_OF_MEMORY);
		counting_allocator_fail(FAIL_ONE, 0);
		assert_null(prepared.source.input);
		dispose(&prepared);
	}
}

static void every_allocation_may_fail(void **state)
{
	/* The last one is large enough for huge pages. */
	static const struct shape some_shapes[] = {{2, 2},    {33, 17},  {1000, 10},
						   {17, 600}, {600, 17}, {700, 1000}};
	const struct strategy *pattern = *state;

	for (size_t i = 0; i < COUNT(some_shapes); i++) {
		struct strategy_cost cost;
		struct prepared prepared;
		uint64_t nth = 1;

		if (suites_thoroughness() == THOROUGHNESS_FEW_SIZES && i != 1)
			continue;

		strategy_cost_of(pattern, some_shapes[i].rows,
				 some_shapes[i].columns * sizeof(double), &cost);
		prepare_without_memory(pattern, &some_shapes[i]);
		prepare(&prepared, pattern, &some_shapes[i]);
		while (fails_cleanly(&prepared, FAIL_ONE, nth))
			nth++;
		assert_int_equal(nth, cost.malloc_count + 1);
		for (nth = 1; fails_cleanly(&prepared, FAIL_ALL_FROM, nth);)
			nth++;
		dispose(&prepared);
	}
}

static void without_an_input_there_is_no_result(void **state)
{
	const struct strategy *pattern = *state;
	unsigned char buffer[4 * 128];
	struct row_source source;
	struct array array = array_init(80);

	row_source_init(&source, buffer, 80, ROW_WORK_CHEAP);
	counting_allocator_limit_mapping(0);
	assert_int_equal(pattern->prepare(&source, 1000), BUILD_OUT_OF_MEMORY);
	assert_null(source.input);
	counting_allocator_limit_mapping(SIZE_MAX);
	/* That many bytes, and what comes on top of the most that there can be. */
	assert_int_equal(pattern->prepare(&source, SIZE_MAX / 8), BUILD_OUT_OF_MEMORY);
	assert_null(source.input);
	assert_int_equal(pattern->prepare(&source, SIZE_MAX / 80), BUILD_OUT_OF_MEMORY);
	assert_null(source.input);
	assert_int_equal(pattern->build(&array, 1000, &source), BUILD_OUT_OF_MEMORY);
	pattern->release(&array);
	pattern->dispose(&source);
	assert_int_equal(counting_allocator_counts()->malloc_count, 0);
}

static void rows_of_other_things_than_doubles_are_not_taken(void **state)
{
	const struct strategy *pattern = *state;

	for (size_t row_bytes = 1; row_bytes < 100; row_bytes++)
		if (row_bytes % sizeof(double) != 0)
			assert_false(strategy_supports(pattern, row_bytes));
	assert_true(strategy_supports(pattern, 16));
	assert_true(strategy_supports(pattern, 80));
	assert_true(strategy_supports(pattern, 4096));
}

/* Each number once, and not in order: else it would be no gathering. */
static void shuffled_rows_are_all_rows(void **state)
{
	const struct shape shape = {1000, 1};
	bool found[1000] = {false};
	size_t in_place = 0;
	struct prepared prepared;

	(void)state;
	prepare(&prepared, strategy_find("c", "gather_shuffled"), &shape);
	for (size_t i = 0; i < shape.rows; i++) {
		const ptrdiff_t row = pattern_input(&prepared.source)->index[i];

		assert_in_range(row, 0, shape.rows - 1);
		assert_false(found[row]);
		found[row] = true;
		in_place += (size_t)row == i;
	}
	assert_in_range(in_place, 0, 20);
	dispose(&prepared);
}

static const struct test for_each_pattern[] = {
	{"the result is the oracle's, at every shape", the_result_is_the_oracle},
	{"the closed forms are what the allocator counts", closed_forms_are_what_is_counted},
	{"the copied bytes are those of the name", copied_bytes_are_those_of_the_name},
	{"costs do not wrap around", costs_do_not_wrap_around},
	{"rows of other things than doubles are not taken",
	 rows_of_other_things_than_doubles_are_not_taken},
	{0},
};

static const struct test out_of_memory_for_each_pattern[] = {
	{"every allocation may fail", every_allocation_may_fail},
	{"without an input there is no result", without_an_input_there_is_no_result},
	{0},
};

const struct suite suite_patterns_out_of_memory = {
	.name = "patterns out of memory",
	.for_each_pattern = true,
	.tests = out_of_memory_for_each_pattern,
};

const struct suite suite_patterns = {
	.name = "patterns",
	.for_each_pattern = true,
	.tests = for_each_pattern,
};

static const struct test tests[] = {
	{"shuffled rows are all rows, in another order", shuffled_rows_are_all_rows},
	{0},
};

const struct suite suite_pattern_input = {.name = "pattern input", .tests = tests};
