#include "kernels/tests/cmocka_headers.h"

#include <elf.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/runner/request/allocators.h"
#include "support.h"

/* "name=<folder>/file" for allocator_parse; valid until the next call. */
static const char *of_file(const char *name, const char *file)
{
	static char text[PATH_MAX + 64];

	(void)snprintf(text, sizeof text, "%s=%s/%s", name, temporary, file);
	return text;
}

static const char *path_of(const char *text)
{
	return strchr(text, '=') + 1;
}

/* The start of a file that could be a shared library for this processor. */
static ElfW(Ehdr) good_header(void)
{
	ElfW(Ehdr) header;
	char *own = read_file("/proc/self/exe", NULL);

	memcpy(&header, own, sizeof header);
	free(own);
	header.e_type = ET_DYN;
	return header;
}

static void parse_good(const char *text, struct allocator *allocator)
{
	struct error error = {""};

	if (!allocator_parse(text, allocator, &error))
		fail_msg("'%s' was refused: %s", text, error.text);
}

static void assert_refused(const char *text, const char *reason)
{
	struct allocator allocator;
	struct error error = {""};

	if (allocator_parse(text, &allocator, &error))
		fail_msg("'%s' was accepted; it should say: %s", text, reason);
	assert_contains(error.text, reason);
	/* Nothing is left behind, and releasing it again is harmless. */
	assert_null(allocator.name);
	assert_null(allocator.environment);
	assert_null(allocator.worker);
	allocator_release(&allocator);
}

static void assert_missing(const char *text, const char *reason)
{
	struct allocator allocator;

	parse_good(text, &allocator);
	if (allocator.missing == NULL)
		fail_msg("'%s' is not missing; it should say: %s", text, reason);
	assert_contains(allocator.missing, reason);
	assert_contains(allocator.missing, path_of(text));
	assert_null(allocator.library);
	assert_null(allocator.expected_path);
	allocator_release(&allocator);
}

static void the_table_has_all_six(void **state)
{
	static const char *const names[] = {
		"glibc", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc", "scudo",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_non_null(known_allocators[i].name);
		assert_string_equal(known_allocators[i].name, names[i]);
		assert_true(strlen(known_allocators[i].package) > 0);
	}
	assert_null(known_allocators[COUNT_OF(names)].name);
	assert_null(known_allocators[0].patterns[0]);
	for (size_t i = 1; i < COUNT_OF(names); i++)
		assert_non_null(known_allocators[i].patterns[0]);
}

static void glibc_is_never_missing_and_preloads_nothing(void **state)
{
	struct allocator allocator;
	struct error error = {""};
	char resolved[PATH_MAX];

	(void)state;
	assert_true(allocator_find("glibc", &allocator, &error));
	assert_string_equal(allocator.name, "glibc");
	assert_null(allocator.library);
	assert_null(allocator.missing);
	assert_non_null(allocator.environment);
	assert_null(allocator.environment[0]);
	assert_non_null(allocator.expected_path);
	assert_non_null(realpath(allocator.expected_path, resolved));
	assert_string_equal(allocator.expected_path, resolved);
	assert_contains(resolved, "/libc");
	allocator_release(&allocator);
}

static void every_other_is_a_file_with_links_resolved_or_missing_with_its_package(void **state)
{
	(void)state;
	for (const struct known_allocator *known = known_allocators + 1; known->name != NULL;
	     known++) {
		struct allocator allocator;
		struct error error = {""};

		assert_true(allocator_find(known->name, &allocator, &error));
		assert_string_equal(allocator.name, known->name);
		if (allocator.missing != NULL) {
			print_message("%s is not installed here\n", known->name);
			assert_contains(allocator.missing, known->package);
			assert_null(allocator.library);
		} else {
			char resolved[PATH_MAX];

			assert_non_null(realpath(allocator.library, resolved));
			assert_string_equal(allocator.library, resolved);
			assert_string_equal(allocator.expected_path, resolved);
		}
		allocator_release(&allocator);
	}
}

static void an_unknown_name_is_answered_with_the_nearest(void **state)
{
	struct allocator allocator;
	struct error error = {""};

	(void)state;
	assert_false(allocator_find("mimaloc", &allocator, &error));
	assert_contains(error.text, "did you mean 'mimalloc'?");
	assert_contains(error.text, "Valid: glibc, jemalloc, mimalloc, tcmalloc, tbbmalloc, scudo");
	allocator_release(&allocator);
}

