/* Under a clock that goes on only when it is read, and when something is built. */
#include "kernels/tests/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>

#include "harness/worker/timings.h"
#include "support.h"

/* ---- what the library is given instead of the system's ---- */

static uint64_t now_ns = 1000;
static uint64_t reading_ns;
static unsigned readings;

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	now_ns += reading_ns;
	readings++;
	time->tv_sec = (time_t)(now_ns / 1000000000);
	time->tv_nsec = (long)(now_ns % 1000000000);
	return 0;
}

static bool no_memory;

void *__real_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	return no_memory ? MAP_FAILED : __real_mmap(start, bytes, protection, flags, fd, offset);
}

/* ---- a benchmark ---- */

static struct timings timings;

static void prepare(uint64_t iterations, unsigned values, double clock_ns)
{
	assert_true(timings_prepare(&timings, iterations, values, clock_ns));
}

/* What build number i (from 0) takes. */
typedef uint64_t build_ns(uint64_t i);

static void run(uint64_t iterations, unsigned values, double clock_ns, build_ns *takes)
{
	uint64_t built = 0;

	prepare(iterations, values, clock_ns);
	for (unsigned value = 0; value < values; value++) {
		/* What the benchmark does between values is in no timing. */
		now_ns += 1000000;
		timings_begin_value(&timings);
		for (uint64_t i = 0; i < iterations; i++) {
			timings_begin_build(&timings);
			now_ns += takes(built++);
			timings_end_build(&timings);
		}
	}
}

static uint64_t total(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < timings.count; i++)
		sum += timings.ns[i];
	return sum;
}

static uint64_t build_of_1000(uint64_t i)
{
	(void)i;
	return 1000;
}

static uint64_t growing(uint64_t i)
{
	return 10000 + i;
}

static uint64_t last_eight_are_fast(uint64_t i)
{
	return i < 40 ? 1000 : 900;
}

static uint64_t tenth_is_slow(uint64_t i)
{
	return i % 10 == 9 ? 30000 : 10000;
}

static uint64_t first_is_slow(uint64_t i)
{
	return i == 0 ? 50000 : 100;
}

/* ---- tests ---- */

static void what_reading_the_clock_takes_is_found(void **state)
{
	static const uint64_t costs[] = {1, 25, 1400};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(costs); i++) {
		reading_ns = costs[i];
		assert_true(timings_clock_ns() == (double)costs[i]);
	}
	reading_ns = 0;
}

static void each_build_has_a_timing_of_its_own(void **state)
{
	(void)state;
	run(50, 3, 25, growing);
	assert_int_equal(timings.count, 150);
	assert_int_equal(timings.batch, 1);
	for (uint64_t i = 0; i < 150; i++)
		assert_int_equal(timings.ns[i], 10000 + i);
}

/* One for each build, and one for the beginning of each value. */
static void the_clock_is_read_once_for_each_timing(void **state)
{
	(void)state;
	readings = 0;
	run(50, 3, 25, growing);
	assert_int_equal(readings, 150 + 3);
	readings = 0;
	run(80, 2, 40, build_of_1000);
	assert_int_equal(timings.batch, 8);
	/* Of 1, 2 and 4 builds one that was too short each. */
	assert_int_equal(readings, 2 + 3 + timings.count);
}

static void a_batch_is_what_the_clock_is_a_two_hundredth_of(void **state)
{
	static const struct {
		double clock_ns;
		uint64_t batch;
	} cases[] = {{0, 1},  {4.995, 1},  {5, 1},     {5.005, 2},
		     {10, 2}, {10.005, 4}, {19.95, 4}, {500, 128}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		run(1000, 2, cases[i].clock_ns, build_of_1000);
		assert_int_equal(timings.batch, cases[i].batch);
		for (size_t t = 0; t < timings.count; t++)
			assert_int_equal(timings.ns[t], 1000 * cases[i].batch);
		/* All but those of the search, and what fills no batch at a value's end. */
		assert_true(timings.count * timings.batch + 2 * timings.batch + 2 * timings.batch >=
			    2000);
		timings_sort(&timings);
		assert_true(timings_quantile(&timings, 0.5) == 1000);
	}
}

static void a_batch_is_never_more_than_a_value(void **state)
{
	(void)state;
	run(3, 25, 1000, build_of_1000);
	assert_int_equal(timings.batch, 3);
	/* All values but the first, in which it was found. */
	assert_int_equal(timings.count, 24);
	run(1, 1, 1000, build_of_1000);
	assert_int_equal(timings.batch, 1);
	assert_int_equal(timings.count, 1);
}

/* Or a single interruption at the start would make each timing one of the clock. */
static void a_slow_first_build_does_not_hide_that_the_batch_is_too_small(void **state)
{
	(void)state;
	run(1000, 2, 12.5, first_is_slow);
	assert_int_equal(timings.batch, 32);
	timings_sort(&timings);
	assert_true(timings_quantile(&timings, 1) == 100);
}

static void a_short_timing_later_on_is_kept(void **state)
{
	(void)state;
	prepare(100, 1, 12.5);
	for (int i = 0; i < TIMINGS_SETTLING; i++)
		timings_add(&timings, 2500);
	timings_add(&timings, 2499);
	assert_int_equal(timings.batch, 1);
	assert_int_equal(timings.count, TIMINGS_SETTLING + 1);
}

