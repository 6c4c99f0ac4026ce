/* The oracle is a sorted array of all values. */
#include "kernels/tests/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "harness/common/median.h"
#include "harness/worker/histogram.h"
#include "support.h"

static struct histogram histogram;

enum {
	MOST_VALUES = 200000
};

static uint64_t values[MOST_VALUES];

/* splitmix64 (Steele, Lea, Flood 2014), so that a failure comes again. */
static uint64_t draw(void)
{
	static uint64_t state = 1;
	uint64_t mixed = state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

static uint64_t small(void)
{
	return draw() % 300;
}

static uint64_t uniform(void)
{
	return draw() % 1000000;
}

/* As many in each octave up to 2^40: the bound holds at every scale. */
static uint64_t log_uniform(void)
{
	return draw() >> (24 + draw() % 40);
}

/* Appends as they are: most take 30 ns, some grow, a few move the array. */
static uint64_t appends(void)
{
	const uint64_t kind = draw() % 10000;

	if (kind == 0)
		return 3000000 + draw() % 1000000;
	return kind < 50 ? 2000 + draw() % 3000 : 25 + draw() % 10;
}

static uint64_t equal(void)
{
	return 123457;
}

static const struct {
	const char *name;
	uint64_t (*draw)(void);
} distributions[] = {
	{"small", small},     {"uniform", uniform}, {"log-uniform", log_uniform},
	{"appends", appends}, {"equal", equal},
};

static const size_t counts[] = {1, 2, 3, 10, 99, 100, 999, 1000, 1001, 10000, MOST_VALUES};

static int compare_counts(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void fill(uint64_t (*next)(void), size_t count)
{
	histogram_clear(&histogram);
	for (size_t i = 0; i < count; i++) {
		values[i] = next();
		histogram_add(&histogram, values[i]);
	}
	qsort(values, count, sizeof *values, compare_counts);
}

static void assert_within(double found, double exact, double share, const char *what, size_t count)
{
	const double error = found > exact ? found - exact : exact - found;

	if (error > exact * share * (1 + 1e-12))
		fail_msg("%s, %zu values: %.17g instead of %.17g", what, count, found, exact);
}

static void percentiles_are_those_of_the_sorted_values_within_the_stated_error(void **state)
{
	static const uint32_t millionths[] = {1,      1000,   500000, 900000,
					      990000, 999000, 999900, 1000000};

	(void)state;
	for (size_t d = 0; d < COUNT_OF(distributions); d++) {
		for (size_t c = 0; c < COUNT_OF(counts); c++) {
			fill(distributions[d].draw, counts[c]);
			for (size_t p = 0; p < COUNT_OF(millionths); p++) {
				size_t rank = (counts[c] * millionths[p] + 999999) / 1000000;
				uint64_t exact = values[rank - 1];
				uint64_t found = histogram_percentile(&histogram, millionths[p]);

				assert_within((double)found, (double)exact,
					      exact < 256 ? 0 : HISTOGRAM_ERROR_SHARE,
					      distributions[d].name, counts[c]);
				assert_true(found <= histogram.max);
			}
		}
	}
}

static void total_maximum_and_count_are_exact(void **state)
{
	(void)state;
	for (size_t d = 0; d < COUNT_OF(distributions); d++) {
		for (size_t c = 0; c < COUNT_OF(counts); c++) {
			uint64_t total = 0;

			fill(distributions[d].draw, counts[c]);
			for (size_t i = 0; i < counts[c]; i++)
				total += values[i];
			assert_int_equal(histogram.count, counts[c]);
			assert_int_equal(histogram.total, total);
			assert_int_equal(histogram.max, values[counts[c] - 1]);
		}
	}
}

static void the_slowest_share_is_that_of_the_sorted_values(void **state)
{
	(void)state;
	for (size_t d = 0; d < COUNT_OF(distributions); d++) {
		for (size_t c = 0; c < COUNT_OF(counts); c++) {
			size_t slowest = (counts[c] + 999) / 1000;
			uint64_t sum = 0;
			double exact;

			fill(distributions[d].draw, counts[c]);
			for (size_t i = 0; i < slowest; i++)
				sum += values[counts[c] - 1 - i];
			if (histogram.total == 0)
				continue;
			exact = (double)sum / (double)histogram.total;
			/* Of a single one, nothing is estimated. */
			assert_within(histogram_slowest_share(&histogram), exact,
				      slowest == 1 ? 1e-12 : 2 * HISTOGRAM_ERROR_SHARE,
				      distributions[d].name, counts[c]);
		}
	}
}

static void a_bin_that_counts_in_part_gives_its_mean(void **state)
{
	const double slowest = 5000;
	/* Of width 8 are the bins from 1024 on: 1024 to 1031 are one. */
	const double mean = (1024 + 1031 + 1031) / 3.0;

	(void)state;
	histogram_clear(&histogram);
	for (int i = 0; i < 1996; i++)
		histogram_add(&histogram, 10);
	histogram_add(&histogram, 1024);
	histogram_add(&histogram, 1031);
	histogram_add(&histogram, 1031);
	histogram_add(&histogram, 5000);
	assert_within(histogram_slowest_share(&histogram),
		      (slowest + mean) / (double)(1996 * 10 + 1024 + 2 * 1031 + 5000), 1e-12,
		      "partial", 2000);
}

/* Bins follow one another, none is skipped, and the largest value has the last. */
static void every_value_has_a_bin_and_every_bin_its_values(void **state)
{
	size_t last = 0;

	(void)state;
	for (uint64_t value = 0; value < 1 << 16; value++) {
		const size_t bin = histogram_bin(value);

		if (bin != last && bin != last + 1)
			fail_msg("%zu after bin %zu", bin, last);
		last = bin;
	}
	for (unsigned bit = 8; bit < 64; bit++) {
		const uint64_t power = (uint64_t)1 << bit;

		assert_int_equal(histogram_bin(power), histogram_bin(power - 1) + 1);
	}
	assert_int_equal(histogram_bin(UINT64_MAX), HISTOGRAM_BINS - 1);
}

static void the_longest_duration_is_kept_as_it_is(void **state)
{
	(void)state;
	histogram_clear(&histogram);
	histogram_add(&histogram, UINT64_MAX);
	assert_int_equal(histogram.max, UINT64_MAX);
	assert_within((double)histogram_percentile(&histogram, 500000), (double)UINT64_MAX,
		      HISTOGRAM_ERROR_SHARE, "longest", 1);
}

static void without_values_all_is_zero(void **state)
{
	(void)state;
	memset(&histogram, 0x55, sizeof histogram);
	histogram_clear(&histogram);
	assert_int_equal(histogram_percentile(&histogram, 500000), 0);
	assert_true(histogram_slowest_share(&histogram) == 0);
	/* Values that are all zero are something else, but have no shares either. */
	histogram_add(&histogram, 0);
	assert_int_equal(histogram.count, 1);
	assert_int_equal(histogram_percentile(&histogram, 1000000), 0);
	assert_true(histogram_slowest_share(&histogram) == 0);
}

static void the_median_is_the_middle_value_or_the_mean_of_two(void **state)
{
	double odd[] = {3, 1, 2};
	double even[] = {4, 1, 3, 2};
	double one[] = {7};
	double same[] = {5, 5, 5, 1, 5};

	(void)state;
	assert_true(median(odd, 3) == 2);
	assert_true(odd[0] == 1 && odd[1] == 2 && odd[2] == 3);
	assert_true(median(even, 4) == 2.5);
	assert_true(median(one, 1) == 7);
	assert_true(median(same, 5) == 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			percentiles_are_those_of_the_sorted_values_within_the_stated_error),
		cmocka_unit_test(total_maximum_and_count_are_exact),
		cmocka_unit_test(the_slowest_share_is_that_of_the_sorted_values),
		cmocka_unit_test(a_bin_that_counts_in_part_gives_its_mean),
		cmocka_unit_test(every_value_has_a_bin_and_every_bin_its_values),
		cmocka_unit_test(the_longest_duration_is_kept_as_it_is),
		cmocka_unit_test(without_values_all_is_zero),
		cmocka_unit_test(the_median_is_the_middle_value_or_the_mean_of_two),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
