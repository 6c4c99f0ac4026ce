/* Strategies that ask the allocator for what it has to give, with one whose answers are known. */
#include "cmocka_headers.h"

#include <string.h>

#include "../allocator.h"
#include "../growth.h"
#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static size_t multiples_of_64(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static size_t powers_of_two(size_t bytes)
{
	size_t power = 16;

	while (power < bytes)
		power *= 2;
	return power;
}

/* Four to each power of two, as jemalloc has. */
static size_t quarters(size_t bytes)
{
	size_t spacing = 16;

	while (spacing * 8 < bytes)
		spacing *= 2;
	return (bytes + spacing - 1) / spacing * spacing;
}

static size_t just_that(size_t bytes)
{
	return bytes;
}

static size_t nothing(size_t bytes)
{
	(void)bytes;
	return 0;
}

static size_t (*const classes[])(size_t bytes) = {multiples_of_64, powers_of_two, quarters,
						  just_that};
static const char *const factors[] = {"1.001", "1.125", "1.5", "2", "3.7"};
static const size_t row_counts[] = {0, 1, 2, 3, 5, 10, 30, 100, 1000};
static const size_t row_sizes[] = {1, 7, 8, 24, 80, 100, 1000};

/* One build: the strategy with that factor, and what there has to be when it has ended. */
struct trial {
	struct strategy_instance instance;
	size_t rows;
	size_t row_bytes;
	size_t (*given)(size_t bytes);
	size_t expanded_up_to;
	struct array array;
	struct rows source;
};

static void set_up(struct trial *trial, const char *name, const char *factor)
{
	assert_true(strategy_with_value(strategy_find("c", name), factor, &trial->instance));
	trial->expanded_up_to = 0;
	trial->given = just_that;
}

static void build(struct trial *trial)
{
	const struct strategy *strategy = &trial->instance.strategy;

	counting_allocator_start();
	counting_allocator_round_up(trial->given);
	counting_allocator_expand_up_to(trial->expanded_up_to);
	trial->array = strategy_array(strategy, trial->row_bytes);
	rows_init(&trial->source, trial->row_bytes, ROW_WORK_CHEAP);
	assert_int_equal(strategy->build(&trial->array, trial->rows, &trial->source.source),
			 BUILD_OK);
	assert_int_equal(trial->array.rows, trial->rows);
	rows_assert_equal(strategy, &trial->array, &trial->source.source);
}

static void tear_down(struct trial *trial)
{
	trial->instance.strategy.release(&trial->array);
	assert_int_equal(counting_allocator_counts()->live_bytes, 0);
}

static size_t grown(const struct trial *trial, size_t capacity)
{
	return growth_factor(
		(struct capacity){capacity, trial->row_bytes, trial->instance.strategy.value});
}

static void try_all(const char *name, size_t expanded_up_to, void (*check)(struct trial *trial))
{
	static struct trial trial;

	for (size_t c = 0; c < COUNT(classes); c++)
		for (size_t f = 0; f < COUNT(factors); f++)
			for (size_t i = 0; i < COUNT(row_counts); i++)
				for (size_t j = 0; j < COUNT(row_sizes); j++) {
					set_up(&trial, name, factors[f]);
					trial.rows = row_counts[i];
					trial.row_bytes = row_sizes[j];
					trial.given = classes[c];
					trial.expanded_up_to = expanded_up_to;
					build(&trial);
					check(&trial);
					tear_down(&trial);
				}
}

static void the_good_size_is_the_allocators(void **state)
{
	(void)state;
	assert_string_equal(allocator_good_size_function(), "nallocx");
	assert_string_equal(allocator_expand_function(), "xallocx");
	assert_int_equal(allocator_good_size(100), 100);
	counting_allocator_round_up(multiples_of_64);
	assert_int_equal(allocator_good_size(100), 128);
	/* What nallocx says of what cannot be had. */
	counting_allocator_round_up(nothing);
	assert_int_equal(allocator_good_size(100), 100);
}

