#include "kernels/tests/cmocka_headers.h"

#include <pthread.h>
#include <stdlib.h>

#include "harness/trace/blocks.h"
#include "harness/trace/tests/failing_map.h"

static void reset(size_t count)
{
	assert_true(blocks_reset(count));
	assert_int_equal(blocks_count(), 0);
}

static void insert(uintptr_t address, size_t requested)
{
	const struct block block = {address, requested, requested + 8};
	struct block replaced;

	assert_int_equal(blocks_insert(&block, &replaced), BLOCKS_ADDED);
}

static bool take_out(uintptr_t address, struct block *block)
{
	return blocks_remove((const void *)address, block);
}

static void what_goes_in_comes_out_once(void **state)
{
	struct block block;

	(void)state;
	reset(0);
	assert_false(blocks_any());
	assert_false(take_out(0x1000, &block));
	insert(0x1000, 5);
	insert(0x1010, 6);
	assert_true(blocks_any());
	assert_int_equal(blocks_count(), 2);
	assert_true(take_out(0x1000, &block));
	assert_int_equal(block.address, 0x1000);
	assert_int_equal(block.requested_bytes, 5);
	assert_int_equal(block.usable_bytes, 13);
	assert_false(take_out(0x1000, &block));
	assert_true(take_out(0x1010, &block));
	assert_int_equal(blocks_count(), 0);
}

static void a_second_block_at_an_address_replaces_the_first(void **state)
{
	const struct block second = {0x2000, 9, 10};
	struct block block;

	(void)state;
	reset(0);
	insert(0x2000, 7);
	assert_int_equal(blocks_insert(&second, &block), BLOCKS_REPLACED);
	assert_int_equal(block.requested_bytes, 7);
	assert_int_equal(blocks_count(), 1);
	assert_true(take_out(0x2000, &block));
	assert_int_equal(block.requested_bytes, 9);
}

static void a_reset_forgets_all(void **state)
{
	struct block block;

	(void)state;
	reset(0);
	for (uintptr_t i = 1; i <= 1000; i++)
		insert(i * 16, i);
	reset(100);
	assert_false(blocks_any());
	assert_false(take_out(16, &block));
}

static void room_that_cannot_be_had_is_refused(void **state)
{
	struct block block;

	(void)state;
	assert_false(blocks_reset(SIZE_MAX));
	assert_int_equal(blocks_count(), 0);
	assert_false(take_out(0x1000, &block));
	/* It goes on with what it can have. */
	insert(0x1000, 1);
	assert_true(take_out(0x1000, &block));
}

/* Random insertions and removals among `count` addresses, against a plain array. */
static void agree_with_a_model(uintptr_t first, size_t stride, size_t count)
{
	size_t *requested = calloc(count, sizeof *requested); /* 0: not there */
	size_t live = 0;
	uint64_t random = 88172645463325252U;

	assert_non_null(requested);
	reset(0);
	for (size_t step = 1; step <= 20 * count; step++) {
		struct block block;
		size_t i;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		i = random % count;
		if (requested[i] == 0) {
			insert(first + i * stride, step);
			requested[i] = step;
			live++;
			continue;
		}
		assert_true(take_out(first + i * stride, &block));
		assert_int_equal(block.requested_bytes, requested[i]);
		assert_int_equal(block.address, first + i * stride);
		requested[i] = 0;
		live--;
	}
	assert_int_equal(blocks_count(), live);
	for (size_t i = 0; i < count; i++) {
		struct block block;

		assert_int_equal(take_out(first + i * stride, &block), requested[i] != 0);
	}
	assert_int_equal(blocks_count(), 0);
	free(requested);
}

/* Dense blocks overflow the slots of their page, far ones share slots; both force growth. */
static void any_order_of_any_addresses_is_kept(void **state)
{
	(void)state;
	agree_with_a_model(0x7f0000000000, 1, 3000);
	agree_with_a_model(0x7f0000000008, 8, 5000);
	agree_with_a_model(0x555500000010, 16, 20000);
	agree_with_a_model(0x555500000010, 96, 20000);
	agree_with_a_model(0x7f0000000010, 4096, 20000);
	agree_with_a_model(0x7f0000000000, (size_t)1 << 21, 20000);
	agree_with_a_model(UINTPTR_MAX - 16000 * 16, 16, 15000);
}

