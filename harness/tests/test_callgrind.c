/* callgrind.h: dumps read whole or not at all, and the environment of a counted worker. */
#include <string.h>

#include "harness/runner/execute/callgrind.h"
#include "kernels/tests/cmocka_headers.h"

static const char head[] = "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\n\n"
			   "positions: line\nevents: Ir\nsummary: 600\n\n";
static const char calls[] = "fn=main\n0 7\ncob=/lib/libc.so.6\ncfn=strlen\ncalls=3 1\n12 99\n"
			    "cfn=growbench_cold_build\ncalls=1 0\n14 100\n"
			    "cfn=growbench_cold_release\ncalls=1 0\n15 200\n"
			    "fi=other.c\ncfn=growbench_warm_build_release\ncalls=1 16\n+3 300\n\n";

static bool parse(const char *dump, struct record *record, struct error *error)
{
	*record = record_init();
	return callgrind_parse(dump, record, error);
}

static void refuse(const char *dump, const char *why)
{
	struct record record;
	struct error error;

	assert_false(parse(dump, &record, &error));
	if (strstr(error.text, why) == NULL)
		fail_msg("'%s' does not say '%s'", error.text, why);
	assert_null(record_get(&record, "cold_build_instruction_count"));
	record_release(&record);
}

/* The dump with `from` replaced by `to`. */
static char *with(const char *from, const char *to)
{
	g_autofree char *whole = g_strconcat(head, calls, "totals: 600\n", NULL);
	g_auto(GStrv) parts = g_strsplit(whole, from, 2);

	assert_non_null(parts[1]);
	return g_strconcat(parts[0], to, parts[1], NULL);
}

static void test_a_whole_dump_is_read(void **state)
{
	g_autofree char *dump = with("\ntotals", "\ntotals");
	struct record record;
	struct error error;

	(void)state;
	assert_true(parse(dump, &record, &error));
	assert_string_equal(record_get(&record, "cold_build_instruction_count"), "100");
	assert_string_equal(record_get(&record, "cold_release_instruction_count"), "200");
	assert_string_equal(record_get(&record, "warm_build_release_instruction_count"), "300");
	record_release(&record);
}

static void test_a_dump_that_is_torn_anywhere_is_refused(void **state)
{
	g_autofree char *dump = with("\ntotals", "\ntotals");
	/* The last digit's loss is seen, the newline's is none. */
	const size_t length = strlen(dump) - 1;

	(void)state;
	for (size_t i = 0; i < length; i++) {
		g_autofree char *torn = g_strndup(dump, i);

		refuse(torn, "");
	}
}

static void test_what_makes_no_sense_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		const char *why;
	} cases[] = {
		{"events: Ir", "events: Dr", "counted instructions"},
		{"events: Ir", "events: Ir Dr Dw", "counted instructions"},
		{"totals: 600", "totals: 601", "parts are 600"},
		{"totals: 600", "totals: -1", "whole number"},
		{"totals: 600", "", "cut off"},
		{"cfn=growbench_cold_release", "cfn=other",
		 "growbench_cold_release was not called"},
		{"calls=1 16", "calls=2 16", "more than once"},
		{"cfn=strlen\ncalls=3 1", "cfn=growbench_cold_build\ncalls=1 0", "more than once"},
		{"14 100", "14", "has no cost"},
		{"14 100", "14 100 3", "whole number"},
		{"14 100", "14 18446744073709551616", "whole number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		g_autofree char *dump = with(cases[i].from, cases[i].to);

		refuse(dump, cases[i].why);
	}
	refuse("", "");
}

static void test_tunables_of_the_user_stay(void **state)
{
#if defined(__x86_64__)
	static const struct {
		const char *given;
		const char *expected;
	} cases[] = {
		{NULL, "glibc.cpu.hwcaps=-ERMS"},
		{"", "glibc.cpu.hwcaps=-ERMS"},
		{"glibc.malloc.check=1", "glibc.malloc.check=1:glibc.cpu.hwcaps=-ERMS"},
		{"glibc.cpu.hwcaps=-AVX2:glibc.malloc.check=1",
		 "glibc.malloc.check=1:glibc.cpu.hwcaps=-ERMS,-AVX2"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char **environment = g_new0(char *, 2);

		if (cases[i].given != NULL)
			environment[0] = g_strconcat("GLIBC_TUNABLES=", cases[i].given, NULL);
		environment = callgrind_environment(environment);
		assert_string_equal(g_environ_getenv(environment, "GLIBC_TUNABLES"),
				    cases[i].expected);
		g_strfreev(environment);
	}
#endif
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_dump_is_read),
		cmocka_unit_test(test_a_dump_that_is_torn_anywhere_is_refused),
		cmocka_unit_test(test_what_makes_no_sense_is_refused_with_the_reason),
		cmocka_unit_test(test_tunables_of_the_user_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
