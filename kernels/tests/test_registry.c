#include "cmocka_headers.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>

#include "../strategy.h"
#include "suites.h"

static size_t strategy_count(void)
{
	size_t count = 0;

	while (strategies[count] != NULL)
		count++;
	return count;
}

static void the_design_names_are_there(void **state)
{
	static const char *const names[] = {
		"append_in_place",     "chunked_list",
		"list_of_pointers",    "list_of_pointers_packed",
		"loop_and_append",     "preallocate_then_fill",
		"preallocate_zeroed",  "realloc_cpython",
		"realloc_doubling",    "realloc_x1.5",
		"reserve_then_commit",
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const struct strategy *strategy = strategy_find("c", names[i]);

		assert_non_null(strategy);
		assert_string_equal(strategy->name, names[i]);
		assert_string_equal(strategy->implementation, "c");
	}
}

static void every_strategy_is_found_by_its_name(void **state)
{
	(void)state;
	assert_true(strategy_count() > 0);
	for (size_t i = 0; strategies[i] != NULL; i++)
		assert_ptr_equal(strategy_find(strategies[i]->implementation, strategies[i]->name),
				 strategies[i]);
}

static void what_does_not_exist_is_not_found(void **state)
{
	(void)state;
	assert_null(strategy_find("c", "no_such_strategy"));
	assert_null(strategy_find("c", ""));
	assert_null(strategy_find("c", "realloc_doublin"));
	assert_null(strategy_find("fortran", "realloc_doubling"));
}

static void the_table_is_in_alphabetical_order(void **state)
{
	(void)state;
	for (size_t i = 1; i < strategy_count(); i++)
		assert_true(strcmp(strategies[i - 1]->name, strategies[i]->name) < 0);
}

/* The name of a strategy's file without ".c" is in `name`, or false. */
static bool strategy_of_file(const char *file, char *name, size_t name_bytes)
{
	const size_t length = strlen(file);

	if (length < 3 || strcmp(file + length - 2, ".c") != 0 || length - 2 >= name_bytes)
		return false;
	memcpy(name, file, length - 2);
	name[length - 2] = '\0';
	return true;
}

static void every_file_has_its_record(void **state)
{
	DIR *const folder = opendir(STRATEGIES_FOLDER);
	size_t files = 0;

	(void)state;
	assert_non_null(folder);
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		char name[128];

		if (!strategy_of_file(entry->d_name, name, sizeof name))
			continue;
		files++;
		if (strategy_find("c", name) == NULL)
			fail_msg("strategies/%s: no record is named \"%s\"", entry->d_name, name);
	}
	closedir(folder);
	/* Each has one, and there are no others. */
	assert_int_equal(files, strategy_count());
}

static void every_record_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; strategies[i] != NULL; i++) {
		const struct strategy *strategy = strategies[i];

		print_message("%s\n", strategy->name);
		assert_string_not_equal(strategy->name, "");
		assert_int_equal(strspn(strategy->name, "abcdefghijklmnopqrstuvwxyz0123456789_.-"),
				 strlen(strategy->name));
		assert_string_equal(strategy->implementation, "c");
		assert_non_null(strategy->help);
		assert_in_range(strlen(strategy->help), 10, 80);
		assert_null(strchr(strategy->help, '\n'));
		assert_int_not_equal(strategy->help[strlen(strategy->help) - 1], '.');
		if (strategy->counterpart != NULL)
			assert_string_not_equal(strategy->counterpart, "");
		assert_true(strategy->order == GROWTH_LINEAR ||
			    strategy->order == GROWTH_QUADRATIC);
		assert_non_null(strategy->append);
		assert_non_null(strategy->build);
		assert_non_null(strategy->scan);
		assert_non_null(strategy->release);
		assert_non_null(strategy->cost);
	}
}

static const struct test tests[] = {
	{"the strategies of the design are there", the_design_names_are_there},
	{"every strategy is found by its name", every_strategy_is_found_by_its_name},
	{"what does not exist is not found", what_does_not_exist_is_not_found},
	{"the table is in alphabetical order", the_table_is_in_alphabetical_order},
	{"every file in strategies/ has its record, and no other exists",
	 every_file_has_its_record},
	{"every record is complete", every_record_is_complete},
	{0},
};

const struct suite suite_registry = {.name = "registry", .tests = tests};
