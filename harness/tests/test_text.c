#include "kernels/tests/cmocka_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/text.h"
#include "harness/common/utf8.h"
#include "support.h"

static void every_form_of_a_count_is_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} cases[] = {
		{"1", 1},
		{"10000", 10000},
		{"007", 7},
		{"10k", 10000},
		{"1k", 1000},
		{"3M", 3000000},
		{"2G", 2000000000},
		{"1e4", 10000},
		{"12e0", 12},
		{"5e1", 50},
		{"1e04", 10000},
		{"1e19", UINT64_C(10000000000000000000)},
		{"18G", UINT64_C(18000000000)},
		{"18446744073709551k", UINT64_C(18446744073709551000)},
		{"18446744073709551615", UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error error = {""};
		uint64_t value = 0;

		if (!parse_count(cases[i].text, "--rows", &value, &error))
			fail_msg("'%s' was refused: %s", cases[i].text, error.text);
		assert_int_equal(value, cases[i].value);
	}
}

static void what_is_no_count_is_refused_by_its_name(void **state)
{
	static const struct {
		const char *reason;
		const char *texts[28]; /* up to the NULL */
	} cases[] = {
		{"is not a whole number",
		 {"",    "-1", "+1",   "1.5",  "1e",     "1e-1", "1e+1", "1e1.0",
		  "1E4", "e4", "k",    " 1",   "1 ",     "1\n",  "1kk",  "1k0",
		  "1K",  "1m", "1e4k", "0x10", "10000,", "nan",  "inf"}},
		{"is zero", {"0", "000", "0k", "0e99"}},
		{"is too large",
		 {"1e20", "2e19", "1e99", "1e4000000000000000000000", "18446744073709551616",
		  "18446744073709551617", "99999999999999999999", "18446744073709552k",
		  "18446744074G"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (const char *const *text = cases[i].texts; *text != NULL; text++) {
			struct error error = {""};
			uint64_t value = 0;

			if (parse_count(*text, "--rows", &value, &error))
				fail_msg("'%s' was read as %llu", *text, (unsigned long long)value);
			assert_contains(error.text, cases[i].reason);
			assert_contains(error.text, "--rows: ");
		}
	}
}

static void sizes_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes; /* 0: refused */
	} cases[] = {
		{"1", 1},
		{"4KiB", 4096},
		{"512MiB", 512 << 20},
		{"4GiB", (uint64_t)4 << 30},
		{"3TiB", (uint64_t)3 << 40},
		{"10k", 10000},
		{"1e9", 1000000000},
		{"16777215TiB", (uint64_t)16777215 << 40},
		{"16777216TiB", 0},
		{"0GiB", 0},
		{"", 0},
		{"GiB", 0},
		{"4gib", 0},
		{"4GB", 0},
		{"4 GiB", 0},
		{"-1KiB", 0},
		{"1.5GiB", 0},
		{"99999999999999999999GiB", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error error = {""};
		uint64_t bytes = 0;
		const bool ok = parse_size(cases[i].text, "--limit", &bytes, &error);

		assert_int_equal(ok, cases[i].bytes > 0);
		if (ok)
			assert_int_equal(bytes, cases[i].bytes);
		else
			assert_contains(error.text, "--limit");
	}
}

static void a_seed_is_any_64_bits_and_no_more(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{"0", 0},
		{"1", 1},
		{"42", 42},
		{"18446744073709551615", UINT64_MAX},
	};
	static const char *const bad[] = {
		"", "-1", "+1", "1k", "1e3", " 1", "1 ", "0x1", "18446744073709551616",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct error error = {""};
		uint64_t value = 99;

		assert_true(parse_seed(good[i].text, "--seed", &value, &error));
		assert_int_equal(value, good[i].value);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct error error = {""};
		uint64_t value;

		if (parse_seed(bad[i], "--seed", &value, &error))
			fail_msg("'%s' was read as a seed", bad[i]);
		assert_contains(error.text, "--seed: ");
	}
}

static void a_list_keeps_its_order(void **state)
{
	struct error error = {""};
	uint64_t *values = NULL;
	size_t count = 0;

	(void)state;
	assert_true(parse_count_list("10k,7,1e2", "--rows", &values, &count, &error));
	assert_int_equal(count, 3);
	assert_int_equal(values[0], 10000);
	assert_int_equal(values[1], 7);
	assert_int_equal(values[2], 100);
	free(values);
	assert_true(parse_count_list("5", "--rows", &values, &count, &error));
	assert_int_equal(count, 1);
	assert_int_equal(values[0], 5);
	free(values);
}

