#include "kernels/tests/cmocka_headers.h"

#include <string.h>

#include "harness/trace/ranges.h"
#include "harness/trace/tests/failing_map.h"

#define PLACES ((uintptr_t)500)

/* The same set, an address a bool. */
struct model {
	bool in[PLACES];
};

static size_t set(struct model *model, uintptr_t start, uintptr_t end, bool in)
{
	size_t changed = 0;

	for (uintptr_t i = start; i < end; i++) {
		changed += model->in[i] != in;
		model->in[i] = in;
	}
	return changed;
}

static bool all_in(const struct model *model, uintptr_t start, uintptr_t end)
{
	for (uintptr_t i = start; i < end; i++)
		if (!model->in[i])
			return false;
	return true;
}

/* Each run of addresses is one range, in order. */
static void assert_same(const struct ranges *ranges, const struct model *model)
{
	size_t runs = 0;

	for (uintptr_t i = 0; i < PLACES; i++) {
		if (!model->in[i] || (i > 0 && model->in[i - 1]))
			continue;
		assert_in_range(runs, 0, ranges->count - 1);
		assert_int_equal(ranges->items[runs].start, i);
		while (i < PLACES && model->in[i])
			i++;
		assert_int_equal(ranges->items[runs].end, i);
		runs++;
	}
	assert_int_equal(ranges->count, runs);
}

static void random_changes_agree_with_a_model(uintptr_t longest)
{
	static struct ranges ranges;
	struct model model = {{false}};
	uint64_t random = 88172645463325252U;

	ranges_clear(&ranges);
	for (int step = 0; step < 20000; step++) {
		uintptr_t start;
		uintptr_t end;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		start = random % PLACES;
		end = start + (random >> 20) % (longest + 1);
		end = end > PLACES ? PLACES : end;
		assert_int_equal(ranges_contain(&ranges, start, end), all_in(&model, start, end));
		if ((random >> 40) % 2 == 0)
			assert_int_equal(ranges_add(&ranges, start, end),
					 set(&model, start, end, true));
		else
			assert_int_equal(ranges_remove(&ranges, start, end),
					 set(&model, start, end, false));
		assert_same(&ranges, &model);
	}
}

static void few_long_ranges_are_kept(void **state)
{
	(void)state;
	random_changes_agree_with_a_model(100);
}

static void many_short_ranges_are_kept(void **state)
{
	(void)state;
	random_changes_agree_with_a_model(3);
}

static void it_grows_as_needed(void **state)
{
	struct ranges ranges = {0};

	(void)state;
	for (uintptr_t i = 0; i < 10000; i++)
		assert_int_equal(ranges_add(&ranges, 2 * i, 2 * i + 1), 1);
	assert_int_equal(ranges.count, 10000);
	assert_int_equal(ranges_add(&ranges, 0, 20000), 10000);
	assert_int_equal(ranges.count, 1);
}

/* Adds ranges that do not touch with the nth mapping failing. Returns how many had no room. */
static size_t add_without_memory(unsigned nth, bool all)
{
	static bool added[1000];
	struct ranges ranges = {0};
	size_t refused = 0;

	failing_map_fail(nth, all);
	for (uintptr_t i = 0; i < 1000; i++) {
		added[i] = ranges_add(&ranges, 4 * i, 4 * i + 2) == 2;
		refused += !added[i];
	}
	failing_map_fail(0, false);
	assert_int_equal(ranges.incomplete, refused > 0);
	assert_int_equal(ranges.count, 1000 - refused);
	for (uintptr_t i = 0; i < 1000; i++)
		assert_int_equal(ranges_contain(&ranges, 4 * i, 4 * i + 2), added[i]);
	ranges_clear(&ranges);
	assert_false(ranges.incomplete);
	return refused;
}

static void a_set_that_cannot_grow_keeps_what_it_has(void **state)
{
	unsigned growths = 0;

	(void)state;
	while (add_without_memory(growths + 1, false) > 0)
		growths++;
	assert_int_equal(growths, 3); /* to 256, 512 and 1024 */
	assert_int_equal(add_without_memory(1, true), 1000);
	assert_int_equal(add_without_memory(2, true), 1000 - 256);
	assert_int_equal(add_without_memory(3, true), 1000 - 512);
}

static void a_full_set_without_memory_is_not_split_but_can_shrink(void **state)
{
	struct ranges ranges = {0};

	(void)state;
	for (uintptr_t i = 0; i < 256; i++)
		assert_int_equal(ranges_add(&ranges, 10 * i, 10 * i + 9), 9);
	failing_map_fail(1, true);
	assert_int_equal(ranges_remove(&ranges, 3, 5), 0);
	assert_true(ranges.incomplete);
	assert_true(ranges_contain(&ranges, 0, 9));
	assert_int_equal(ranges_remove(&ranges, 0, 3), 3);
	assert_int_equal(ranges_add(&ranges, 9, 20), 2);
	assert_int_equal(ranges.count, 254);
	assert_int_equal(ranges_remove(&ranges, 12, 15), 3);
	assert_int_equal(ranges.count, 255);
	failing_map_fail(0, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_long_ranges_are_kept),
		cmocka_unit_test(many_short_ranges_are_kept),
		cmocka_unit_test(it_grows_as_needed),
		cmocka_unit_test(a_set_that_cannot_grow_keeps_what_it_has),
		cmocka_unit_test(a_full_set_without_memory_is_not_split_but_can_shrink),
	};

	return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
