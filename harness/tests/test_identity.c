#include "kernels/tests/cmocka_headers.h"

#include <gnu/libc-version.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/worker/identity.h"
#include "support.h"

static void find(struct identity *identity)
{
	struct error error = {""};

	memset(identity, 0x55, sizeof *identity);
	if (!identity_find(identity, &error))
		fail_msg("%s", error.text);
}

/* The file of the C library in this process, as the kernel has it mapped: another source than the
 * loader, which identity_find asks. */
static void mapped_libc(char *path, size_t size)
{
	char *maps = read_file("/proc/self/maps", NULL);
	size_t found = 0;

	for (char *line = strtok(maps, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		const char *file = strchr(line, '/');
		const char *name = file == NULL ? NULL : strrchr(file, '/') + 1;

		if (name == NULL ||
		    (strncmp(name, "libc.so", 7) != 0 && strncmp(name, "libc-", 5) != 0))
			continue;
		(void)snprintf(path, size, "%s", file);
		found++;
	}
	free(maps);
	assert_true(found > 0);
}

static void without_a_preload_the_c_library_supplies_malloc(void **state)
{
	struct identity identity;
	char path[PATH_MAX];

	(void)state;
	if (SANITIZED)
		SKIP_BECAUSE("the sanitizer supplies malloc");
	find(&identity);
	mapped_libc(path, sizeof path);
	assert_string_equal(identity.path, path);
}

static void links_in_the_path_are_resolved(void **state)
{
	struct identity identity;
	char resolved[PATH_MAX];

	(void)state;
	find(&identity);
	assert_int_equal(identity.path[0], '/');
	assert_non_null(realpath(identity.path, resolved));
	assert_string_equal(identity.path, resolved);
}

static void the_version_is_what_the_library_states(void **state)
{
	struct identity identity;

	(void)state;
	if (SANITIZED)
		SKIP_BECAUSE("the sanitizer supplies malloc");
	find(&identity);
	assert_string_equal(identity.version, gnu_get_libc_version());
}

static void the_build_id_is_that_of_the_file(void **state)
{
	struct identity identity;
	char expected[256];

	(void)state;
	find(&identity);
	if (!readelf_build_id(identity.path, expected, sizeof expected))
		SKIP_BECAUSE("there is no readelf");
	if (*expected == '\0')
		SKIP_BECAUSE("the library has no build-id");
	assert_in_range(strlen(expected), 16, 128);
	assert_string_equal(identity.build_id, expected);
}

static void finding_it_again_finds_the_same(void **state)
{
	struct identity first;
	struct identity second;

	(void)state;
	find(&first);
	find(&second);
	assert_string_equal(first.path, second.path);
	assert_string_equal(first.version, second.version);
	assert_string_equal(first.build_id, second.build_id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_preload_the_c_library_supplies_malloc),
		cmocka_unit_test(links_in_the_path_are_resolved),
		cmocka_unit_test(the_version_is_what_the_library_states),
		cmocka_unit_test(the_build_id_is_that_of_the_file),
		cmocka_unit_test(finding_it_again_finds_the_same),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
