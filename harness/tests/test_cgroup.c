#include "harness/runner/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/tests/cmocka_headers.h"
#include "support.h"

static char root[PATH_MAX];

static int make_root(void **state)
{
	static const char *const folders[] = {"proc",
					      "proc/self",
					      "sys",
					      "sys/fs",
					      "sys/fs/cgroup",
					      "sys/fs/cgroup/outer",
					      "sys/fs/cgroup/outer/inner",
					      "sys/fs/cgroup/memory",
					      "sys/fs/cgroup/memory/job"};

	(void)state;
	make_temporary(root, sizeof root);
	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		char path[PATH_MAX + 64];

		(void)snprintf(path, sizeof path, "%s/%s", root, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	return 0;
}

static int remove_root(void **state)
{
	(void)state;
	remove_temporary(root);
	return 0;
}

static void put(const char *name, const char *text)
{
	char path[PATH_MAX + 64];

	(void)snprintf(path, sizeof path, "%s/%s", root, name);
	write_file(path, text, strlen(text));
}

static void nothing_is_limited_where_nothing_can_be_seen(void **state)
{
	(void)state;
	assert_true(cgroup_memory_bytes(root) == UINT64_MAX);
	put("proc/self/cgroup", "");
	assert_true(cgroup_memory_bytes(root) == UINT64_MAX);
	put("proc/self/cgroup", "rubbish\n4:memory\n0::/not/there\n");
	assert_true(cgroup_memory_bytes(root) == UINT64_MAX);
}

static void version_2_is_limited_by_the_least_of_the_groups_around_it(void **state)
{
	(void)state;
	put("proc/self/cgroup", "0::/outer/inner\n");
	put("sys/fs/cgroup/outer/inner/memory.max", "max\n");
	assert_true(cgroup_memory_bytes(root) == UINT64_MAX);
	put("sys/fs/cgroup/outer/memory.max", "3000000\n");
	assert_int_equal(cgroup_memory_bytes(root), 3000000);
	put("sys/fs/cgroup/outer/inner/memory.max", "2000000\n");
	assert_int_equal(cgroup_memory_bytes(root), 2000000);
	/* The root of a container's own namespace. */
	put("sys/fs/cgroup/memory.max", "1000000\n");
	assert_int_equal(cgroup_memory_bytes(root), 1000000);
	put("proc/self/cgroup", "0::/of/the/host\n");
	assert_int_equal(cgroup_memory_bytes(root), 1000000);
	put("proc/self/cgroup", "0::/\n");
	assert_int_equal(cgroup_memory_bytes(root), 1000000);
	put("sys/fs/cgroup/memory.max", "max\n");
	assert_true(cgroup_memory_bytes(root) == UINT64_MAX);
}

static void version_1_is_limited_by_the_memory_controllers_group(void **state)
{
	(void)state;
	put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "4096000\n");
	put("proc/self/cgroup", "5:cpu:/job\n4:memory:/job\n0::/\n");
	assert_int_equal(cgroup_memory_bytes(root), 4096000);
	put("proc/self/cgroup", "4:cpu,memory:/job\n");
	assert_int_equal(cgroup_memory_bytes(root), 4096000);
	put("proc/self/cgroup", "4:memory:/\n5:notmemory:/job\n");
	assert_true(cgroup_memory_bytes(root) == 9223372036854771712U);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_limited_where_nothing_can_be_seen),
		cmocka_unit_test(version_2_is_limited_by_the_least_of_the_groups_around_it),
		cmocka_unit_test(version_1_is_limited_by_the_memory_controllers_group),
	};

	return cmocka_run_group_tests_name("cgroup", tests, make_root, remove_root);
}
