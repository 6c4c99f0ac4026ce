#include "harness/worker/huge_pages.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/tests/cmocka_headers.h"
#include "support.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define THP "sys/kernel/mm/transparent_hugepage"

/* A system with these settings, whose largest huge page is 2 MiB. */
static void put_settings(const char *of_all, const char *of_256k, const char *of_2m)
{
	put(THP "/hpage_pmd_size", "2097152\n");
	put(THP "/enabled", of_all);
	if (of_256k != NULL)
		put(THP "/hugepages-256kB/enabled", of_256k);
	if (of_2m != NULL)
		put(THP "/hugepages-2048kB/enabled", of_2m);
}

static void assert_on(size_t count, const size_t *expected)
{
	size_t sizes[HUGE_PAGES_MOST_SIZES];
	size_t found;
	struct error why = {""};

	assert_true(huge_pages_on(temporary, sizes, COUNT_OF(sizes), &found, &why));
	assert_int_equal(found, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(sizes[i], expected[i]);
}

/* Faults since the system began. */
static void assert_counted(uint64_t count, uint64_t bytes)
{
	struct huge_counters counters;
	struct huge_faults faults;
	struct error why = {""};

	assert_true(huge_counters_open(temporary, &counters, &why));
	assert_true(huge_counters_read(&counters, &faults));
	assert_int_equal(faults.count, count);
	assert_int_equal(faults.bytes, bytes);
	huge_counters_close(&counters);
}

static void assert_not_counted(const char *reason)
{
	struct huge_counters counters;
	struct error why = {""};

	assert_false(huge_counters_open(temporary, &counters, &why));
	assert_contains(why.text, reason);
	assert_int_equal(counters.count, 0);
}

static void the_sizes_that_are_on_are_found(void **state)
{
	static const size_t both[] = {256 * KIB, 2 * MIB};

	(void)state;
	/* Before Linux 6.8: one switch. */
	put_settings("always [madvise] never\n", NULL, NULL);
	assert_on(1, &both[1]);
	put_settings("always madvise [never]\n", NULL, NULL);
	assert_on(0, NULL);
	/* A switch for each size. */
	put_settings("[always] madvise never\n", "always inherit madvise [never]\n",
		     "always [inherit] madvise never\n");
	assert_on(1, &both[1]);
	put_settings("always madvise [never]\n", "always inherit [madvise] never\n",
		     "always [inherit] madvise never\n");
	assert_on(1, &both[0]);
	put_settings("always [madvise] never\n", "always [inherit] madvise never\n",
		     "[always] inherit madvise never\n");
	assert_on(2, both);
	assert_int_equal(huge_pages_largest(temporary), 2 * MIB);
}

static void a_kernel_without_them_has_none_and_one_that_hides_them_is_unknown(void **state)
{
	size_t sizes[1];
	size_t count;
	struct error why = {""};

	(void)state;
	assert_false(huge_pages_on(temporary, sizes, 1, &count, &why));
	assert_contains(why.text, "/sys/kernel/mm/transparent_hugepage cannot be read");
	assert_int_equal(huge_pages_largest(temporary), 0);
	assert_not_counted("/sys/kernel/mm/transparent_hugepage cannot be read");
	put("sys/kernel/mm/other", "");
	assert_on(0, NULL);
	assert_counted(0, 0);
}

static void every_size_that_is_on_is_counted_and_none_that_is_off(void **state)
{
	(void)state;
	put_settings("[always] madvise never\n", "[always] inherit madvise never\n",
		     "always [inherit] madvise never\n");
	put(THP "/hugepages-256kB/stats/anon_fault_alloc", "5\n");
	put(THP "/hugepages-2048kB/stats/anon_fault_alloc", "2\n");
	put(THP "/hugepages-512kB/enabled", "always inherit madvise [never]\n");
	put(THP "/hugepages-512kB/stats/anon_fault_alloc", "100\n");
	assert_counted(7, 5 * (256 * KIB) + 2 * (2 * MIB));
}

/* Linux before 6.10. */
static void without_counters_of_each_size_vmstat_has_those_of_the_largest(void **state)
{
	(void)state;
	put_settings("[always] madvise never\n", NULL, NULL);
	put("proc/vmstat", "pgfault 900\nthp_fault_alloc 3\nthp_fault_alloc_more 77\n");
	assert_counted(3, 3 * (2 * MIB));
	put("proc/vmstat", "pgfault 900\nthp_fault_alloc_more 77\n");
	assert_not_counted("does not count the faults of huge pages of 2048 KiB");
	/* Others are not counted there. */
	put("proc/vmstat", "thp_fault_alloc 3\n");
	put_settings("[always] madvise never\n", "[always] inherit madvise never\n", NULL);
	assert_not_counted("hugepages-256kB/stats/anon_fault_alloc cannot be read");
}

enum {
	COUNT = 3,
	EXIT_NO_WAY = 77
};

static uint64_t minor_faults(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt;
}

/* Asks for huge pages and touches each: 0 if as many faults of that size are counted as there were
 * faults, 1 if not, EXIT_NO_WAY where none are to be had. */
static int touch_huge_pages(void *data)
{
	const size_t size = huge_pages_largest("");
	const bool disabled = *(const bool *)data;
	struct huge_counters counters;
	struct huge_faults before;
	struct huge_faults after;
	struct error why;
	unsigned char *memory;
	uint64_t faults;

	if (size == 0 || (disabled && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0))
		return EXIT_NO_WAY;
	if (!huge_counters_open("", &counters, &why) || (!disabled && counters.count == 0))
		return EXIT_NO_WAY;
	memory = mmap(NULL, (COUNT + 1) * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (memory == MAP_FAILED)
		return EXIT_NO_WAY;
	memory += size - (uintptr_t)memory % size;
	if (madvise(memory, COUNT * size, MADV_HUGEPAGE) != 0)
		return EXIT_NO_WAY;
	faults = minor_faults();
	if (!huge_counters_read(&counters, &before))
		return EXIT_NO_WAY;
	for (size_t i = 0; i < COUNT; i++)
		((volatile unsigned char *)memory)[i * size] = 1;
	if (!huge_counters_read(&counters, &after))
		return 1;
	faults = minor_faults() - faults;
	/* The other end of each: the kernel had no huge page left where that is another fault. */
	for (size_t i = 0; i < COUNT && !disabled; i++) {
		const uint64_t now = minor_faults();

		((volatile unsigned char *)memory)[(i + 1) * size - 1] = 1;
		if (minor_faults() != now)
			return EXIT_NO_WAY;
	}
	if (disabled)
		return after.count != 0;
	return after.count - before.count != COUNT || faults < COUNT ||
	       after.bytes - before.bytes != COUNT * size;
}

/* Other processes' may be among them at one time, but not at all times. */
static void known_faults_of_huge_pages_are_counted_exactly(void **state)
{
	int status = 0;

	(void)state;
	for (int disabled = 0; disabled <= 1; disabled++) {
		bool data = disabled == 1;

		for (int i = 0; i < 20; i++) {
			status = status_of_child(touch_huge_pages, &data);
			assert_true(WIFEXITED(status));
			if (WEXITSTATUS(status) != 1)
				break;
		}
		if (WEXITSTATUS(status) == EXIT_NO_WAY)
			SKIP_BECAUSE("the kernel gives no huge pages here, or does not count them");
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(the_sizes_that_are_on_are_found),
		IN_A_FOLDER(a_kernel_without_them_has_none_and_one_that_hides_them_is_unknown),
		IN_A_FOLDER(every_size_that_is_on_is_counted_and_none_that_is_off),
		IN_A_FOLDER(without_counters_of_each_size_vmstat_has_those_of_the_largest),
		cmocka_unit_test(known_faults_of_huge_pages_are_counted_exactly),
	};

	return cmocka_run_group_tests_name("huge_pages", tests, NULL, NULL);
}
