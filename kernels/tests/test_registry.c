#include "cmocka_headers.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>

#include "../strategy.h"
#include "suites.h"

static size_t count_of(const struct strategy *const *table)
{
	size_t count = 0;

	while (table[count] != NULL)
		count++;
	return count;
}

static size_t strategy_count(void)
{
	return count_of(strategies);
}

static void those_of_the_design_are_there(void **state)
{
	static const struct {
		const char *implementation;
		const char *names[64]; /* up to the NULL */
	} cases[] = {
		{"c", {"append_in_place",
		       "chunked_list",
		       "list_of_pointers",
		       "list_of_pointers_packed",
		       "loop_and_append",
		       "preallocate_then_fill",
		       "preallocate_zeroed",
		       "realloc_cpython",
		       "realloc_doubling",
		       "realloc_factor",
		       "realloc_folly",
		       "realloc_go",
		       "realloc_step",
		       "realloc_x1.5",
		       "reserve_then_commit",
		       "copy_contiguous",
		       "strided_view",
		       "copy_strided",
		       "transpose_view",
		       "reshape_view",
		       "reshape_copy",
		       "transpose_copy_naive",
		       "transpose_copy_blocked",
		       "slice_view",
		       "slice_copy",
		       "reduce_rows",
		       "reduce_columns",
		       "gather_ordered",
		       "gather_shuffled",
		       "add_in_place",
		       "add_out_of_place",
		       "add_chain",
		       "add_chain_fused"}},
		{"c",
		 {"append_many", "array_of_arrays", "arrays_in_turn", "arrays_in_turn_nodes",
		  "grow_and_shrink", "insert_middle", "prepend", "text_lines"}},
		{"cpp", {"std_vector", "std_vector_reserve", "std_deque", "std_list"}},
		{"glib", {"glib_array", "glib_ptr_array"}},
		{"uthash", {"utarray"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *implementation = cases[i].implementation;

		for (const char *const *name = cases[i].names; *name != NULL; name++) {
			const struct strategy *strategy = strategy_find(implementation, *name);

			assert_non_null(strategy);
			assert_string_equal(strategy->implementation, implementation);
			assert_string_equal(strategy->name, *name);
		}
	}
}

static void all_are_found_by_their_names(const struct strategy *const *table)
{
	assert_true(count_of(table) > 0);
	for (size_t i = 0; table[i] != NULL; i++) {
		assert_ptr_equal(strategy_find(table[i]->implementation, table[i]->name), table[i]);
		assert_ptr_equal(strategy_find(NULL, table[i]->name), table[i]);
	}
}

static void every_strategy_is_found_by_its_name(void **state)
{
	(void)state;
	all_are_found_by_their_names(strategies);
	all_are_found_by_their_names(patterns);
}

static void what_does_not_exist_is_not_found(void **state)
{
	(void)state;
	assert_null(strategy_find("c", "no_such_strategy"));
	assert_null(strategy_find("c", ""));
	assert_null(strategy_find("c", "realloc_doublin"));
	assert_null(strategy_find("fortran", "realloc_doubling"));
}

static bool is_container(const struct strategy *strategy)
{
	return strcmp(strategy->implementation, "c") != 0;
}

static void the_table_is_in_alphabetical_order(void **state)
{
	(void)state;
	for (size_t i = 1; i < strategy_count(); i++) {
		const struct strategy *before = strategies[i - 1];

		if (is_container(before) == is_container(strategies[i]))
			assert_true(strcmp(before->name, strategies[i]->name) < 0);
		else
			assert_false(is_container(before));
	}
	for (size_t i = 1; i < count_of(patterns); i++)
		assert_true(strcmp(patterns[i - 1]->name, patterns[i]->name) < 0);
}

/* Who asks for a strategy by its name alone gets one. */
static void no_two_have_the_same_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < strategy_count(); i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(strategies[i]->name, strategies[j]->name);
	for (size_t i = 0; i < count_of(patterns); i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(patterns[i]->name, patterns[j]->name);
		for (size_t j = 0; j < strategy_count(); j++)
			assert_string_not_equal(patterns[i]->name, strategies[j]->name);
	}
}

/* The name of a strategy's file without ".c" or ".cc" is in `name`, or false. */
static bool strategy_of_file(const char *file, char *name, size_t name_bytes)
{
	const char *const end = strrchr(file, '.');
	size_t length;

	if (end == NULL || (strcmp(end, ".c") != 0 && strcmp(end, ".cc") != 0))
		return false;
	length = (size_t)(end - file);
	assert_in_range(length, 1, name_bytes - 1);
	memcpy(name, file, length);
	name[length] = '\0';
	return true;
}

static bool has_record(const struct strategy *const *table, const char *name, bool container)
{
	for (size_t i = 0; table[i] != NULL; i++) {
		if (strcmp(table[i]->name, name) == 0)
			return is_container(table[i]) == container;
	}
	return false;
}

/* How many there are. */
static size_t files_have_their_records(const char *path, const struct strategy *const *table,
				       bool containers)
{
	DIR *const folder = opendir(path);
	size_t files = 0;

	assert_non_null(folder);
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		char name[128];

		if (!strategy_of_file(entry->d_name, name, sizeof name))
			continue;
		files++;
		if (!has_record(table, name, containers))
			fail_msg("%s/%s: no record is named \"%s\"", path, entry->d_name, name);
	}
	closedir(folder);
	return files;
}

