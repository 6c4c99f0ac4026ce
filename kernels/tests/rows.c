#include "rows.h"

#include "cmocka_headers.h"

#include <string.h>

#include "../line_lengths.h"
#include "counting_allocator.h"

void rows_init(struct rows *rows, size_t row_bytes, enum row_work work)
{
	assert_in_range(row_bytes, 1, MOST_ROW_BYTES);
	row_source_init(&rows->source, rows->buffer, row_bytes, work);
}

enum build_status rows_build_in_steps(const struct strategy *strategy, struct array *array,
				      size_t count, struct row_source *source)
{
	enum build_status status = BUILD_OK;

	if (strategy->begin != NULL)
		status = strategy->begin(array, count);
	for (size_t row = 0; row < count && status == BUILD_OK; row++)
		status = strategy->append(array, row_source_next(source));
	if (strategy->finish != NULL && status == BUILD_OK)
		status = strategy->finish(array);
	return status;
}

bool rows_take_too_long(const struct strategy *strategy, size_t count, size_t row_bytes)
{
	return strategy->order == GROWTH_QUADRATIC && count * count / 2 * row_bytes > 100000000;
}

bool rows_are_supported(const struct strategy *strategy, size_t row_bytes)
{
	const bool supported = strategy_supports(strategy, row_bytes);

	if (!supported)
		print_message("%s has no rows of %zu bytes: left out\n", strategy->name, row_bytes);
	return supported;
}

void rows_skip_if_it_aborts(const struct strategy *strategy)
{
	if (!strategy->aborts_without_memory)
		return;
	print_message("%s ends the process when memory is short\n", strategy->name);
	skip();
}

uint64_t rows_checksum(const struct strategy *strategy, struct row_source *source, size_t count)
{
	source->parameter = strategy->value;
	if (strategy->expected != NULL)
		return strategy->expected(source, count);
	return row_source_checksum(source, count);
}

/* ---- where the shapes of growth put their rows ---- */

struct place {
	const char *strategy; /* without a value */
	const unsigned char *(*of_row)(const struct array *array, size_t row);
};

static const unsigned char *in_turn(const struct array *array, size_t row)
{
	return array->index[row % array->parameter] + row / array->parameter * array->row_bytes;
}

static const unsigned char *reversed(const struct array *array, size_t row)
{
	return array->data + (array->rows - 1 - row) * array->row_bytes;
}

/* By doing it: where row 0 is after each insertion at the half, and so on. */
static const unsigned char *in_the_middle(const struct array *array, size_t row)
{
	size_t place = row / 2;

	for (size_t next = row + 1; next < array->rows; next++)
		place += next / 2 <= place;
	return array->data + place * array->row_bytes;
}

/* What is left of the first stack, and the second, whose fields are the first of the container. */
static const unsigned char *on_two_stacks(const struct array *array, size_t row)
{
	struct {
		unsigned char *data;
		size_t rows;
	} second = {NULL, 0};

	if (array->container != NULL)
		memcpy(&second, array->container, sizeof second);
	return row < array->rows - second.rows
		       ? array->data + row * array->row_bytes
		       : second.data + (array->rows - 1 - row) * array->row_bytes;
}

static const struct place places[] = {
	{"arrays_in_turn", in_turn},      {"arrays_in_turn_nodes", in_turn},  {"prepend", reversed},
	{"insert_middle", in_the_middle}, {"grow_and_shrink", on_two_stacks},
};

static const struct place *place_of(const struct strategy *strategy)
{
	const size_t length = strcspn(strategy->name, ":");

	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (strlen(places[i].strategy) == length &&
		    strncmp(places[i].strategy, strategy->name, length) == 0)
			return &places[i];
	return NULL;
}

static void assert_equal_in_places(const struct place *place, const struct array *array,
				   struct row_source *source)
{
	row_source_rewind(source);
	for (size_t row = 0; row < array->rows; row++)
		assert_same_bytes(place->of_row(array, row), row_source_next(source),
				  array->row_bytes);
	row_source_rewind(source);
}

/* Where a line begins, or the one before it ends. */
static size_t line_start(const struct array *array, size_t line)
{
	const size_t units = line / 256 * 8192 + line_ends[array->parameter][line % 256];

	return (units * array->row_bytes + 31) / 32;
}

/* A line has its row as often as it takes. */
static void assert_equal_lines(const struct array *array, struct row_source *source)
{
	row_source_rewind(source);
	for (size_t line = 0; line < array->rows; line++) {
		const unsigned char *row = row_source_next(source);
		const size_t start = line_start(array, line);

		for (size_t i = start; i < line_start(array, line + 1); i++)
			if (array->data[i] != row[(i - start) % array->row_bytes])
				fail_msg("byte %zu of line %zu is wrong", i - start, line);
	}
	row_source_rewind(source);
}

void rows_assert_equal(const struct strategy *strategy, const struct array *array,
		       struct row_source *source)
{
	const size_t row_bytes = array->row_bytes;
	const unsigned char *place = array->data;
	size_t left_in_block = SIZE_MAX;
	size_t block = 0;
	const void *row;

	if (strcmp(strategy->implementation, "c") != 0 && place == NULL && array->index == NULL)
		return;
	if (place_of(strategy) != NULL) {
		assert_equal_in_places(place_of(strategy), array, source);
		return;
	}
	if (strncmp(strategy->name, "text_lines:", 11) == 0) {
		assert_equal_lines(array, source);
		return;
	}
	if (array->data == NULL)
		left_in_block = 0;
	row_source_rewind(source);
	for (size_t i = 0; i < array->rows; i++) {
		if (left_in_block == 0) {
			assert_non_null(array->index);
			place = array->index[block++];
			left_in_block = counting_allocator_block_bytes(place) / row_bytes;
			assert_int_not_equal(left_in_block, 0);
		}
		row = row_source_next(source);
		assert_same_bytes(place, row, row_bytes);
		place += row_bytes;
		left_in_block--;
	}
	row_source_rewind(source);
}