/* More than a table that was made for none has room for. */
#define MANY ((uintptr_t)30000)

/* Inserts that many with the nth mapping failing, and looks for each. Returns how many had no
 * room. */
static size_t insert_without_memory(unsigned nth, bool all)
{
	static bool added[MANY];
	size_t refused = 0;

	reset(0);
	failing_map_fail(nth, all);
	for (uintptr_t i = 0; i < MANY; i++) {
		const struct block block = {0x10000 + i * 16, i + 1, i + 2};
		struct block replaced;

		added[i] = blocks_insert(&block, &replaced) == BLOCKS_ADDED;
		refused += !added[i];
	}
	failing_map_fail(0, false);
	assert_int_equal(blocks_count(), MANY - refused);
	for (uintptr_t i = 0; i < MANY; i++) {
		struct block block;

		assert_int_equal(take_out(0x10000 + i * 16, &block), added[i]);
		if (added[i])
			assert_int_equal(block.requested_bytes, i + 1);
	}
	assert_int_equal(blocks_count(), 0);
	return refused;
}

static void a_table_that_cannot_grow_keeps_what_it_has(void **state)
{
	unsigned growths = 0;

	(void)state;
	while (insert_without_memory(growths + 1, false) > 0)
		growths++;
	assert_true(growths > 1);
	for (unsigned nth = 1; nth <= growths; nth++)
		assert_true(insert_without_memory(nth, true) >= growths - nth + 1);
}

static void a_reset_without_memory_leaves_an_empty_table(void **state)
{
	unsigned nth = 0;
	bool done = false;

	(void)state;
	while (!done) {
		insert(0x10000, 1);
		failing_map_fail(++nth, false);
		done = blocks_reset(0);
		assert_int_equal(failing_map_failed(), done ? 0 : 1);
		failing_map_fail(0, false);
		assert_int_equal(blocks_count(), 0);
		assert_false(blocks_any());
		for (uintptr_t i = 0; i < 1000; i++)
			insert(0x10000 + i * 1024, 1);
		assert_int_equal(blocks_count(), 1000);
		reset(0);
	}
	assert_true(nth > 2);
}

#define THREADS 4
#define THREAD_BLOCKS ((uintptr_t)20000)

/* Each thread's blocks lie between those of the others. */
static void *insert_and_remove(void *data)
{
	const uintptr_t first = 0x10000 + (uintptr_t)data * 16;
	uintptr_t wrong = 0;

	for (int round = 0; round < 3; round++) {
		for (uintptr_t i = 0; i < THREAD_BLOCKS; i++) {
			const struct block block = {first + i * 16 * THREADS, i + 1, i + 1};
			struct block replaced;

			wrong += blocks_insert(&block, &replaced) != BLOCKS_ADDED;
		}
		for (uintptr_t i = 0; i < THREAD_BLOCKS; i++) {
			struct block block = {0};

			wrong += !blocks_remove((const void *)(first + i * 16 * THREADS), &block) ||
				 block.requested_bytes != i + 1;
		}
	}
	return (void *)wrong;
}

static void threads_do_not_disturb_each_other(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	reset(0);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, insert_and_remove, (void *)i),
				 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	assert_int_equal(blocks_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out_once),
		cmocka_unit_test(a_second_block_at_an_address_replaces_the_first),
		cmocka_unit_test(a_reset_forgets_all),
		cmocka_unit_test(room_that_cannot_be_had_is_refused),
		cmocka_unit_test(a_table_that_cannot_grow_keeps_what_it_has),
		cmocka_unit_test(a_reset_without_memory_leaves_an_empty_table),
		cmocka_unit_test(any_order_of_any_addresses_is_kept),
		cmocka_unit_test(threads_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
