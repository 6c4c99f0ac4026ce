#include "cmocka_headers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../growth.h"
#include "../strategy.h"
#include "counting_allocator.h"
#include "rows.h"
#include "suites.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void texts_are_read_and_written(void **state)
{
	static const struct {
		const char *strategy;
		const char *text;
		uint64_t value;
		const char *written;
	} cases[] = {
		{"realloc_factor", "1.125", 1125, "1.125"},
		{"realloc_factor", "1.5", 1500, "1.5"},
		{"realloc_factor", "1.50", 1500, "1.5"},
		{"realloc_factor", "1.618", 1618, "1.618"},
		{"realloc_factor", "2", 2000, "2"},
		{"realloc_factor", "2.0", 2000, "2"},
		{"realloc_factor", "10", 10000, "10"},
		{"realloc_factor", "1.001", 1001, "1.001"},
		{"realloc_factor", "1000", 1000000, "1000"},
		{"realloc_step", "4144B", 4144, "4144B"},
		{"realloc_step", "64rows", UINT64_C(1) << 63 | 64, "64rows"},
		{"realloc_step", "1B", 1, "1B"},
		{"realloc_step", "1099511627776B", UINT64_C(1) << 40, "1099511627776B"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct strategy *base = strategy_find("c", cases[i].strategy);
		struct strategy_instance made;
		char name[96];

		assert_true(strategy_with_value(base, cases[i].text, &made));
		assert_true(made.strategy.value == cases[i].value);
		(void)snprintf(name, sizeof name, "%s:%s", base->name, cases[i].written);
		assert_string_equal(made.strategy.name, name);
		assert_string_equal(base->name, cases[i].strategy);
	}
}

static void what_is_not_valid_is_refused(void **state)
{
	static const char *const factors[] = {"",     "1",      "1.0",    "0.5",  "0",   "1.0001",
					      "1.",   ".5",     "-2",     "+2",   " 2",  "2 ",
					      "1,5",  "2x",     "1e3",    "1001", "nan", "1000.001",
					      "1.5.", "1.2345", "0x1.8p0"};
	static const char *const steps[] = {
		"",        "0B",    "0rows",          "4144",
		"B",       "-1B",   "1.5B",           "64row",
		"64 rows", "4144b", "1099511627777B", "99999999999999999999B",
		"1kB"};
	struct strategy_instance made;

	(void)state;
	for (size_t i = 0; i < COUNT(factors); i++)
		if (strategy_with_value(strategy_find("c", "realloc_factor"), factors[i], &made))
			fail_msg("'%s' was taken for a factor", factors[i]);
	for (size_t i = 0; i < COUNT(steps); i++)
		if (strategy_with_value(strategy_find("c", "realloc_step"), steps[i], &made))
			fail_msg("'%s' was taken for a step", steps[i]);
	assert_false(strategy_with_value(strategy_find("c", "realloc_doubling"), "2", &made));
}

/* A generator of one's own, so that a failure can be had again. */
static uint64_t next_random(uint64_t *random)
{
	*random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *random >> 33;
}

static void closed_forms_hold_for_any_value(void **state)
{
	static const size_t row_sizes[] = {1, 8, 80, 4096};
	uint64_t random = 1;
	struct strategy_instance made;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		const uint64_t factor = 1001 + next_random(&random) % (i % 2 == 0 ? 2000 : 50000);
		const uint64_t bytes = 1 + next_random(&random) % 9000;
		const uint64_t rows = UINT64_C(1) << 63 | (1 + next_random(&random) % 90);
		const size_t count = next_random(&random) % 600;
		const size_t row_bytes = row_sizes[i % COUNT(row_sizes)];

		strategy_of_value(strategy_find("c", "realloc_factor"), factor, &made);
		cost_assert_is_counted(&made.strategy, count, row_bytes);
		strategy_of_value(strategy_find("c", "realloc_step"), i % 2 == 0 ? bytes : rows,
				  &made);
		cost_assert_is_counted(&made.strategy, count, row_bytes);
	}
}

/* Both ways to write the same rule, up to more rows than there are addresses for. */
static void rules_that_are_the_same_cost_the_same(void **state)
{
	static const struct {
		const char *fixed;
		const char *base;
		const char *value;
	} cases[] = {
		{"realloc_doubling", "realloc_factor", "2"},
		{"realloc_x1.5", "realloc_factor", "1.5"},
		{"append_in_place", "realloc_step", "1rows"},
		{"append_in_place", "realloc_step", "80B"},
		{"append_in_place", "realloc_step", "1B"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strategy_instance made;

		assert_true(strategy_with_value(strategy_find("c", cases[i].base), cases[i].value,
						&made));
		for (size_t rows = 0; rows < SIZE_MAX / 4000; rows = rows + rows / 3 + 1) {
			struct strategy_cost fixed;
			struct strategy_cost cost;

			strategy_cost_of(strategy_find("c", cases[i].fixed), rows, 80, &fixed);
			strategy_cost_of(&made.strategy, rows, 80, &cost);
			assert_memory_equal(&fixed, &cost, sizeof cost);
		}
	}
}

/* The capacity behind `capacity`, by the definition, in whole numbers that cannot overflow. */
static size_t grown_by(uint64_t thousandths, size_t capacity)
{
	const size_t product = (size_t)(capacity * thousandths / 1000);

	return product > capacity ? product : capacity + 1;
}

static void a_factor_grows_by_its_definition(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		const uint64_t factor = 1001 + next_random(&random) % 3000;
		struct strategy_instance made;
		struct array array;
		struct rows rows;
		size_t capacity = 0;

		strategy_of_value(strategy_find("c", "realloc_factor"), factor, &made);
		array = strategy_array(&made.strategy, 8);
		rows_init(&rows, 8, ROW_WORK_CHEAP);
		while (array.rows < 3000) {
			if (array.rows == capacity)
				capacity = grown_by(factor, capacity);
			assert_int_equal(
				made.strategy.append(&array, row_source_next(&rows.source)),
				BUILD_OK);
			assert_int_equal(array.capacity, capacity);
		}
		made.strategy.release(&array);
	}
}

static const struct test tests[] = {
	{"values are read from text, and written in one way", texts_are_read_and_written},
	{"what is no value, or out of range, is refused", what_is_not_valid_is_refused},
	{"closed forms are what is counted, for any value", closed_forms_hold_for_any_value},
	{"a rule costs the same in each way to write it", rules_that_are_the_same_cost_the_same},
	{"a factor grows to the capacity times the factor, rounded down, or by one",
	 a_factor_grows_by_its_definition},
	{0},
};

const struct suite suite_parameter = {.name = "parameter", .tests = tests};
