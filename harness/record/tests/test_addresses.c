#include "kernels/tests/cmocka_headers.h"

#include <stdlib.h>

#include "harness/record/addresses.h"
#include "harness/common/random.h"

enum {
	PLACES = 5000,
	STEPS = 400000
};

/* Addresses as allocators give them, next to each other and far apart. */
static uint64_t address_of(size_t place)
{
	return 0x555500000000 + (place % 3 == 0 ? place * 4096 : place * 16);
}

static void it_agrees_with_an_array(void **state)
{
	static uint32_t blocks[PLACES];
	struct addresses addresses = {.mask = 0};
	uint64_t seed = 1;
	size_t live = 0;

	(void)state;
	memset(blocks, 0xff, sizeof blocks);
	for (uint32_t i = 0; i < STEPS; i++) {
		const size_t place = (size_t)random_below(&seed, PLACES);

		assert_int_equal(addresses_get(&addresses, address_of(place)), blocks[place]);
		if (blocks[place] == ADDRESSES_NONE) {
			assert_true(addresses_put(&addresses, address_of(place), i));
			blocks[place] = i;
			live++;
		} else {
			assert_int_equal(addresses_take(&addresses, address_of(place)),
					 blocks[place]);
			blocks[place] = ADDRESSES_NONE;
			live--;
		}
		assert_int_equal(addresses.used, live);
	}
	for (size_t place = 0; place < PLACES; place++)
		assert_int_equal(addresses_take(&addresses, address_of(place)), blocks[place]);
	assert_int_equal(addresses.used, 0);
	addresses_release(&addresses);
}

static void nothing_is_in_an_empty_one(void **state)
{
	struct addresses addresses = {.mask = 0};

	(void)state;
	assert_int_equal(addresses_get(&addresses, 16), ADDRESSES_NONE);
	assert_int_equal(addresses_take(&addresses, 16), ADDRESSES_NONE);
	addresses_release(&addresses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_agrees_with_an_array),
		cmocka_unit_test(nothing_is_in_an_empty_one),
	};

	return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
