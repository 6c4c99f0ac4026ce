#include "kernels/tests/cmocka_headers.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/runner/process/program.h"
#include "support.h"

static void make_program(const char *name, mode_t mode)
{
	put(name, "#!/bin/sh\n");
	assert_int_equal(chmod(below(name), mode), 0);
}

static void make_subfolder(const char *name)
{
	assert_int_equal(mkdir(below(name), 0755), 0);
}

static void assert_program(const char *build, const char *expected)
{
	char path[PATH_MAX];
	char resolved[PATH_MAX];
	struct error error = {""};

	assert_non_null(realpath(expected, resolved));
	if (!program_of_build(build, path, &error))
		fail_msg("%s was refused: %s", build, error.text);
	assert_string_equal(path, resolved);
}

static void assert_refused(const char *build, const char *what, const char *remedy)
{
	char path[PATH_MAX];
	struct error error = {""};

	if (program_of_build(build, path, &error))
		fail_msg("'%s' was accepted; it should say: %s", build, what);
	assert_contains(error.text, what);
	assert_contains(error.text, build);
	assert_contains(error.text, remedy);
}

static void a_build_is_a_folder_with_a_worker_or_the_worker(void **state)
{
	(void)state;
	make_program("good/growbench-worker", 0755);
	make_program("good/other-name", 0700);
	assert_program(below("good"), below("good/growbench-worker"));
	assert_program(below("good/"), below("good/growbench-worker"));
	assert_program(below("good/growbench-worker"), below("good/growbench-worker"));
	assert_program(below("good/other-name"), below("good/other-name"));
}

static void links_are_resolved(void **state)
{
	(void)state;
	assert_int_equal(symlink("good", below("link")), 0);
	assert_program(below("link"), below("good/growbench-worker"));
	assert_program(below("link/growbench-worker"), below("good/growbench-worker"));
}

static void a_build_that_is_not_there_is_refused_with_what_to_give(void **state)
{
	(void)state;
	assert_refused("", "the build's name is empty", "give the folder of a build");
	assert_refused(below("none"), "there is no build", "give the folder of a build");
	assert_refused(below("none"), "No such file or directory", "growbench-worker");
	assert_refused(below("good/growbench-worker/x"), "Not a directory",
		       "give the folder of a build");
}

static void a_folder_without_a_worker_is_refused(void **state)
{
	(void)state;
	make_subfolder("empty");
	assert_refused(below("empty"), "has no growbench-worker", "build it there");
}

static void what_cannot_be_executed_is_refused(void **state)
{
	(void)state;
	make_program("plain/growbench-worker", 0644);
	assert_refused(below("plain"), "growbench-worker cannot be executed: Permission denied",
		       "build it anew");
	assert_refused(below("plain/growbench-worker"), "cannot be executed: Permission denied",
		       "build it anew");
	make_subfolder("odd");
	make_subfolder("odd/growbench-worker");
	assert_refused(below("odd"), "cannot be executed: it is not a file", "build it anew");
	assert_refused("/dev/null", "cannot be executed: it is not a file", "build it anew");
}

static void a_program_that_can_be_executed_has_no_reason_against_it(void **state)
{
	(void)state;
	assert_null(program_why_not(below("good/growbench-worker")));
	assert_string_equal(program_why_not(temporary), "it is not a file");
	assert_string_equal(program_why_not(below("none")), "No such file or directory");
}

static void the_interposer_is_beside_the_program(void **state)
{
	static const char *const cases[][2] = {
		{"/a/b/growbench-worker", "/a/b/libgrowbench-trace.so"},
		{"/worker", "/libgrowbench-trace.so"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *path = program_interposer(cases[i][0]);

		assert_string_equal(path, cases[i][1]);
		free(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_build_is_a_folder_with_a_worker_or_the_worker),
		cmocka_unit_test(links_are_resolved),
		cmocka_unit_test(a_build_that_is_not_there_is_refused_with_what_to_give),
		cmocka_unit_test(a_folder_without_a_worker_is_refused),
		cmocka_unit_test(what_cannot_be_executed_is_refused),
		cmocka_unit_test(a_program_that_can_be_executed_has_no_reason_against_it),
		cmocka_unit_test(the_interposer_is_beside_the_program),
	};

	return cmocka_run_group_tests_name("program", tests, make_temporary, remove_temporary);
}
