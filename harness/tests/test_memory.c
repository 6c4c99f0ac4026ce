/*
 * Every reading is taken in a process of its own that has been on one CPU since exec, as memory.h
 * wants it: this program again, with what it is to read as its arguments. The oracle is the number
 * of pages that were touched.
 */
#include "kernels/tests/cmocka_headers.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/worker/memory.h"
#include "support.h"

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)

/* 256 KiB where pages have 4: twice what the kernel counts in one go. */
#define ALLOWED (64 * (uint64_t)sysconf(_SC_PAGESIZE))

static char own_path[PATH_MAX];

/* ---- In the process that reads. Prints numbers; ends with 0, or 77 if there is no way here. ----
 */

enum {
	EXIT_NO_WAY = 77
};

static void touch_all(unsigned char *memory, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < bytes; i += page)
		((volatile unsigned char *)memory)[i] = 1;
}

static int read_mapping(size_t bytes, bool over)
{
	uint64_t peak;

	if (!memory_peak_of_mapping(bytes, over, &peak))
		return EXIT_NO_WAY;
	(void)printf("%" PRIu64 "\n", peak);
	return 0;
}

/* A peak of 64 MiB, then a reset: what is seen of it? */
static int read_after_reset(size_t bytes)
{
	unsigned char *memory;
	uint64_t before;
	uint64_t at_peak;
	uint64_t rss;
	uint64_t peak;

	if (!memory_reset_peak(&before, NULL))
		return EXIT_NO_WAY;
	memory = memory_map(bytes);
	if (memory == NULL)
		return 1;
	touch_all(memory, bytes);
	(void)munmap(memory, bytes);
	if (!memory_peak(&at_peak) || !memory_reset_peak(&rss, NULL) || !memory_peak(&peak))
		return 1;
	(void)printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", before, at_peak, rss,
		     peak);
	return 0;
}

static int read_resolution(void)
{
	uint64_t resolution;

	if (!memory_resolution(&resolution))
		return EXIT_NO_WAY;
	(void)printf("%" PRIu64 "\n", resolution);
	return 0;
}

static int play(int argc, char **argv)
{
	size_t bytes = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	if (strcmp(argv[1], "lasting") == 0)
		return read_mapping(bytes, false);
	if (strcmp(argv[1], "over") == 0)
		return read_mapping(bytes, true);
	if (strcmp(argv[1], "reset") == 0)
		return read_after_reset(bytes);
	if (strcmp(argv[1], "resolution") == 0)
		return read_resolution();
	return 2;
}

/* ---- The tests. ---- */

/* What a process on one CPU prints, as numbers; skips the test if there is no way to read. */
static void read_in_process(const char *what, uint64_t bytes, uint64_t *numbers, size_t count)
{
	char command[PATH_MAX + 128];
	FILE *output;
	size_t got = 0;
	int status;

	if (is_emulated() || SHADOWED)
		SKIP_BECAUSE("memory of an emulator or a sanitizer is counted with the program's");
	(void)snprintf(command, sizeof command, "'%s' %s %" PRIu64, own_path, what, bytes);
	output = popen(command, "r");
	assert_non_null(output);
	while (got < count && fscanf(output, "%" SCNu64, &numbers[got]) == 1)
		got++;
	status = pclose(output);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == EXIT_NO_WAY)
		SKIP_BECAUSE("this system does not let a process reset its peak");
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(got, count);
}

static void assert_near(uint64_t reading, uint64_t truth, const char *what)
{
	uint64_t error = reading > truth ? reading - truth : truth - reading;

	if (error > ALLOWED)
		fail_msg("%s: %" PRIu64 " KiB read as %" PRIu64 " KiB", what, truth / KIB,
			 reading / KIB);
}

/* Whole pages, of whatever size. */
static const uint64_t sizes[] = {1 * MIB, 3 * MIB + 64 * KIB, 16 * MIB, 128 * MIB};

static void memory_is_read_within_64_pages_whether_it_is_there_or_was_given_back(void **state)
{
	static const char *const ways[] = {"lasting", "over"};

	(void)state;
	for (size_t way = 0; way < COUNT_OF(ways); way++)
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			uint64_t reading = 0;

			read_in_process(ways[way], sizes[i], &reading, 1);
			assert_near(reading, sizes[i], ways[way]);
		}
}