/* 24 bytes in multiples of 64: 1 row gets 2, 4 get 5, 10 get 10, 20 get 21, 42 get 42. */
static void known_classes_have_known_capacities(void **state)
{
	static const size_t capacities[] = {2, 5, 10, 21, 42};
	/* All but those to 10 and 42 rows take the rest. */
	static const uint64_t with_the_rest[] = {2, 4, 5, 7, 8};
	static struct trial trial;

	(void)state;
	for (size_t i = 0; i < COUNT(capacities); i++) {
		const struct allocator_counts *counts = counting_allocator_counts();

		trial.rows = capacities[i];
		trial.row_bytes = 24;
		set_up(&trial, "realloc_good_size", "2");
		trial.given = multiples_of_64;
		build(&trial);
		assert_int_equal(trial.array.capacity, capacities[i]);
		assert_int_equal(counts->realloc_count, i + 1);
		assert_int_equal(counts->live_bytes, capacities[i] * 24);
		tear_down(&trial);

		set_up(&trial, "realloc_usable", "2");
		trial.given = multiples_of_64;
		build(&trial);
		assert_int_equal(trial.array.capacity, capacities[i]);
		assert_int_equal(counts->realloc_count, with_the_rest[i]);
		assert_int_equal(counts->live_bytes, capacities[i] * 24);
		tear_down(&trial);
	}
}

static void check_good_size(struct trial *trial)
{
	const struct allocator_counts *counts = counting_allocator_counts();
	struct strategy_cost cost;

	strategy_cost_of(&trial->instance.strategy, trial->rows, trial->row_bytes, &cost);
	assert_int_equal(counts->realloc_count, cost.realloc_count);
	assert_int_equal(counts->realloc_moved_bytes, cost.realloc_moved_bytes);
	assert_int_equal(counts->peak_bytes, cost.peak_bytes);
	assert_int_equal(counts->peak_moving_bytes, cost.peak_moving_bytes);
	assert_int_equal(counts->live_bytes, cost.final_bytes);
	assert_int_equal(counts->malloc_count + counts->free_count + counts->expanded_count, 0);
	/* No block could have held one row more. */
	if (trial->rows > 0)
		assert_int_equal(trial->array.capacity,
				 trial->given(counts->live_bytes) / trial->row_bytes);
}

static void the_closed_form_of_good_sizes_holds_with_all_classes(void **state)
{
	(void)state;
	try_all("realloc_good_size", 0, check_good_size);
}

/* The rule once more, on numbers alone. */
static void check_usable(struct trial *trial)
{
	const struct allocator_counts *counts = counting_allocator_counts();
	size_t capacity = 0;
	uint64_t reallocs = 0;
	uint64_t moved = 0;

	while (capacity < trial->rows) {
		const size_t wanted = grown(trial, capacity);
		const size_t given = trial->given(wanted * trial->row_bytes) / trial->row_bytes;

		moved += capacity + (given > wanted ? wanted : 0);
		reallocs += given > wanted ? 2 : 1;
		capacity = given;
	}
	assert_int_equal(trial->array.capacity, capacity);
	assert_int_equal(counts->realloc_count, reallocs);
	assert_int_equal(counts->realloc_moved_bytes, moved * trial->row_bytes);
	assert_int_equal(counts->live_bytes, capacity * trial->row_bytes);
	assert_int_equal(counts->peak_bytes, capacity * trial->row_bytes);
	assert_int_equal(counts->malloc_count + counts->free_count + counts->expanded_count, 0);
}

static void all_that_is_usable_is_asked_for_before_it_is_used(void **state)
{
	(void)state;
	try_all("realloc_usable", 0, check_usable);
}