static void a_list_with_an_empty_bad_or_repeated_item_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		{"", "is not a whole number"},
		{",", "is not a whole number"},
		{"1,", "is not a whole number"},
		{",1", "is not a whole number"},
		{"1,,2", "is not a whole number"},
		{"1, 2", "is not a whole number"},
		{"1;2", "is not a whole number"},
		{"1,x,2", "'x' is not a whole number"},
		{"1,0", "'0' is zero"},
		{"1,1", "'1' is given twice"},
		{"1000,5,1k", "'1k' is given twice"},
		{"1,2,3,2", "'2' is given twice"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error error = {""};
		uint64_t *values = (uint64_t *)&error;
		size_t count = 1;

		if (parse_count_list(cases[i].text, "--rows", &values, &count, &error))
			fail_msg("'%s' was read as a list", cases[i].text);
		assert_contains(error.text, cases[i].reason);
		assert_contains(error.text, "--rows: ");
		assert_null(values);
		assert_int_equal(count, 0);
	}
}

static const char *const names[] = {
	"append_in_place", "realloc_doubling", "realloc_cpython", "chunked_list", "glibc", NULL,
};

static void a_typo_has_a_nearest_name(void **state)
{
	static const struct {
		const char *word;
		const char *nearest;
	} cases[] = {
		{"glibc", "glibc"},
		{"glib", "glibc"},                        /* one left out */
		{"gglibc", "glibc"},                      /* one too many */
		{"glidc", "glibc"},                       /* one exchanged */
		{"gilbc", "glibc"},                       /* two swapped */
		{"realloc_doublign", "realloc_doubling"}, /* at the end */
		{"ealloc_doubling", "realloc_doubling"},  /* at the start */
		{"realloc_python", "realloc_cpython"},
		{"append-in-place", "append_in_place"},
		{"chunkedlist", "chunked_list"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *nearest = nearest_name(cases[i].word, names);

		if (nearest == NULL)
			fail_msg("'%s' has no nearest name", cases[i].word);
		assert_string_equal(nearest, cases[i].nearest);
	}
}

static void a_word_that_is_like_none_has_no_nearest_name(void **state)
{
	static const char *const none[] = {NULL};
	char very_long[5000];

	(void)state;
	memset(very_long, 'g', sizeof very_long);
	very_long[sizeof very_long - 1] = '\0';
	assert_null(nearest_name("zzzzzzzz", names));
	assert_null(nearest_name("", names));
	assert_null(nearest_name("g", names));
	assert_null(nearest_name("numpy", names));
	assert_null(nearest_name("glibc", none));
	assert_null(nearest_name(very_long, names));
}

static void the_nearer_of_two_names_wins_wherever_it_stands(void **state)
{
	static const char *const near_last[] = {"abcdef", "abcxyz", NULL};
	static const char *const near_first[] = {"abcxyz", "abcdef", NULL};

	(void)state;
	assert_string_equal(nearest_name("abcxyw", near_last), "abcxyz");
	assert_string_equal(nearest_name("abcxyw", near_first), "abcxyz");
}

static void an_unknown_name_is_answered_with_the_nearest_and_all_valid_ones(void **state)
{
	struct error error = {""};

	(void)state;
	assert_false(unknown_name("strategy", "realloc_dubling", names, &error));
	assert_string_equal(error.text,
			    "unknown strategy 'realloc_dubling'; did you mean 'realloc_doubling'? "
			    "Valid: append_in_place, realloc_doubling, realloc_cpython, "
			    "chunked_list, glibc");
	assert_false(unknown_name("allocator", "zzz", names, &error));
	assert_string_equal(error.text, "unknown allocator 'zzz'. Valid: append_in_place, "
					"realloc_doubling, realloc_cpython, chunked_list, glibc");
}

static void more_names_than_a_message_holds_are_cut_between_names(void **state)
{
	const char *many[201];
	struct error error = {""};
	const char *last;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		many[i] = "twelve_chars";
	many[200] = NULL;
	assert_false(unknown_name("thing", "zzz", many, &error));
	last = strrchr(error.text, ' ');
	assert_non_null(last);
	assert_string_equal(last, " twelve_chars");
}

static void text_for_a_terminal_has_no_command_in_it(void **state)
{
	static const struct {
		const char *said;
		const char *shown;
	} cases[] = {
		{"", ""},
		{"plain \xc3\xa9, \xe2\x82\xac", "plain \xc3\xa9, \xe2\x82\xac"},
		{"\x1b[2J\x1b]0;title\x07", "?[2J?]0;title?"},
		{"a\tb\nc\rd\x7f", "a?b?c?d?"},
		/* The control characters behind ASCII are two bytes; a byte alone is no character.
		 */
		{"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "??????\xc2\xa0"},
		{"\x9b"
		 "31m",
		 "?31m"},
		{"cut \xe2\x82", "cut ??"},
		{"\xc2", "?"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error error = {""};
		char text[64];

		(void)snprintf(text, sizeof text, "%s", cases[i].said);
		make_printable(text);
		assert_string_equal(text, cases[i].shown);
		/* So is each message. */
		assert_false(error_set(&error, "%s", cases[i].said));
		assert_string_equal(error.text, cases[i].shown);
	}
}

static void utf8_is_told_from_what_is_not(void **state)
{
	/* The boundaries of the Unicode standard's table 3-7, by length, and what lies just
	 * beyond. */
	static const char *const cases[][12] = {
		{"\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
		 "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff"},
		{"a", "\x7f"},
		{"\xc2\x80", "\xdf\xbf"},
		{"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80"},
		{"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"},
	};

	(void)state;
	for (size_t length = 0; length < COUNT_OF(cases); length++)
		for (const char *const *text = cases[length]; *text != NULL; text++)
			assert_int_equal(utf8_length(*text), length);
}

static void what_is_left_of_a_character_is_trimmed(void **state)
{
	static const char *const whole[] = {"", "a", "a\xc3\xa9", "\xe2\x82\xac",
					    "\xf0\x9f\x98\x80"};

	(void)state;
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
		/* Cut everywhere: what is left is whole, and no more is lost than the last. */
		for (size_t length = 0; length <= strlen(whole[i]); length++) {
			char text[8] = "";
			const char *c = text;

			memcpy(text, whole[i], length);
			utf8_trim(text);
			if (length == strlen(whole[i]))
				assert_string_equal(text, whole[i]);
			assert_true(length - strlen(text) < 4);
			while (*c != '\0') {
				assert_int_not_equal(utf8_length(c), 0);
				c += utf8_length(c);
			}
		}
	}
}

static void a_list_has_whole_items_only(void **state)
{
	static const char *const numbers[] = {"one", "two", NULL};
	struct error error;

	(void)state;
	assert_true(is_in_list("one", "one"));
	assert_true(is_in_list("two", "one,two,three"));
	assert_false(is_in_list("tw", "one,two"));
	assert_false(is_in_list("twoo", "one,two"));
	assert_false(is_in_list("one", ""));
	assert_false(is_in_list("one", NULL));
	assert_true(check_list("number", "two,one", numbers, &error));
	assert_false(check_list("number", "one,tow", numbers, &error));
	assert_contains(error.text, "unknown number 'tow'");
	assert_false(check_list("number", "one,", numbers, &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_count_is_read),
		cmocka_unit_test(what_is_no_count_is_refused_by_its_name),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(a_seed_is_any_64_bits_and_no_more),
		cmocka_unit_test(a_list_keeps_its_order),
		cmocka_unit_test(a_list_with_an_empty_bad_or_repeated_item_is_refused),
		cmocka_unit_test(a_typo_has_a_nearest_name),
		cmocka_unit_test(a_word_that_is_like_none_has_no_nearest_name),
		cmocka_unit_test(the_nearer_of_two_names_wins_wherever_it_stands),
		cmocka_unit_test(an_unknown_name_is_answered_with_the_nearest_and_all_valid_ones),
		cmocka_unit_test(text_for_a_terminal_has_no_command_in_it),
		cmocka_unit_test(utf8_is_told_from_what_is_not),
		cmocka_unit_test(more_names_than_a_message_holds_are_cut_between_names),
		cmocka_unit_test(what_is_left_of_a_character_is_trimmed),
		cmocka_unit_test(a_list_has_whole_items_only),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