static void assert_environment(const struct allocator *allocator, const char *const *expected)
{
	size_t count = 0;

	for (; expected[count] != NULL; count++) {
		assert_non_null(allocator->environment[count]);
		assert_string_equal(allocator->environment[count], expected[count]);
	}
	assert_null(allocator->environment[count]);
}

static void scudo_comes_without_its_error_detector_unless_it_is_asked_for(void **state)
{
	static const struct {
		const char *users; /* SCUDO_OPTIONS as the user set it */
		const char *text;
		const char *environment[3];
	} cases[] = {
		{NULL, "a=scudo", {"SCUDO_OPTIONS=GWP_ASAN_Enabled=false", NULL}},
		{NULL, "a=scudo,SCUDO_OPTIONS=x=1:y=2", {"SCUDO_OPTIONS=x=1:y=2", NULL}},
		{NULL,
		 "a=scudo,SCUDO=1",
		 {"SCUDO_OPTIONS=GWP_ASAN_Enabled=false", "SCUDO=1", NULL}},
		{"GWP_ASAN_Enabled=true", "a=scudo", {NULL}},
		{"", "a=scudo,B=1", {"B=1", NULL}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct allocator allocator;

		if (cases[i].users != NULL)
			(void)setenv("SCUDO_OPTIONS", cases[i].users, 1);
		parse_good(cases[i].text, &allocator);
		(void)unsetenv("SCUDO_OPTIONS");
		assert_environment(&allocator, cases[i].environment);
		allocator_release(&allocator);
	}
}

/* And the last value of a variable counts. */
static void a_comma_ends_a_value_only_before_a_variable(void **state)
{
	static const struct {
		const char *text;
		const char *environment[4];
	} cases[] = {
		{"a=glibc", {NULL}},
		{"a=glibc,MALLOC_CONF=dirty_decay_ms:0,narenas:1,GLIBC_TUNABLES=x",
		 {"MALLOC_CONF=dirty_decay_ms:0,narenas:1", "GLIBC_TUNABLES=x", NULL}},
		{"a=glibc,A=1,B=2,C=3", {"A=1", "B=2", "C=3", NULL}},
		{"a=glibc,A=1,B=2,A=3", {"A=3", "B=2", NULL}},
		{"a=glibc,A=", {"A=", NULL}},
		{"a=glibc,A=,B=", {"A=", "B=", NULL}},
		{"a=glibc,A=x,", {"A=x,", NULL}},
		{"a=glibc,A=,,B=1", {"A=,", "B=1", NULL}},
		{"a=glibc,A=b=c,d=e", {"A=b=c,d=e", NULL}},
		{"a=glibc,_RJEM_X9=1,A_1=2", {"_RJEM_X9=1", "A_1=2", NULL}},
		{"a=glibc,A=1,9B=2", {"A=1,9B=2", NULL}},
		{"a=glibc,A=with space:and:colons", {"A=with space:and:colons", NULL}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct allocator allocator;

		parse_good(cases[i].text, &allocator);
		assert_string_equal(allocator.name, "a");
		assert_null(allocator.missing);
		assert_environment(&allocator, cases[i].environment);
		allocator_release(&allocator);
	}
}

static void a_label_is_a_short_plain_word(void **state)
{
	static const char *const good[] = {
		"a=glibc",
		"9=glibc",
		"My.lib-2_x+y=glibc",
		"a234567890123456789012345678901234567890=glibc",
	};
	static const char *const bad[] = {
		"",          "glibc",
		"=glibc",    "a b=glibc",
		" a=glibc",  "a,b=glibc",
		"a/b=glibc", "-a=glibc",
		".a=glibc",  "a\"=glibc",
		"a\n=glibc", "\xc3\xa9=glibc",
		"+a=glibc",  "a'b=glibc",
		"_a=glibc",  "a234567890123456789012345678901234567890x=glibc",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct allocator allocator;

		parse_good(good[i], &allocator);
		assert_int_equal(strlen(allocator.name), strchr(good[i], '=') - good[i]);
		allocator_release(&allocator);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(bad[i], "give NAME=BASE");
}

static void what_follows_the_base_is_variables_and_nothing_else(void **state)
{
	(void)state;
	assert_refused("a=", "unknown allocator ''");
	assert_refused("a=jemaloc", "did you mean 'jemalloc'?");
	assert_refused("a=glibc,lower=1", "unknown allocator 'glibc,lower=1'");
	assert_refused("a=glibc,A", "unknown allocator 'glibc,A'");
	assert_refused("a=glibc,", "unknown allocator 'glibc,'");
}

static void the_loaders_own_variables_are_refused(void **state)
{
	(void)state;
	assert_refused("a=glibc,LD_PRELOAD=/x.so", "LD_PRELOAD is not for you to set");
	assert_refused("a=glibc,A=1,LD_PRELOAD=/x.so", "LD_PRELOAD is not for you to set");
	assert_refused("a=glibc,LD_LIBRARY_PATH=/x", "LD_LIBRARY_PATH is not for you to set");
	assert_refused("a=glibc,LD_PRELOAD=", "LD_PRELOAD is not for you to set");
}

/* A file in the test's folder that could be a library. */
static void make_library(const char *name, char path[PATH_MAX])
{
	const ElfW(Ehdr) header = good_header();

	(void)snprintf(path, PATH_MAX, "%s/%s", temporary, name);
	write_file(path, &header, sizeof header);
}

static void assert_bytes_missing(const void *bytes, size_t length, const char *reason)
{
	write_file(below("file.so"), bytes, length);
	assert_missing(of_file("a", "file.so"), reason);
}

static void assert_header_missing(const ElfW(Ehdr) * header, const char *reason)
{
	assert_bytes_missing(header, sizeof *header, reason);
}

static void what_is_no_file_that_is_there_is_missing(void **state)
{
	(void)state;
	assert_missing(of_file("a", "none.so"), "No such file or directory");
	assert_missing(of_file("a", "none/none.so"), "No such file or directory");
	assert_missing(of_file("a", ""), "it is not a regular file");
	assert_int_equal(mkfifo(below("fifo"), 0600), 0);
	/* And does not wait for somebody who writes to it. */
	assert_missing(of_file("a", "fifo"), "it is not a regular file");
	assert_missing("a=/dev/null", "it is not a regular file");
}

static void a_file_that_is_no_elf_file_is_missing(void **state)
{
	static const char script[] =
		"/* GNU ld script */ INPUT(libfoo.so.1) and some more words so "
		"that it is longer than a header";
	const ElfW(Ehdr) header = good_header();

	(void)state;
	assert_bytes_missing("", 0, "it is not an ELF file");
	assert_bytes_missing(script, strlen(script), "it is not an ELF file");
	assert_bytes_missing(&header, sizeof header - 1, "it is not an ELF file");
}

static void a_library_for_another_processor_is_missing(void **state)
{
	static const char reason[] = "it is for another kind of processor";
	const ElfW(Ehdr) good = good_header();
	ElfW(Ehdr) header = good;

	(void)state;
	header.e_machine = good.e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
	assert_header_missing(&header, reason);
	header = good;
	header.e_ident[EI_CLASS] = good.e_ident[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
	assert_header_missing(&header, reason);
	header = good;
	header.e_ident[EI_DATA] = good.e_ident[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
	assert_header_missing(&header, reason);
}

static void an_elf_file_that_is_no_shared_library_is_missing(void **state)
{
	static const ElfW(Half) types[] = {ET_REL, ET_EXEC, ET_CORE, ET_NONE};
	ElfW(Ehdr) header = good_header();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		header.e_type = types[i];
		assert_header_missing(&header, "it is not a shared library");
	}
}

static void a_program_that_may_lie_anywhere_is_no_library(void **state)
{
	struct allocator libc;
	struct error error = {""};
	char text[PATH_MAX + 8];

	(void)state;
	/* This one is of a library's type, where compilers make such programs by default. */
	assert_missing("a=/proc/self/exe", "it is not a shared library");

	/* What can be executed may still be a library: this one says its version then. */
	assert_true(allocator_find("glibc", &libc, &error));
	(void)snprintf(text, sizeof text, "a=%s", libc.expected_path);
	allocator_release(&libc);
	parse_good(text, &libc);
	assert_null(libc.missing);
	allocator_release(&libc);
}

static void a_library_may_lie_where_the_loader_would_split_its_path(void **state)
{
	static const char *const names[] = {"with space.so", "with:colon.so", "$ORIGIN.so",
					    "gr\303\266\303\237e.so"};
	struct allocator allocator;
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		make_library(names[i], path);
		parse_good(of_file("a", names[i]), &allocator);
		assert_null(allocator.missing);
		assert_string_equal(allocator.expected_path, path);
		allocator_release(&allocator);
	}
}

/* A report is lines of UTF-8, and so is a file of a run. */
static void a_library_whose_place_cannot_be_written_down_is_missing(void **state)
{
	static const char *const names[] = {"with\ttab.so", "with\nline.so", "latin-\xe4.so"};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		make_library(names[i], path);
		(void)snprintf(path, sizeof path, "%s/link%zu.so", temporary, i);
		assert_int_equal(symlink(names[i], path), 0);
		assert_missing(of_file("a", strrchr(path, '/') + 1), "is not printable UTF-8");
	}
}

static void a_library_is_found_through_links_with_its_variables(void **state)
{
	char path[PATH_MAX];
	char link_path[PATH_MAX];
	char text[2 * PATH_MAX];

	(void)state;
	/* A comma in the path is not the end of it. */
	make_library("real,one.so", path);
	(void)snprintf(link_path, sizeof link_path, "%s/link.so", temporary);
	assert_int_equal(symlink("real,one.so", link_path), 0);
	for (int i = 0; i <= 1; i++) {
		struct allocator allocator;

		(void)snprintf(text, sizeof text, "my=%s,A=1,x", i == 0 ? link_path : path);
		parse_good(text, &allocator);
		assert_null(allocator.missing);
		assert_string_equal(allocator.name, "my");
		assert_string_equal(allocator.library, path);
		assert_string_equal(allocator.expected_path, path);
		assert_environment(&allocator, (const char *const[]){"A=1,x", NULL});
		allocator_release(&allocator);
	}
}

/* A build with a worker in the test's folder; its path is in `path`. */
static void make_build(const char *name, char path[PATH_MAX])
{
	char worker[PATH_MAX];

	(void)snprintf(worker, sizeof worker, "%s/growbench-worker", name);
	put(worker, "#!/bin/sh\n");
	assert_int_equal(chmod(below(worker), 0755), 0);
	(void)strcpy(path, below(name));
}

/* Is "a=BASE@BUILD" with `rest` behind it an allocator of that library (NULL: none) and build? */
static void assert_parts(const char *base, const char *build, const char *rest, const char *library,
			 const char *variable)
{
	char text[3 * PATH_MAX];
	char worker[PATH_MAX + 32];
	struct allocator allocator;

	(void)snprintf(text, sizeof text, "a=%s%s%s%s", base, build == NULL ? "" : "@",
		       build == NULL ? "" : build, rest);
	parse_good(text, &allocator);
	assert_null(allocator.missing);
	if (library == NULL)
		assert_null(allocator.library);
	else
		assert_string_equal(allocator.library, library);
	if (build == NULL) {
		assert_null(allocator.build);
		assert_null(allocator.worker);
	} else {
		assert_string_equal(allocator.build, build);
		(void)snprintf(worker, sizeof worker, "%s/growbench-worker", build);
		assert_string_equal(allocator.worker, worker);
	}
	if (variable == NULL)
		assert_null(allocator.environment[0]);
	else
		assert_string_equal(allocator.environment[0], variable);
	allocator_release(&allocator);
	assert_null(allocator.build);
	assert_null(allocator.worker);
}

static void a_build_follows_the_base_behind_an_at_sign(void **state)
{
	char build[PATH_MAX];
	char library[PATH_MAX];

	(void)state;
	make_build("build", build);
	make_library("lib.so", library);
	assert_parts("glibc", NULL, "", NULL, NULL);
	assert_parts("glibc", build, "", NULL, NULL);
	assert_parts("glibc", build, ",A=x@y,z", NULL, "A=x@y,z");
	assert_parts(library, build, "", library, NULL);
	assert_parts(library, build, ",A=1", library, "A=1");
	assert_parts("glibc", NULL, ",A=x@y", NULL, "A=x@y");
}

static void the_worker_itself_may_be_given_for_its_build(void **state)
{
	char text[PATH_MAX + 64];
	struct allocator allocator;

	(void)state;
	(void)snprintf(text, sizeof text, "a=glibc@%s/build/growbench-worker", temporary);
	parse_good(text, &allocator);
	assert_string_equal(allocator.build, strchr(text, '@') + 1);
	assert_string_equal(allocator.worker, strchr(text, '@') + 1);
	allocator_release(&allocator);
}

static void an_at_sign_in_a_path_that_is_there_is_no_end_of_it(void **state)
{
	char build[PATH_MAX];
	char plain[PATH_MAX];
	char inner[PATH_MAX];
	char last[PATH_MAX];

	(void)state;
	make_build("build@2,x", build);
	make_library("x@1.so", inner);
	make_library("y.so@", last);
	make_library("x", plain);
	assert_parts(inner, NULL, "", inner, NULL);
	assert_parts(inner, NULL, ",A=1", inner, "A=1");
	assert_parts(last, NULL, "", last, NULL);
	assert_parts(last, build, "", last, NULL);
	assert_parts(plain, build, "", plain, NULL);
	assert_parts("glibc", build, ",A=1", NULL, "A=1");
	/* "x" is a file, too; then it is the first that is there. */
	assert_int_equal(unlink(plain), 0);
	assert_parts(inner, build, "", inner, NULL);
	/* A folder is no library. */
	assert_int_equal(mkdir(plain, 0755), 0);
	assert_parts(inner, build, "", inner, NULL);
}

static void a_build_that_cannot_be_used_is_refused(void **state)
{
	char text[PATH_MAX + 64];

	(void)state;
	assert_refused("a=glibc@", "--allocator a: the build's name is empty");
	assert_refused("a=glibc@,A=1", "--allocator a: the build's name is empty");
	assert_refused("a=glibc@/no/such", "--allocator a: there is no build /no/such");
	(void)snprintf(text, sizeof text, "a=glibc@%s", temporary);
	assert_refused(text, "has no growbench-worker");
	assert_refused("a=/no/such.so@/no/build", "there is no build /no/build");
	assert_refused("a=jemaloc@/no/such", "did you mean 'jemalloc'?");
	assert_refused("a=@/no/such", "unknown allocator ''");
	assert_refused("a=/opt/a b.so@/no/such", "there is no build /no/such");
}

static void a_missing_library_is_missing_with_a_build_too(void **state)
{
	char text[PATH_MAX + 64];
	struct allocator allocator;

	(void)state;
	(void)snprintf(text, sizeof text, "a=/no/such.so@%s/build,A=1", temporary);
	parse_good(text, &allocator);
	assert_non_null(allocator.missing);
	assert_contains(allocator.missing, "/no/such.so cannot be preloaded");
	assert_non_null(allocator.worker);
	allocator_release(&allocator);
	(void)snprintf(text, sizeof text, "a=glibc@%s/build,LD_PRELOAD=/x.so", temporary);
	assert_refused(text, "LD_PRELOAD is not for you to set");
}

static void variables_of_allocators_are_known_by_their_names(void **state)
{
	static const char *const theirs[] = {
		"MALLOC_CONF=x",
		"MALLOC_ARENA_MAX=1",
		"GLIBC_TUNABLES=x",
		"MIMALLOC_VERBOSE=1",
		"TCMALLOC_RELEASE_RATE=1",
		"SCUDO_OPTIONS=x",
		"TBB_MALLOC_USE_HUGE_PAGES=1",
		"_RJEM_MALLOC_CONF=x",
	};
	static const char *const others[] = {
		"LD_PRELOAD=x",     "PATH=/bin", "GLIBC_TUNABLES_NOT=x",
		"MY_MALLOC_CONF=x", "malloc_=1", "",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(theirs); i++)
		assert_true(allocator_variable(theirs[i]));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(allocator_variable(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_has_all_six),
		cmocka_unit_test(glibc_is_never_missing_and_preloads_nothing),
		cmocka_unit_test(
			every_other_is_a_file_with_links_resolved_or_missing_with_its_package),
		cmocka_unit_test(an_unknown_name_is_answered_with_the_nearest),
		cmocka_unit_test(scudo_comes_without_its_error_detector_unless_it_is_asked_for),
		cmocka_unit_test(a_comma_ends_a_value_only_before_a_variable),
		cmocka_unit_test(a_label_is_a_short_plain_word),
		cmocka_unit_test(what_follows_the_base_is_variables_and_nothing_else),
		cmocka_unit_test(the_loaders_own_variables_are_refused),
		cmocka_unit_test(what_is_no_file_that_is_there_is_missing),
		cmocka_unit_test(a_file_that_is_no_elf_file_is_missing),
		cmocka_unit_test(a_library_for_another_processor_is_missing),
		cmocka_unit_test(an_elf_file_that_is_no_shared_library_is_missing),
		cmocka_unit_test(a_program_that_may_lie_anywhere_is_no_library),
		cmocka_unit_test(a_library_may_lie_where_the_loader_would_split_its_path),
		cmocka_unit_test(a_library_whose_place_cannot_be_written_down_is_missing),
		cmocka_unit_test(a_library_is_found_through_links_with_its_variables),
		cmocka_unit_test(a_build_follows_the_base_behind_an_at_sign),
		cmocka_unit_test(the_worker_itself_may_be_given_for_its_build),
		cmocka_unit_test(an_at_sign_in_a_path_that_is_there_is_no_end_of_it),
		cmocka_unit_test(a_build_that_cannot_be_used_is_refused),
		cmocka_unit_test(a_missing_library_is_missing_with_a_build_too),
		cmocka_unit_test(variables_of_allocators_are_known_by_their_names),
	};

	return cmocka_run_group_tests_name("allocators", tests, make_temporary, remove_temporary);
}