static void our_own_peak_is_not_inherited(void **state)
{
	const size_t held = 64 * MIB;
	unsigned char *memory = memory_map(held);
	uint64_t reading = 0;

	(void)state;
	assert_non_null(memory);
	touch_all(memory, held);
	read_in_process("over", 1 * MIB, &reading, 1);
	assert_int_equal(munmap(memory, held), 0);
	assert_near(reading, 1 * MIB, "with 64 MiB in the parent");
}

static void a_reset_forgets_the_peak_before_it(void **state)
{
	enum {
		BEFORE,
		AT_PEAK,
		RSS,
		PEAK,
		COUNT
	};
	const uint64_t bytes = 64 * MIB;
	uint64_t numbers[COUNT] = {0};

	(void)state;
	read_in_process("reset", bytes, numbers, COUNT);
	/* It was there to be forgotten; */
	assert_near(numbers[AT_PEAK] - numbers[BEFORE], bytes, "the peak");
	/* and now it is not. */
	assert_near(numbers[RSS], numbers[BEFORE], "resident after the reset");
	assert_true(numbers[PEAK] >= numbers[RSS]);
	assert_near(numbers[PEAK], numbers[RSS], "the peak after the reset");
}

static void the_resolution_is_64_pages_or_finer(void **state)
{
	uint64_t resolution = 0;

	(void)state;
	read_in_process("resolution", 0, &resolution, 1);
	assert_true(resolution <= ALLOWED);
}

static void mapped_memory_is_zeroed_and_can_be_written(void **state)
{
	const size_t bytes = 3 * (size_t)sysconf(_SC_PAGESIZE) + 1;
	unsigned char *memory = memory_map(bytes);

	(void)state;
	assert_non_null(memory);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(memory[i], 0);
	memset(memory, 0xff, bytes);
	assert_int_equal(munmap(memory, bytes), 0);
	assert_null(memory_map(SIZE_MAX / 2));
}

/* Pins this process, and with it its children from their start, to the CPU that it is on. */
static bool stay_on_one_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t one;

	CPU_ZERO(&one);
	if (cpu >= 0)
		CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof one, &one) == 0;
}

/* mmap, by --wrap, of which the nth call from now on fails; 0: none. */
static unsigned mapping_to_fail;

void *__real_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);

void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
	if (mapping_to_fail > 0 && --mapping_to_fail == 0)
		return MAP_FAILED;
	return __real_mmap(address, bytes, protection, flags, file, offset);
}

/* It would be read too small by what the kernel had not counted yet. */
static void a_peak_is_not_read_where_there_was_no_memory_to_prepare_it(void **state)
{
	uint64_t bytes;
	double touch_page_ns = -1;
	unsigned failed = 0;

	(void)state;
	if (!memory_reset_peak(&bytes, NULL))
		SKIP_BECAUSE("this system does not let a process reset its peak");
	if (is_emulated() && sysconf(_SC_PAGESIZE) > 4096)
		SKIP_BECAUSE("an emulator of larger pages may not open the C library's file");
	for (bool reset = false; !reset; failed += !reset) {
		mapping_to_fail = failed + 1;
		reset = memory_reset_peak(&bytes, &touch_page_ns);
	}
	mapping_to_fail = 0;
	assert_int_equal(failed, 2);
	assert_true(touch_page_ns > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			memory_is_read_within_64_pages_whether_it_is_there_or_was_given_back),
		cmocka_unit_test(our_own_peak_is_not_inherited),
		cmocka_unit_test(a_reset_forgets_the_peak_before_it),
		cmocka_unit_test(the_resolution_is_64_pages_or_finer),
		cmocka_unit_test(mapped_memory_is_zeroed_and_can_be_written),
		cmocka_unit_test(a_peak_is_not_read_where_there_was_no_memory_to_prepare_it),
	};

	if (argc > 1)
		return play(argc, argv);
	if (readlink("/proc/self/exe", own_path, sizeof own_path - 1) <= 0 || !stay_on_one_cpu())
		return 2;
	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
