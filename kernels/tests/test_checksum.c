#include "cmocka_headers.h"

#include "../checksum.h"
#include "suites.h"

static uint64_t checksum_of(const void *rows, size_t count, size_t row_bytes)
{
	struct checksum checksum = {0};

	checksum_rows(&checksum, rows, count, row_bytes);
	return checksum_value(&checksum);
}

static void two_words_by_hand(void **state)
{
	const uint64_t words[] = {1, 2};

	(void)state;
	/* sum: 1 + 2 = 3; sum of sums: 1 + 3 = 4 */
	assert_int_equal(checksum_of(words, 2, 8), UINT64_C(0x0000000300000004));
}

static void short_rows_are_padded(void **state)
{
	const unsigned char bytes[] = {1, 0, 0, 2, 0, 0};
	uint64_t words[2] = {0};

	(void)state;
	memcpy(&words[0], bytes, 3);
	memcpy(&words[1], bytes + 3, 3);
	assert_int_equal(checksum_of(bytes, 2, 3), checksum_of(words, 2, 8));
}

static void swapped_rows_differ(void **state)
{
	const uint64_t rows[] = {10, 11, 20, 21, 30, 31};
	const uint64_t swapped[] = {10, 11, 30, 31, 20, 21};

	(void)state;
	assert_int_not_equal(checksum_of(rows, 3, 16), checksum_of(swapped, 3, 16));
}

static void a_missing_row_differs(void **state)
{
	const uint64_t rows[] = {10, 11, 20, 21, 30, 31};

	(void)state;
	assert_int_not_equal(checksum_of(rows, 3, 16), checksum_of(rows, 2, 16));
	assert_int_not_equal(checksum_of(rows, 3, 16), checksum_of(rows + 2, 2, 16));
}

static void the_last_byte_counts(void **state)
{
	for (size_t row_bytes = 1; row_bytes <= 24; row_bytes++) {
		unsigned char rows[48] = {0};
		const uint64_t before = checksum_of(rows, 2, row_bytes);

		rows[2 * row_bytes - 1] = 1;
		assert_int_not_equal(checksum_of(rows, 2, row_bytes), before);
	}
	(void)state;
}

static void rows_may_come_in_pieces(void **state)
{
	const uint64_t rows[] = {10, 11, 20, 21, 30, 31};
	struct checksum checksum = {0};

	(void)state;
	checksum_rows(&checksum, (const unsigned char *)rows, 1, 16);
	checksum_rows(&checksum, (const unsigned char *)(rows + 2), 2, 16);
	assert_int_equal(checksum_value(&checksum), checksum_of(rows, 3, 16));
}

static const struct test tests[] = {
	{"two words give what they give by hand", two_words_by_hand},
	{"a short row is padded with zeros", short_rows_are_padded},
	{"two swapped rows give another value", swapped_rows_differ},
	{"a missing row gives another value", a_missing_row_differs},
	{"the last byte of the last row counts", the_last_byte_counts},
	{"it does not matter in how many pieces the rows come", rows_may_come_in_pieces},
	{0},
};

const struct suite suite_checksum = {.name = "checksum", .tests = tests};