static void every_file_has_its_record(void **state)
{
	(void)state;
	/* Each has one, and there are no others. */
	assert_int_equal(files_have_their_records(STRATEGIES_FOLDER, strategies, false) +
				 files_have_their_records(SHAPES_FOLDER, strategies, false) +
				 files_have_their_records(CONTAINERS_FOLDER, strategies, true),
			 strategy_count());
	assert_int_equal(files_have_their_records(PATTERNS_FOLDER, patterns, false),
			 count_of(patterns));
}

static void record_is_complete(const struct strategy *strategy)
{
	print_message("%s\n", strategy->name);
	assert_string_not_equal(strategy->name, "");
	assert_int_equal(strspn(strategy->name, "abcdefghijklmnopqrstuvwxyz0123456789_.-"),
			 strlen(strategy->name));
	assert_string_not_equal(strategy->implementation, "");
	assert_int_equal(strspn(strategy->implementation, "abcdefghijklmnopqrstuvwxyz"),
			 strlen(strategy->implementation));
	assert_non_null(strategy->help);
	assert_in_range(strlen(strategy->help), 10, 80);
	assert_null(strchr(strategy->help, '\n'));
	assert_int_not_equal(strategy->help[strlen(strategy->help) - 1], '.');
	if (strategy->counterpart != NULL)
		assert_string_not_equal(strategy->counterpart, "");
	assert_true(strategy->order == GROWTH_LINEAR || strategy->order == GROWTH_QUADRATIC);
	assert_non_null(strategy->build);
	assert_non_null(strategy->scan);
	assert_non_null(strategy->release);
	/* The one or the other. */
	assert_true((strategy->cost_at == NULL) == (strategy->parameter == NULL));
	assert_true((strategy->cost == NULL) == (strategy->parameter != NULL));
	if (strategy->parameter != NULL) {
		assert_true(strategy->on_request);
		assert_non_null(strategy->parameter->examples[0]);
	}
}

static void every_record_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; strategies[i] != NULL; i++) {
		record_is_complete(strategies[i]);
		assert_non_null(strategies[i]->append);
		assert_false(strategies[i]->is_pattern);
	}
	for (size_t i = 0; patterns[i] != NULL; i++) {
		record_is_complete(patterns[i]);
		assert_true(patterns[i]->is_pattern);
		assert_null(patterns[i]->begin);
		assert_null(patterns[i]->finish);
		assert_non_null(patterns[i]->counterpart);
		assert_non_null(patterns[i]->supports);
		assert_non_null(patterns[i]->prepare);
		assert_non_null(patterns[i]->dispose);
		assert_non_null(patterns[i]->expected);
	}
}

static const struct test tests[] = {
	{"those of the design are there", those_of_the_design_are_there},
	{"every strategy is found by its name", every_strategy_is_found_by_its_name},
	{"what does not exist is not found", what_does_not_exist_is_not_found},
	{"the table is in alphabetical order, ours first", the_table_is_in_alphabetical_order},
	{"no two have the same name", no_two_have_the_same_name},
	{"every file of the four folders has its record, and no other exists",
	 every_file_has_its_record},
	{"every record is complete", every_record_is_complete},
	{0},
};

const struct suite suite_registry = {.name = "registry", .tests = tests};