static void without_a_timing_of_builds_the_values_are_timings(void **state)
{
	static const double values[] = {1000, 1000, 950};

	(void)state;
	/* The last batch is too short, and there are no more builds for a larger one. */
	run(16, 3, 40, last_eight_are_fast);
	assert_int_equal(timings.count, 0);
	timings_end(&timings, values, 3);
	assert_int_equal(timings.count, 3);
	assert_int_equal(timings.batch, 16);
	assert_int_equal(total(), 16000 + 16000 + 15200);
	assert_true(timings_quantile(&timings, 0) == 1000);

	run(50, 3, 25, growing);
	timings_end(&timings, values, 3);
	assert_int_equal(timings.count, 150);

	timings = (struct timings){0};
	timings_end(&timings, values, 3);
	assert_int_equal(timings.count, 0);
}

static void however_many_builds_none_is_lost_and_the_room_is_bounded(void **state)
{
	static const uint64_t iterations[] = {TIMINGS_MOST / 2 - 1, TIMINGS_MOST / 2, TIMINGS_MOST,
					      100003};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(iterations); i++) {
		run(iterations[i], 2, 0, build_of_1000);
		assert_true(timings.room <= TIMINGS_MOST);
		assert_true(timings.count < timings.room);
		assert_true(timings.count >= iterations[i] * 2 / timings.batch - 2);
		assert_int_equal(total(), timings.count * timings.batch * 1000);
	}
	run(1, TIMINGS_MOST / 128, 0, build_of_1000);
	assert_int_equal(timings.batch, 1);
	assert_int_equal(timings.count, TIMINGS_MOST / 128);
}

static void without_memory_there_are_no_timings_and_no_failure(void **state)
{
	(void)state;
	no_memory = true;
	assert_false(timings_prepare(&timings, 100, 3, 25));
	no_memory = false;
	readings = 0;
	timings_begin_value(&timings);
	for (int i = 0; i < 1000; i++) {
		timings_begin_build(&timings);
		timings_end_build(&timings);
	}
	timings_sort(&timings);
	assert_int_equal(timings.count, 0);
	assert_int_equal(readings, 1);
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a;
	const uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void sorting_is_that_of_the_c_library(void **state)
{
	uint64_t oracle[1000] = {0};
	uint64_t random = 88172645463325252; /* xorshift64 (Marsaglia 2003) */

	(void)state;
	for (size_t count = 1; count <= COUNT_OF(oracle); count += count < 20 ? 1 : 97) {
		prepare(COUNT_OF(oracle), 1, 0);
		for (size_t i = 0; i < count; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			oracle[i] = random % (2 * count);
			timings_add(&timings, oracle[i]);
		}
		qsort(oracle, count, sizeof *oracle, compare);
		timings_sort(&timings);
		assert_int_equal(timings.count, count);
		assert_memory_equal(timings.ns, oracle, count * sizeof *oracle);
	}
}

/* numpy.quantile of [10, 20, 30, 40] and of [10], which are halved as there are two builds in each.
 */
static void quantiles_are_those_of_numpy(void **state)
{
	static const struct {
		double share;
		double of_four;
	} cases[] = {{0, 10},      {0.05, 11.5}, {0.25, 17.5}, {0.5, 25},
		     {0.75, 32.5}, {0.95, 38.5}, {0.99, 39.7}, {1, 40}};

	(void)state;
	prepare(100, 1, 0);
	timings.batch = 2;
	timings_add(&timings, 10);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_true(timings_quantile(&timings, cases[i].share) == 5);
	for (uint64_t ns = 40; ns >= 20; ns -= 10)
		timings_add(&timings, ns);
	timings_sort(&timings);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const double off =
			timings_quantile(&timings, cases[i].share) - cases[i].of_four / 2;

		assert_true(off < 1e-9 && off > -1e-9);
	}
}

static void a_slow_build_in_ten_is_above_the_quartiles_and_below_the_tail(void **state)
{
	(void)state;
	run(100, 3, 25, tenth_is_slow);
	timings_sort(&timings);
	assert_true(timings_quantile(&timings, 0.25) == 10000);
	assert_true(timings_quantile(&timings, 0.75) == 10000);
	assert_true(timings_quantile(&timings, 0.95) == 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_reading_the_clock_takes_is_found),
		cmocka_unit_test(each_build_has_a_timing_of_its_own),
		cmocka_unit_test(the_clock_is_read_once_for_each_timing),
		cmocka_unit_test(a_batch_is_what_the_clock_is_a_two_hundredth_of),
		cmocka_unit_test(a_batch_is_never_more_than_a_value),
		cmocka_unit_test(a_slow_first_build_does_not_hide_that_the_batch_is_too_small),
		cmocka_unit_test(a_short_timing_later_on_is_kept),
		cmocka_unit_test(without_a_timing_of_builds_the_values_are_timings),
		cmocka_unit_test(however_many_builds_none_is_lost_and_the_room_is_bounded),
		cmocka_unit_test(without_memory_there_are_no_timings_and_no_failure),
		cmocka_unit_test(sorting_is_that_of_the_c_library),
		cmocka_unit_test(quantiles_are_those_of_numpy),
		cmocka_unit_test(a_slow_build_in_ten_is_above_the_quartiles_and_below_the_tail),
	};

	return cmocka_run_group_tests_name("timings", tests, NULL, NULL);
}
