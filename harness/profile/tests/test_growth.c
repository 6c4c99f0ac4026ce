/* Blocks that grew, in less memory than all of them need. The rest of growth.h is held against an
 * oracle from outside: harness/tests/test_profile.py. */
#include "kernels/tests/cmocka_headers.h"

#include "harness/profile/growth.h"

enum {
	BLOCKS = 10000,
	KEPT = 100
};

/* From 1 byte to this, by one realloc. */
static uint64_t largest_of(uint64_t block)
{
	return 2 + block * 7919 % 5000;
}

static void add_block(struct growth *growth, uint64_t block)
{
	const struct profile_event event = {
		.kind = PROFILE_REALLOC,
		.stack = PROFILE_NONE,
		.old_bytes = 1,
		.bytes = largest_of(block),
	};
	uint32_t open = 0;

	/* Born in descending order. */
	assert_true(growth_realloc(growth, &event, 2 * BLOCKS, BLOCKS - block, &open));
	assert_int_not_equal(open, 0);
	assert_true(growth_block_ends(growth, open));
}

static struct growth *grown(size_t most_kept)
{
	const struct growth_settings settings = {
		.frames = 4, .least_reallocs = 1, .most_kept = most_kept};
	struct growth *growth = growth_new(NULL, &settings);

	assert_non_null(growth);
	for (uint64_t block = 0; block < BLOCKS; block++)
		add_block(growth, block);
	assert_true(growth_finish(growth));
	return growth;
}

static void all_are_kept_in_the_order_of_their_birth(void **state)
{
	struct growth *growth = grown(BLOCKS);
	uint64_t least_bytes;
	size_t count;
	const struct growth_block *blocks = growth_blocks(growth, &count, &least_bytes);

	(void)state;
	assert_int_equal(count, BLOCKS);
	assert_int_equal(least_bytes, 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(blocks[i].born, i + 1);
		assert_int_equal(blocks[i].largest_bytes, largest_of(BLOCKS - blocks[i].born));
	}
	growth_free(growth);
}

static void of_too_many_all_above_a_size_are_kept(void **state)
{
	struct growth *growth = grown(KEPT);
	uint64_t least_bytes;
	size_t count;
	size_t expected = 0;
	const struct growth_block *blocks = growth_blocks(growth, &count, &least_bytes);

	(void)state;
	assert_in_range(count, 0, KEPT);
	assert_in_range(least_bytes, 2, 8192);
	for (uint64_t block = 0; block < BLOCKS; block++)
		expected += largest_of(block) >= least_bytes;
	assert_int_equal(count, expected);
	for (size_t i = 0; i < count; i++) {
		assert_true(blocks[i].largest_bytes >= least_bytes);
		assert_true(i == 0 || blocks[i - 1].born < blocks[i].born);
	}
	/* The sums are of all. */
	assert_int_equal(growth_all(growth)->block_count, BLOCKS);
	growth_free(growth);
}

static void none_are_kept_where_none_are_wanted(void **state)
{
	struct growth *growth = grown(0);
	uint64_t least_bytes;
	size_t count;

	(void)state;
	(void)growth_blocks(growth, &count, &least_bytes);
	assert_int_equal(count, 0);
	assert_int_equal(growth_all(growth)->block_count, BLOCKS);
	assert_int_equal(growth_group_count(growth), 12); /* from 1 to 2, 4 ... 4096 */
	growth_free(growth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_kept_in_the_order_of_their_birth),
		cmocka_unit_test(of_too_many_all_above_a_size_are_kept),
		cmocka_unit_test(none_are_kept_where_none_are_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
