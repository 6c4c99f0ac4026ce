#include "kernels/tests/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "harness/trace/bootstrap.h"

/* In this order: the arena is never emptied. */

static void blocks_are_zeroed_aligned_and_apart(void **state)
{
	unsigned char *last = NULL;

	(void)state;
	for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
		unsigned char *block = bootstrap_allocate(alignment + 3, alignment);

		assert_non_null(block);
		assert_int_equal((uintptr_t)block % alignment, 0);
		assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < alignment + 3; i++)
			assert_int_equal(block[i], 0);
		memset(block, 0xff, alignment + 3);
		assert_int_equal(bootstrap_bytes(block), alignment + 3);
		assert_true(block > last);
		last = block + alignment + 2;
	}
}

static void it_knows_its_own(void **state)
{
	char *block = bootstrap_allocate(0, 1);
	void *other = malloc(1);

	(void)state;
	assert_non_null(block);
	assert_true(bootstrap_owns(block));
	assert_int_equal(bootstrap_bytes(block), 0);
	assert_false(bootstrap_owns(other));
	assert_false(bootstrap_owns(NULL));
	assert_false(bootstrap_owns(&block));
	free(other);
}

static void what_does_not_fit_is_refused(void **state)
{
	(void)state;
	assert_null(bootstrap_allocate(SIZE_MAX, 1));
	assert_null(bootstrap_allocate(SIZE_MAX - 64, 16));
	assert_null(bootstrap_allocate(1, (size_t)1 << 62));
	assert_null(bootstrap_allocate((size_t)1 << 20, 1));
	assert_non_null(bootstrap_allocate(1, 1));
}

static void it_runs_out_in_the_end(void **state)
{
	size_t count = 0;

	(void)state;
	while (count < 100000) {
		void *block = bootstrap_allocate(100, 1);

		if (block == NULL)
			break;
		assert_true(bootstrap_owns(block));
		assert_true(bootstrap_owns((char *)block + 99));
		count++;
	}
	assert_in_range(count, 1000, 99999);
	assert_null(bootstrap_allocate(100, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_zeroed_aligned_and_apart),
		cmocka_unit_test(it_knows_its_own),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(it_runs_out_in_the_end),
	};

	return cmocka_run_group_tests_name("bootstrap", tests, NULL, NULL);
}
