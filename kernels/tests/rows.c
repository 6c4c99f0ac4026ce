#include "rows.h"

#include "cmocka_headers.h"

#include <string.h>

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
