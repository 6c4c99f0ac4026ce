#include "cmocka_headers.h"

#include <stdbool.h>
#include <string.h>

#include "../checksum.h"
#include "rows.h"
#include "suites.h"

static void names_are_those_of_the_enum(void **state)
{
	(void)state;
	assert_string_equal(row_work_names[ROW_WORK_CHEAP], "cheap");
	assert_string_equal(row_work_names[ROW_WORK_RANDOM], "random");
	assert_null(row_work_names[ROW_WORK_RANDOM + 1]);
}

/* In as many bytes as there are, the low ones first; none behind it is zero. */
static void cheap_rows_are_numbered(void **state)
{
	static const size_t sizes[] = {1, 7, 8, 20, 1000};

	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		struct rows rows;

		rows_init(&rows, sizes[s], ROW_WORK_CHEAP);
		for (uint64_t number = 0; number < 300; number++) {
			const unsigned char *row = row_source_next(&rows.source);

			for (size_t i = 0; i < sizes[s]; i++)
				assert_int_equal(row[i], i < sizeof number
								 ? number >> (8 * i) & 0xff
								 : i % 251 + 1);
		}
	}
}

/* Fills what belongs to no row with a guard, or asserts that it is still there. */
static void guard(struct rows *rows, bool set)
{
	const size_t row_bytes = rows->source.row_bytes;
	const size_t slot_bytes = rows->source.slot_bytes;
	const size_t used = row_source_buffer_bytes(row_bytes);

	for (size_t i = 0; i < sizeof rows->buffer; i++) {
		if (i < used && i % slot_bytes < row_bytes)
			continue;
		if (set)
			rows->buffer[i] = 0xee;
		else
			assert_int_equal(rows->buffer[i], 0xee);
	}
}

static void a_source_writes_nothing_but_its_rows(void **state)
{
	static const size_t sizes[] = {1, 3, 7, 8, 21, 64, 80, 512, 513, 5000};
	struct rows rows;

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (int work = ROW_WORK_CHEAP; work <= ROW_WORK_RANDOM; work++) {
			assert_true(row_source_buffer_bytes(sizes[i]) <= sizeof rows.buffer);
			rows_init(&rows, sizes[i], (enum row_work)work);
			guard(&rows, true);
			for (unsigned row = 0; row < 20; row++)
				(void)row_source_next(&rows.source);
			row_source_rewind(&rows.source);
			guard(&rows, false);
		}
	}
}

static void a_small_row_was_written_before_the_call_that_hands_it_out(void **state)
{
	struct rows rows;
	unsigned char before[MOST_ROW_BYTES];

	(void)state;
	rows_init(&rows, 80, ROW_WORK_CHEAP);
	for (unsigned number = 0; number < 20; number++) {
		const unsigned char *row;

		memcpy(before, rows.buffer, sizeof before);
		row = row_source_next(&rows.source);
		assert_memory_equal(row, before + (row - rows.buffer), 80);
	}
}

static void random_numbers_are_splitmix64(void **state)
{
	/* The published first results for the state 1234567. */
	static const uint64_t expected[] = {
		UINT64_C(6457827717110365317),
		UINT64_C(3203168211198807973),
		UINT64_C(9817491932198370423),
	};
	struct rows rows;
	double drawn[3];

	(void)state;
	rows_init(&rows, sizeof drawn, ROW_WORK_RANDOM);
	rows.source.random_state = 1234567;
	memcpy(drawn, row_source_next(&rows.source), sizeof drawn);
	for (size_t i = 0; i < 3; i++)
		assert_true(drawn[i] == (double)(expected[i] >> 11) / 9007199254740992.0);
}

static void random_doubles_lie_between_0_and_1(void **state)
{
	double sum = 0.0;
	struct rows rows;

	(void)state;
	rows_init(&rows, 80, ROW_WORK_RANDOM);
	for (size_t row = 0; row < 1000; row++) {
		double drawn[10];

		memcpy(drawn, row_source_next(&rows.source), sizeof drawn);
		for (size_t i = 0; i < 10; i++) {
			assert_true(drawn[i] >= 0.0 && drawn[i] < 1.0);
			sum += drawn[i];
		}
	}
	/* The mean of 10,000 has a standard deviation of 0.003. */
	assert_true(sum / 10000 > 0.485 && sum / 10000 < 0.515);
}

