#include "harness/runner/machine/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "kernels/tests/cmocka_headers.h"
#include "support.h"

static char root[PATH_MAX];

static int make_root(void **state)
{
	static const char *const folders[] = {
		"proc/self",
		"sys/fs/cgroup/cpu/job",
		"sys/fs/cgroup/outer/inner",
		"sys/fs/cgroup/unified/outer",
		"sys/fs/cgroup/memory/job",
	};

	(void)state;
	make_temporary(root, sizeof root);
	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		char path[PATH_MAX + 64];

		(void)snprintf(path, sizeof path, "%s/%s", root, folders[i]);
		assert_int_equal(g_mkdir_with_parents(path, 0755), 0);
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

static uint64_t least_bytes(void)
{
	struct cgroup_memory memory;

	cgroup_memory(root, &memory);
	return memory.bytes;
}

static void assert_limit_is_in(const char *name)
{
	struct cgroup_memory memory;
	char path[PATH_MAX + 64];

	cgroup_memory(root, &memory);
	(void)snprintf(path, sizeof path, "%s/%s", root, name);
	assert_string_equal(memory.file, path);
}

/* The quota in thousandths of a CPU, and its text. */
static void assert_quota(uint64_t milli_cpus, const char *text)
{
	char found[64];
	uint64_t value;

	assert_true(cgroup_cpu_quota(root, &value, found, sizeof found));
	assert_true(value == milli_cpus);
	assert_string_equal(found, text);
}

static void assert_no_quota(void)
{
	char text[64];
	uint64_t milli_cpus;

	assert_false(cgroup_cpu_quota(root, &milli_cpus, text, sizeof text));
}

static void nothing_is_limited_where_nothing_can_be_seen(void **state)
{
	(void)state;
	assert_true(least_bytes() == UINT64_MAX);
	put("proc/self/cgroup", "");
	assert_true(least_bytes() == UINT64_MAX);
	put("proc/self/cgroup", "rubbish\n4:memory\n0::/not/there\n");
	assert_true(least_bytes() == UINT64_MAX);
}

static void version_2_is_limited_by_the_least_of_the_groups_around_it(void **state)
{
	(void)state;
	put("proc/self/cgroup", "0::/outer/inner\n");
	put("sys/fs/cgroup/outer/inner/memory.max", "max\n");
	assert_true(least_bytes() == UINT64_MAX);
	put("sys/fs/cgroup/outer/memory.max", "3000000\n");
	assert_int_equal(least_bytes(), 3000000);
	assert_limit_is_in("sys/fs/cgroup/outer/memory.max");
	put("sys/fs/cgroup/outer/inner/memory.max", "2000000\n");
	assert_int_equal(least_bytes(), 2000000);
	assert_limit_is_in("sys/fs/cgroup/outer/inner/memory.max");
	/* The root of a container's own namespace. */
	put("sys/fs/cgroup/memory.max", "1000000\n");
	assert_int_equal(least_bytes(), 1000000);
	put("proc/self/cgroup", "0::/of/the/host\n");
	assert_int_equal(least_bytes(), 1000000);
	put("proc/self/cgroup", "0::/\n");
	assert_int_equal(least_bytes(), 1000000);
	put("sys/fs/cgroup/memory.max", "max\n");
	assert_true(least_bytes() == UINT64_MAX);
}

static void version_1_is_limited_by_the_memory_controllers_group(void **state)
{
	(void)state;
	put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "4096000\n");
	put("proc/self/cgroup", "5:cpu:/job\n4:memory:/job\n0::/\n");
	assert_int_equal(least_bytes(), 4096000);
	put("proc/self/cgroup", "4:cpu,memory:/job\n");
	assert_int_equal(least_bytes(), 4096000);
	put("proc/self/cgroup", "4:memory:/\n5:notmemory:/job\n");
	assert_true(least_bytes() == UINT64_MAX);
}

static void version_2_may_be_beside_version_1(void **state)
{
	(void)state;
	put("proc/self/cgroup", "5:cpu:/\n0::/outer\n");
	put("sys/fs/cgroup/unified/outer/memory.max", "5000000\n");
	assert_int_equal(least_bytes(), 5000000);
	assert_limit_is_in("sys/fs/cgroup/unified/outer/memory.max");
}

