#include "kernels/tests/cmocka_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/columns.h"
#include "harness/common/statuses.h"
#include "support.h"

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name);

	return length > strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

static void names_are_unique_and_found_where_they_stand(void **state)
{
	(void)state;
	assert_in_range(column_count(), 40, 200);
	assert_null(columns[column_count()].name);
	for (size_t i = 0; i < column_count(); i++)
		assert_int_equal(column_find(columns[i].name), i);
}

static void what_is_no_name_is_not_found(void **state)
{
	static const char *const none[] = {"", "row", "rows ", "ROWS", "cold_build", "nothing"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(none); i++)
		assert_int_equal(column_find(none[i]), column_count());
}

static void names_are_in_snake_case_and_explained_in_a_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < column_count(); i++) {
		const struct column *column = &columns[i];

		assert_int_equal(strspn(column->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
				 strlen(column->name));
		assert_in_range(column->name[0], 'a', 'z');
		assert_non_null(column->help);
		assert_in_range(strlen(column->help), 5, 120);
		assert_null(strchr(column->help, '\n'));
	}
}

/* A number without a unit in its name is a mistake, but for these, which have none. */
static void every_number_has_its_unit_in_its_name(void **state)
{
	static const char *const plain[] = {
		"schema_version",      "round", "position", "rows", "threads", "cpu",
		"allocator_aged_seed", NULL,
	};
	static const char *const counts_that_are_means[] = {
		"warm_minor_fault_count", "warm_hardware_instruction_count", NULL};

	(void)state;
	for (size_t i = 0; i < column_count(); i++) {
		const char *name = columns[i].name;
		bool unit = ends_with(name, "_ns") || ends_with(name, "_bytes") ||
			    ends_with(name, "_count") || ends_with(name, "_share");

		if (columns[i].type == COLUMN_TEXT) {
			if (unit)
				fail_msg("%s has a unit, but is text", name);
		} else if (unit == is_one_of(name, plain)) {
			fail_msg("%s should end in _ns, _bytes, _count or _share", name);
		}
		if (columns[i].type == COLUMN_REAL && !ends_with(name, "_ns") &&
		    !ends_with(name, "_share"))
			assert_true(is_one_of(name, counts_that_are_means));
	}
}

/* The cell, its place in the run and what became of it are the runner's to say. */
static void the_runner_alone_says_which_row_this_is(void **state)
{
	static const char *const of_runner[] = {
		"run_id",    "machine_id", "round",         "position",    "pass",   "strategy",
		"allocator", "rows",       "row_bytes",     "threads",     "status", "worker_ns",
		"steal_ns",  "cpu",        "payload_bytes", "started_utc", "work",
	};
	static const char *const of_worker[] = {
		"allocator_path",    "allocator_build_id", "cold_build_ns",
		"peak_memory_bytes", "checksum",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(of_runner); i++)
		assert_int_equal(columns[column_find(of_runner[i])].source, FROM_RUNNER);
	for (size_t i = 0; i < COUNT_OF(of_worker); i++)
		assert_int_equal(columns[column_find(of_worker[i])].source, FROM_WORKER);
}

static void accepts(enum column_type type, const char *text)
{
	if (!column_accepts(type, text))
		fail_msg("type %d refuses '%s'", (int)type, text);
}

static void refuses(enum column_type type, const char *text)
{
	if (column_accepts(type, text))
		fail_msg("type %d accepts '%s'", (int)type, text);
}

static void counts_are_whole_numbers_below_2_to_the_63(void **state)
{
	static const char *const bad[] = {
		"",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1.0",
		"1e3",
		"nan",
		"inf",
		"0x10",
		"1,5",
		"1k",
		"1\n",
		"18446744073709551616",
		/* Rounded to 2^63 by who reads it as a double. */
		"9223372036854775807",
		/* The scripts read 20 digits. */
		"000000000000000000001",
	};

	(void)state;
	accepts(COLUMN_COUNT, "0");
	accepts(COLUMN_COUNT, "7");
	accepts(COLUMN_COUNT, "9223372036854774784");
	accepts(COLUMN_COUNT, "00000000000000000001");
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		refuses(COLUMN_COUNT, bad[i]);
}

