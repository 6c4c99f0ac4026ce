#include "kernels/tests/cmocka_headers.h"

#include "harness/runner/plan/extension.h"
#include "support.h"

static void ranks_are_those_of_fair_coins(void **state)
{
	/* From 0 to 30 values: the same as interval_rank() gives. */
	static const uint64_t expected[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4,
					    4, 5, 5, 5, 6, 6, 6, 7, 7, 8, 8, 8, 9, 9, 10};

	(void)state;
	for (uint64_t count = 0; count < COUNT_OF(expected); count++)
		assert_int_equal(extension_rank(count), expected[count]);
	assert_int_equal(extension_rank(100), 40);
	assert_int_equal(extension_rank(10000), 4902);
}

static void a_step_is_where_the_interval_loses_a_value_on_each_side(void **state)
{
	static const struct {
		uint64_t rounds;
		uint64_t steps[EXTENSION_STEPS];
	} known[] = {{6, {3, 6}}, {8, {1, 4}}, {9, {3, 6}}, {10, {2, 5}}, {20, {3, 5}}};
	uint64_t steps[EXTENSION_STEPS];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		extension_steps(known[i].rounds, steps);
		assert_memory_equal(steps, known[i].steps, sizeof steps);
	}
}

static void need_is_what_the_interval_is_wider_than_two_percent(void **state)
{
	/* Of nine, the second smallest and the second largest bound it, whatever lies outside. */
	double wide[] = {200, 95, 98, 99, 100, 101, 102, 105, 1};
	double narrow[] = {100, 99, 101, 100, 100, 102, 100, 98, 100};
	double few[] = {1, 100, 200, 300, 400};
	double of_nothing[9] = {0};

	(void)state;
	assert_float_equal(extension_need(wide, COUNT_OF(wide)), 0.05 - 0.02, 1e-12);
	assert_true(extension_need(narrow, COUNT_OF(narrow)) == 0);
	assert_true(extension_need(few, COUNT_OF(few)) == 0);
	assert_true(extension_need(few, 0) == 0);
	assert_true(extension_need(of_nothing, COUNT_OF(of_nothing)) == 0);
}

static struct extension_candidate candidate(size_t block, double need, double round_ns)
{
	return (struct extension_candidate){
		.block = block, .need = need, .round_ns = round_ns, .extra_rounds = 99};
}

/* The answer for a block, wherever it stands now. */
static uint64_t extra_of(const struct extension_candidate *candidates, size_t count, size_t block)
{
	for (size_t i = 0; i < count; i++)
		if (candidates[i].block == block)
			return candidates[i].extra_rounds;
	fail_msg("block %zu is lost", block);
	return 0;
}

/* Four blocks: narrow, widest for its time, wide and cheap, wide and dear. */
static void choose_of_four(double time_ns, const uint64_t expected[4])
{
	struct extension_candidate candidates[] = {candidate(0, 0, 1), candidate(1, 0.8, 10),
						   candidate(2, 0.05, 1), candidate(3, 0.9, 40)};

	extension_choose(9, time_ns, candidates, COUNT_OF(candidates));
	for (size_t b = 0; b < COUNT_OF(candidates); b++)
		assert_int_equal(extra_of(candidates, COUNT_OF(candidates), b), expected[b]);
}

static void the_most_need_for_its_time_comes_first(void **state)
{
	(void)state;
	choose_of_four(1e9, (uint64_t[]){0, 6, 6, 6});
	/* 60 for six rounds of block 1, 6 for those of block 2, and no room for 120. */
	choose_of_four(66, (uint64_t[]){0, 6, 6, 0});
	/* The smaller step where there is no room for the larger. */
	choose_of_four(60 + 6 + 120, (uint64_t[]){0, 6, 6, 3});
	choose_of_four(59, (uint64_t[]){0, 3, 6, 0});
	/* Who has no room does not keep it from the next. */
	choose_of_four(29, (uint64_t[]){0, 0, 6, 0});
	choose_of_four(5, (uint64_t[]){0, 0, 3, 0});
}

static void without_time_nothing_is_chosen(void **state)
{
	(void)state;
	choose_of_four(0, (uint64_t[4]){0});
	choose_of_four(2.9, (uint64_t[4]){0});
	choose_of_four(-1e9, (uint64_t[4]){0});
	extension_choose(9, 1e9, (struct extension_candidate[1]){{.need = 1}}, 0);
}

static void at_equal_need_the_earlier_block_comes_first(void **state)
{
	struct extension_candidate candidates[] = {candidate(2, 0.1, 5), candidate(0, 0.1, 5),
						   candidate(1, 0.1, 5)};

	(void)state;
	extension_choose(9, 45, candidates, COUNT_OF(candidates));
	assert_int_equal(extra_of(candidates, 3, 0), 6);
	assert_int_equal(extra_of(candidates, 3, 1), 3);
	assert_int_equal(extra_of(candidates, 3, 2), 0);
}

static void one_block_alone_is_chosen_if_there_is_room(void **state)
{
	struct extension_candidate one[] = {candidate(0, 0.1, 5)};

	(void)state;
	/* The time of one round more has none. */
	extension_choose(9, 5, one, 1);
	assert_int_equal(one[0].extra_rounds, 0);
	extension_choose(9, 15, one, 1);
	assert_int_equal(one[0].extra_rounds, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_are_those_of_fair_coins),
		cmocka_unit_test(a_step_is_where_the_interval_loses_a_value_on_each_side),
		cmocka_unit_test(need_is_what_the_interval_is_wider_than_two_percent),
		cmocka_unit_test(the_most_need_for_its_time_comes_first),
		cmocka_unit_test(without_time_nothing_is_chosen),
		cmocka_unit_test(at_equal_need_the_earlier_block_comes_first),
		cmocka_unit_test(one_block_alone_is_chosen_if_there_is_room),
	};

	return cmocka_run_group_tests_name("extension", tests, NULL, NULL);
}
