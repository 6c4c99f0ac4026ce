/* hardware_counter.h: what is a count, and what a machine without a counter says. */
#include <string.h>

#include "harness/worker/hardware_counter.h"
#include "kernels/tests/cmocka_headers.h"

static void test_a_shared_counter_is_no_count(void **state)
{
	struct error error;

	(void)state;
	assert_true(hardware_reading_is_whole(&(struct hardware_reading){5, 100, 100}, &error));
	assert_false(hardware_reading_is_whole(&(struct hardware_reading){5, 100, 99}, &error));
	assert_non_null(strstr(error.text, "99 of 100 ns"));
	assert_false(hardware_reading_is_whole(&(struct hardware_reading){0, 0, 0}, &error));
	assert_non_null(strstr(error.text, "never ran"));
}

/* Each turn is an instruction at least. */
static void spend(unsigned turns)
{
	for (volatile unsigned i = 0; i < turns; i++)
		;
}

static void test_pauses_are_not_counted_or_the_reason_is_told(void **state)
{
	struct hardware_counter counter;
	uint64_t count;

	(void)state;
	hardware_counter_open(&counter);
	hardware_counter_resume(&counter);
	spend(100000);
	hardware_counter_pause(&counter);
	spend(100000000);
	if (hardware_counter_take(&counter, &count)) {
		assert_in_range(count, 100000, 10000000);
		assert_true(hardware_counter_take(&counter, &count));
		assert_int_equal(count, 0);
		assert_string_equal(counter.why_not.text, "");
	} else {
		assert_true(counter.why_not.text[0] != '\0');
	}
	hardware_counter_close(&counter);
	assert_int_equal(counter.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_shared_counter_is_no_count),
		cmocka_unit_test(test_pauses_are_not_counted_or_the_reason_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