static void reals_are_finite_and_have_a_point(void **state)
{
	static const char *const good[] = {"0",   "1.5",   "0.25",  "12345.678901",
					   "1e9", "1e+09", "2E-05", "9.2e18"};
	static const char *const bad[] = {
		"",      "-1",    "+1",    "-0",       "nan",
		"NaN",   "-nan",  "inf",   "Infinity", "1e400",
		"1e999", "1,5",   "0x1p3", "1.",       ".5",
		"1e",    "1e+",   "1.2.3", " 1",       "1 ",
		"1ns",   "1e3.5", "1\n",   "e5",       "9223372036854775808",
	};
	char many_digits[400];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		accepts(COLUMN_REAL, good[i]);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		refuses(COLUMN_REAL, bad[i]);
	/* As infinite for a reader as 1e400. */
	memset(many_digits, '9', sizeof many_digits);
	many_digits[sizeof many_digits - 1] = '\0';
	refuses(COLUMN_REAL, many_digits);
}

static void text_has_no_control_characters(void **state)
{
	(void)state;
	accepts(COLUMN_TEXT, "a");
	accepts(COLUMN_TEXT, "a b, \"c\" ~");
	accepts(COLUMN_TEXT, "\xc3\xa9t\xc3\xa9");
	refuses(COLUMN_TEXT, "");
	for (int c = 1; c < 0x20; c++) {
		const char text[] = {'a', (char)c, 'b', '\0'};

		refuses(COLUMN_TEXT, text);
	}
	refuses(COLUMN_TEXT, "a\x7f");
	/* From U+0080 to U+009F; the next is a space. */
	refuses(COLUMN_TEXT, "a\xc2\x80");
	refuses(COLUMN_TEXT, "\xc2\x9b"
			     "31m");
	refuses(COLUMN_TEXT, "\xc2\x9f");
	accepts(COLUMN_TEXT, "\xc2\xa0");
}

static void every_column_is_in_the_documented_schema(void **state)
{
	char *schema = read_file(SCHEMA_FILE, NULL);

	(void)state;
	for (size_t i = 0; i < column_count(); i++) {
		char quoted[80];

		(void)snprintf(quoted, sizeof quoted, "`%s`", columns[i].name);
		if (strstr(schema, quoted) == NULL)
			fail_msg("results/README.md does not explain %s", quoted);
	}
	free(schema);
}

/* A second Ctrl-C leaves no row. */
static void every_status_of_a_row_is_documented(void **state)
{
	char *schema = read_file(SCHEMA_FILE, NULL);

	(void)state;
	for (const struct status *status = statuses; status->name != NULL; status++) {
		char line[64];

		(void)snprintf(line, sizeof line, "\n| `%s` | ", status->name);
		if ((strstr(schema, line) == NULL) != (strcmp(status->name, "interrupted") == 0))
			fail_msg("results/README.md and the table differ in %s", status->name);
	}
	free(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_unique_and_found_where_they_stand),
		cmocka_unit_test(what_is_no_name_is_not_found),
		cmocka_unit_test(names_are_in_snake_case_and_explained_in_a_line),
		cmocka_unit_test(every_number_has_its_unit_in_its_name),
		cmocka_unit_test(the_runner_alone_says_which_row_this_is),
		cmocka_unit_test(counts_are_whole_numbers_below_2_to_the_63),
		cmocka_unit_test(reals_are_finite_and_have_a_point),
		cmocka_unit_test(text_has_no_control_characters),
		cmocka_unit_test(every_column_is_in_the_documented_schema),
		cmocka_unit_test(every_status_of_a_row_is_documented),
	};

	return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