static void the_tightest_quota_of_version_2_counts(void **state)
{
	(void)state;
	put("proc/self/cgroup", "0::/outer/inner\n");
	assert_no_quota();
	put("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
	assert_quota(UINT64_MAX, "max");
	put("sys/fs/cgroup/outer/cpu.max", "150000 100000\n");
	assert_quota(1500, "150000 100000");
	/* Less time, but of a shorter period. */
	put("sys/fs/cgroup/outer/inner/cpu.max", "90000 10000\n");
	assert_quota(1500, "150000 100000");
	put("sys/fs/cgroup/outer/inner/cpu.max", "rubbish\n");
	assert_quota(1500, "150000 100000");
	put("sys/fs/cgroup/outer/inner/cpu.max", "1 0\n");
	assert_quota(1500, "150000 100000");
}

static void a_quota_of_version_1_is_told_as_version_2_does(void **state)
{
	(void)state;
	put("proc/self/cgroup", "5:cpu,cpuacct:/job\n");
	put("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
	put("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
	assert_quota(UINT64_MAX, "max");
	put("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "50000\n");
	assert_quota(500, "50000 100000");
	/* Which is another controller. */
	put("proc/self/cgroup", "5:cpuset,cpuacct:/job\n");
	assert_no_quota();
}

static void the_least_burst_counts(void **state)
{
	uint64_t burst_us;

	(void)state;
	put("proc/self/cgroup", "5:cpu,cpuacct:/job\n0::/outer/inner\n");
	assert_false(cgroup_cpu_burst(root, &burst_us));
	put("sys/fs/cgroup/outer/cpu.max.burst", "rubbish\n");
	assert_false(cgroup_cpu_burst(root, &burst_us));
	put("sys/fs/cgroup/outer/inner/cpu.max.burst", "50000\n");
	assert_true(cgroup_cpu_burst(root, &burst_us));
	assert_int_equal(burst_us, 50000);
	put("sys/fs/cgroup/cpu/job/cpu.cfs_burst_us", "20000\n");
	assert_true(cgroup_cpu_burst(root, &burst_us));
	assert_int_equal(burst_us, 20000);
	put("sys/fs/cgroup/cpu/job/cpu.cfs_burst_us", "-5\n");
	assert_true(cgroup_cpu_burst(root, &burst_us));
	assert_int_equal(burst_us, 50000);
}

static void what_nobody_counts_is_not_known(void **state)
{
	struct cgroup_watch watch;
	struct cgroup_counts counts;

	(void)state;
	put("proc/self/cgroup", "5:cpu:/job\n4:memory:/job\n0::/outer\n");
	/* The root of version 2 has no line of throttling. */
	put("sys/fs/cgroup/outer/cpu.stat", "usage_usec 5\n");
	cgroup_watch_open(root, &watch);
	counts = cgroup_watch_read(&watch);
	assert_false(counts.throttled_known);
	assert_false(counts.oom_known);
	cgroup_watch_close(&watch);
}

static void what_version_2_counts_is_seen_as_it_changes(void **state)
{
	struct cgroup_watch watch;
	struct cgroup_counts counts;

	(void)state;
	put("proc/self/cgroup", "0::/outer/inner\n");
	put("sys/fs/cgroup/outer/cpu.stat",
	    "usage_usec 9\nnr_periods 4\nnr_throttled 2\nthrottled_usec 30\n");
	put("sys/fs/cgroup/outer/inner/cpu.stat", "usage_usec 9\nthrottled_usec 7\n");
	put("sys/fs/cgroup/outer/inner/memory.events",
	    "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 8\n");
	put("sys/fs/cgroup/outer/memory.events", "oom_kill 5\n");
	cgroup_watch_open(root, &watch);
	counts = cgroup_watch_read(&watch);
	assert_true(counts.throttled_known);
	assert_int_equal(counts.throttled_ns, 37000);
	assert_true(counts.oom_known);
	assert_int_equal(counts.oom_kills, 1);
	put("sys/fs/cgroup/outer/cpu.stat", "throttled_usec 31\n");
	put("sys/fs/cgroup/outer/inner/memory.events", "oom_kill 2\n");
	counts = cgroup_watch_read(&watch);
	assert_int_equal(counts.throttled_ns, 38000);
	assert_int_equal(counts.oom_kills, 2);
	cgroup_watch_close(&watch);
}

static void what_version_1_counts_is_seen_as_it_changes(void **state)
{
	struct cgroup_watch watch;
	struct cgroup_counts counts;

	(void)state;
	put("proc/self/cgroup", "5:cpu,cpuacct:/job\n4:memory:/job\n");
	put("sys/fs/cgroup/cpu/job/cpu.stat", "nr_periods 4\nnr_throttled 2\nthrottled_time 30\n");
	put("sys/fs/cgroup/cpu/cpu.stat", "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n");
	put("sys/fs/cgroup/memory/job/memory.oom_control",
	    "oom_kill_disable 0\nunder_oom 0\noom_kill 6\n");
	cgroup_watch_open(root, &watch);
	counts = cgroup_watch_read(&watch);
	assert_true(counts.throttled_known);
	assert_int_equal(counts.throttled_ns, 30);
	assert_int_equal(counts.oom_kills, 6);
	put("sys/fs/cgroup/cpu/job/cpu.stat", "throttled_time 31\n");
	counts = cgroup_watch_read(&watch);
	assert_int_equal(counts.throttled_ns, 31);
	cgroup_watch_close(&watch);
}

/* Each has a root of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_limited_where_nothing_can_be_seen),
		TEST(version_2_is_limited_by_the_least_of_the_groups_around_it),
		TEST(version_1_is_limited_by_the_memory_controllers_group),
		TEST(version_2_may_be_beside_version_1),
		TEST(the_tightest_quota_of_version_2_counts),
		TEST(a_quota_of_version_1_is_told_as_version_2_does),
		TEST(the_least_burst_counts),
		TEST(what_nobody_counts_is_not_known),
		TEST(what_version_2_counts_is_seen_as_it_changes),
		TEST(what_version_1_counts_is_seen_as_it_changes),
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
