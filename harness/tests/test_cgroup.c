#include "harness/runner/machine/cgroup.h"

#include "kernels/tests/cmocka_headers.h"
#include "support.h"

#define MOUNT "sys/fs/cgroup"

/* When that file says that, the least memory, and the file that has it; NULL: there is no limit. */
static void assert_memory(const char *file, const char *text, uint64_t bytes, const char *limit)
{
	struct cgroup_memory memory;

	put(file, text);
	cgroup_memory(temporary, &memory);
	assert_true(memory.bytes == bytes);
	assert_string_equal(memory.file, limit == NULL ? "" : below(limit));
}

/* The quota in thousandths of a CPU, and its text. */
static void assert_quota(const char *file, const char *text, uint64_t milli_cpus,
			 const char *expected)
{
	char found[64];
	uint64_t value;

	put(file, text);
	assert_true(cgroup_cpu_quota(temporary, &value, found, sizeof found));
	assert_true(value == milli_cpus);
	assert_string_equal(found, expected);
}

static void assert_no_quota(const char *ours)
{
	char text[64];
	uint64_t milli_cpus;

	put("proc/self/cgroup", ours);
	assert_false(cgroup_cpu_quota(temporary, &milli_cpus, text, sizeof text));
}

static void nothing_is_limited_where_nothing_can_be_seen(void **state)
{
	(void)state;
	assert_memory("proc/version", "", UINT64_MAX, NULL);
	assert_memory("proc/self/cgroup", "", UINT64_MAX, NULL);
	assert_memory("proc/self/cgroup", "rubbish\n4:memory\n0::/not/there\n", UINT64_MAX, NULL);
}

static void version_2_is_limited_by_the_least_of_the_groups_around_it(void **state)
{
	static const char inner[] = MOUNT "/outer/inner/memory.max";
	static const char outer[] = MOUNT "/outer/memory.max";
	static const char top[] = MOUNT "/memory.max";

	(void)state;
	assert_memory("proc/self/cgroup", "0::/outer/inner\n", UINT64_MAX, NULL);
	assert_memory(inner, "max\n", UINT64_MAX, NULL);
	assert_memory(outer, "3000000\n", 3000000, outer);
	assert_memory(inner, "2000000\n", 2000000, inner);
	/* The root of a container's own namespace. */
	assert_memory(top, "1000000\n", 1000000, top);
	assert_memory("proc/self/cgroup", "0::/of/the/host\n", 1000000, top);
	assert_memory("proc/self/cgroup", "0::/\n", 1000000, top);
	assert_memory(top, "max\n", UINT64_MAX, NULL);
}