static void check_expanded(struct trial *trial)
{
	const struct allocator_counts *counts = counting_allocator_counts();
	struct strategy_cost cost;
	size_t capacity = 0;
	uint64_t moves = 0;
	uint64_t copied = 0;
	uint64_t expanded = 0;

	while (capacity < trial->rows) {
		const size_t wanted = grown(trial, capacity);
		const size_t bytes = wanted * trial->row_bytes;

		if (capacity > 0 && (bytes <= trial->expanded_up_to ||
				     bytes <= trial->given(capacity * trial->row_bytes)))
			expanded++;
		else
			copied += moves++ > 0 ? capacity * trial->row_bytes : 0;
		capacity = wanted;
	}
	strategy_cost_of(&trial->instance.strategy, trial->rows, trial->row_bytes, &cost);
	assert_int_equal(trial->array.capacity, capacity);
	assert_int_equal(counts->malloc_count, moves);
	assert_int_equal(counts->free_count, moves > 0 ? moves - 1 : 0);
	assert_int_equal(counts->expanded_count, expanded);
	assert_int_equal(counts->realloc_count, 0);
	assert_int_equal(trial->array.copied_bytes, copied);
	assert_in_range(copied, 0, cost.copied_bytes);
	assert_int_equal(counts->live_bytes, cost.final_bytes);
	assert_int_equal(cost.malloc_count, moves + expanded);
	assert_in_range(counts->peak_bytes, cost.final_bytes, cost.peak_bytes);
	if (expanded == 0)
		assert_int_equal(counts->peak_bytes, cost.peak_bytes);
}

static void blocks_that_can_be_expanded_are_not_moved(void **state)
{
	(void)state;
	try_all("expand_in_place", 0, check_expanded);
	try_all("expand_in_place", 1000, check_expanded);
	try_all("expand_in_place", (size_t)1 << 20, check_expanded);
}

static void rest_that_is_refused_is_done_without(void **state)
{
	const struct allocator_counts *counts = counting_allocator_counts();
	static struct trial trial;
	struct array *array = &trial.array;

	(void)state;
	set_up(&trial, "realloc_usable", "2");
	rows_init(&trial.source, 24, ROW_WORK_CHEAP);
	*array = strategy_array(&trial.instance.strategy, 24);
	counting_allocator_start();
	counting_allocator_round_up(multiples_of_64);
	counting_allocator_fail(FAIL_ONE, 2);
	assert_int_equal(
		trial.instance.strategy.append(array, row_source_next(&trial.source.source)),
		BUILD_OK);
	assert_int_equal(counts->made_to_fail_count, 1);
	assert_int_equal(array->capacity, 1);
	assert_int_equal(counts->live_bytes, 24);
	tear_down(&trial);
}

static void a_block_that_cannot_move_keeps_its_rows(void **state)
{
	static struct trial trial;
	const struct strategy *strategy = &trial.instance.strategy;

	(void)state;
	set_up(&trial, "expand_in_place", "2");
	trial.rows = 8;
	trial.row_bytes = 24;
	build(&trial);
	counting_allocator_fail(FAIL_ONE, 1);
	assert_int_equal(strategy->append(&trial.array, trial.source.buffer), BUILD_OUT_OF_MEMORY);
	rows_assert_equal(strategy, &trial.array, &trial.source.source);
	assert_int_equal(strategy->append(&trial.array, trial.source.buffer), BUILD_OK);
	assert_int_equal(trial.array.capacity, 16);
	tear_down(&trial);
}

static const struct test tests[] = {
	{"the good size is what the allocator says", the_good_size_is_the_allocators},
	{"known classes have known capacities", known_classes_have_known_capacities},
	{"the closed form of good sizes holds with all classes",
	 the_closed_form_of_good_sizes_holds_with_all_classes},
	{"all that is usable is asked for before it is used",
	 all_that_is_usable_is_asked_for_before_it_is_used},
	{"blocks that can be expanded are not moved", blocks_that_can_be_expanded_are_not_moved},
	{"a rest that is refused is done without", rest_that_is_refused_is_done_without},
	{"a block that cannot move keeps its rows", a_block_that_cannot_move_keeps_its_rows},
	{0},
};

const struct suite suite_capacity = {.name = "capacity", .tests = tests};