static void random_rows_are_drawn_to_the_last_byte(void **state)
{
	bool differs[21] = {false};
	unsigned char first[21];
	struct rows rows;

	(void)state;
	rows_init(&rows, 21, ROW_WORK_RANDOM);
	memcpy(first, row_source_next(&rows.source), 21);
	for (size_t row = 0; row < 20; row++) {
		const unsigned char *next = row_source_next(&rows.source);

		for (size_t i = 0; i < 21; i++)
			differs[i] = differs[i] || next[i] != first[i];
	}
	/* The top bytes of a double in [0, 1) may well repeat, those of the tail may not. */
	for (size_t i = 16; i < 21; i++)
		assert_true(differs[i]);
}

static void a_rewound_source_repeats_itself(void **state)
{
	(void)state;
	for (int work = 0; row_work_names[work] != NULL; work++) {
		unsigned char first[2][24];
		struct rows rows;

		rows_init(&rows, 24, (enum row_work)work);
		memcpy(first[0], row_source_next(&rows.source), 24);
		memcpy(first[1], row_source_next(&rows.source), 24);
		assert_memory_not_equal(first[0], first[1], 24);
		row_source_rewind(&rows.source);
		assert_memory_equal(row_source_next(&rows.source), first[0], 24);
		assert_memory_equal(row_source_next(&rows.source), first[1], 24);
	}
}

static void the_buffer_may_hold_anything_before(void **state)
{
	(void)state;
	for (int work = 0; row_work_names[work] != NULL; work++) {
		struct rows clean = {0};
		struct rows dirty;

		memset(&dirty, 0xff, sizeof dirty);
		rows_init(&clean, 37, (enum row_work)work);
		rows_init(&dirty, 37, (enum row_work)work);
		assert_int_equal(row_source_checksum(&clean.source, 10),
				 row_source_checksum(&dirty.source, 10));
	}
}

static void the_checksum_is_of_the_rows_from_the_first(void **state)
{
	(void)state;
	for (int work = 0; row_work_names[work] != NULL; work++) {
		unsigned char array[5 * 13];
		struct checksum expected = {0};
		struct rows rows;

		rows_init(&rows, 13, (enum row_work)work);
		for (size_t row = 0; row < 5; row++)
			memcpy(array + row * 13, row_source_next(&rows.source), 13);
		checksum_rows(&expected, array, 5, 13);
		/* The source stands at its sixth row here, and at its first afterwards. */
		assert_int_equal(row_source_checksum(&rows.source, 5), checksum_value(&expected));
		assert_memory_equal(row_source_next(&rows.source), array, 13);
	}
}

static const struct test tests[] = {
	{"row_work_names names each kind of work", names_are_those_of_the_enum},
	{"cheap rows begin with their number, and are nowhere zero behind it",
	 cheap_rows_are_numbered},
	{"random numbers are those of splitmix64", random_numbers_are_splitmix64},
	{"random doubles lie in [0, 1)", random_doubles_lie_between_0_and_1},
	{"random rows are drawn to the last byte and no further",
	 random_rows_are_drawn_to_the_last_byte},
	{"a rewound source repeats itself", a_rewound_source_repeats_itself},
	{"a source writes nothing but its rows", a_source_writes_nothing_but_its_rows},
	{"a small row was written before the call that hands it out",
	 a_small_row_was_written_before_the_call_that_hands_it_out},
	{"what the buffer held before does not matter", the_buffer_may_hold_anything_before},
	{"the checksum is that of the first rows, and rewinds",
	 the_checksum_is_of_the_rows_from_the_first},
	{0},
};

const struct suite suite_row_source = {.name = "row source", .tests = tests};