static void version_1_is_limited_by_the_memory_controllers_group(void **state)
{
	static const char job[] = MOUNT "/memory/job/memory.limit_in_bytes";

	(void)state;
	put(MOUNT "/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put(job, "4096000\n");
	assert_memory("proc/self/cgroup", "5:cpu:/job\n4:memory:/job\n0::/\n", 4096000, job);
	assert_memory("proc/self/cgroup", "4:cpu,memory:/job\n", 4096000, job);
	assert_memory("proc/self/cgroup", "4:memory:/\n5:notmemory:/job\n", UINT64_MAX, NULL);
}

static void version_2_may_be_beside_version_1(void **state)
{
	static const char outer[] = MOUNT "/unified/outer/memory.max";

	(void)state;
	put("proc/self/cgroup", "5:cpu:/\n0::/outer\n");
	assert_memory(outer, "5000000\n", 5000000, outer);
}

static void the_tightest_quota_of_version_2_counts(void **state)
{
	static const char inner[] = MOUNT "/outer/inner/cpu.max";

	(void)state;
	assert_no_quota("0::/outer/inner\n");
	assert_quota(inner, "max 100000\n", UINT64_MAX, "max");
	assert_quota(MOUNT "/outer/cpu.max", "150000 100000\n", 1500, "150000 100000");
	/* Less time, but of a shorter period. */
	assert_quota(inner, "90000 10000\n", 1500, "150000 100000");
	assert_quota(inner, "rubbish\n", 1500, "150000 100000");
	assert_quota(inner, "1 0\n", 1500, "150000 100000");
}

static void a_quota_of_version_1_is_told_as_version_2_does(void **state)
{
	static const char quota[] = MOUNT "/cpu/job/cpu.cfs_quota_us";

	(void)state;
	put("proc/self/cgroup", "5:cpu,cpuacct:/job\n");
	put(MOUNT "/cpu/job/cpu.cfs_period_us", "100000\n");
	assert_quota(quota, "-1\n", UINT64_MAX, "max");
	assert_quota(quota, "50000\n", 500, "50000 100000");
	/* Which is another controller. */
	assert_no_quota("5:cpuset,cpuacct:/job\n");
}

/* 0: it is not known. */
static void assert_burst(const char *file, const char *text, uint64_t expected_us)
{
	uint64_t burst_us;

	put(file, text);
	assert_int_equal(cgroup_cpu_burst(temporary, &burst_us), expected_us != 0);
	assert_true(expected_us == 0 || burst_us == expected_us);
}

static void the_least_burst_counts(void **state)
{
	static const char job[] = MOUNT "/cpu/job/cpu.cfs_burst_us";

	(void)state;
	assert_burst("proc/self/cgroup", "5:cpu,cpuacct:/job\n0::/outer/inner\n", 0);
	assert_burst(MOUNT "/outer/cpu.max.burst", "rubbish\n", 0);
	assert_burst(MOUNT "/outer/inner/cpu.max.burst", "50000\n", 50000);
	assert_burst(job, "20000\n", 20000);
	assert_burst(job, "-5\n", 50000);
}

static struct cgroup_watch watch;

/* -1: it is not known. */
static void assert_counts(int64_t throttled_ns, int64_t oom_kills)
{
	const struct cgroup_counts counts = cgroup_watch_read(&watch);

	assert_int_equal(counts.throttled_known ? (int64_t)counts.throttled_ns : -1, throttled_ns);
	assert_int_equal(counts.oom_known ? (int64_t)counts.oom_kills : -1, oom_kills);
}

static void what_nobody_counts_is_not_known(void **state)
{
	(void)state;
	put("proc/self/cgroup", "5:cpu:/job\n4:memory:/job\n0::/outer\n");
	/* The root of version 2 has no line of throttling. */
	put(MOUNT "/outer/cpu.stat", "usage_usec 5\n");
	cgroup_watch_open(temporary, &watch);
	assert_counts(-1, -1);
	cgroup_watch_close(&watch);
}

static void what_version_2_counts_is_seen_as_it_changes(void **state)
{
	(void)state;
	put("proc/self/cgroup", "0::/outer/inner\n");
	put(MOUNT "/outer/cpu.stat",
	    "usage_usec 9\nnr_periods 4\nnr_throttled 2\nthrottled_usec 30\n");
	put(MOUNT "/outer/inner/cpu.stat", "usage_usec 9\nthrottled_usec 7\n");
	put(MOUNT "/outer/inner/memory.events",
	    "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 8\n");
	put(MOUNT "/outer/memory.events", "oom_kill 5\n");
	cgroup_watch_open(temporary, &watch);
	assert_counts(37000, 1);
	put(MOUNT "/outer/cpu.stat", "throttled_usec 31\n");
	put(MOUNT "/outer/inner/memory.events", "oom_kill 2\n");
	assert_counts(38000, 2);
	cgroup_watch_close(&watch);
}

static void what_version_1_counts_is_seen_as_it_changes(void **state)
{
	(void)state;
	put("proc/self/cgroup", "5:cpu,cpuacct:/job\n4:memory:/job\n");
	put(MOUNT "/cpu/job/cpu.stat", "nr_periods 4\nnr_throttled 2\nthrottled_time 30\n");
	put(MOUNT "/cpu/cpu.stat", "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n");
	put(MOUNT "/memory/job/memory.oom_control",
	    "oom_kill_disable 0\nunder_oom 0\noom_kill 6\n");
	cgroup_watch_open(temporary, &watch);
	assert_counts(30, 6);
	put(MOUNT "/cpu/job/cpu.stat", "throttled_time 31\n");
	assert_counts(31, 6);
	cgroup_watch_close(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(nothing_is_limited_where_nothing_can_be_seen),
		IN_A_FOLDER(version_2_is_limited_by_the_least_of_the_groups_around_it),
		IN_A_FOLDER(version_1_is_limited_by_the_memory_controllers_group),
		IN_A_FOLDER(version_2_may_be_beside_version_1),
		IN_A_FOLDER(the_tightest_quota_of_version_2_counts),
		IN_A_FOLDER(a_quota_of_version_1_is_told_as_version_2_does),
		IN_A_FOLDER(the_least_burst_counts),
		IN_A_FOLDER(what_nobody_counts_is_not_known),
		IN_A_FOLDER(what_version_2_counts_is_seen_as_it_changes),
		IN_A_FOLDER(what_version_1_counts_is_seen_as_it_changes),
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
