#include "in_turn.h"

#include "checksum.h"
#include "growth.h"
#include "power_of_two.h"
#include "saturating.h"

static const char *const examples[] = {"1", "2", "8", "64", NULL};

const struct strategy_parameter in_turn_parameter = {
	.name = "arrays",
	.range = POWER_OF_TWO_RANGE,
	.examples = examples,
	.read = power_of_two_read,
	.write = parameter_write_count,
};

uint64_t in_turn_scan(const struct array *array)
{
	struct checksum checksum = {0};

	for (size_t row = 0; row < array->rows; row++)
		checksum_rows(&checksum,
			      array->index[in_turn_array(array, row)] +
				      in_turn_place(array, row) * array->row_bytes,
			      1, array->row_bytes);
	return checksum_value(&checksum);
}

void in_turn_release(struct array *array)
{
	if (array->index == NULL)
		return;
	for (size_t turn = 0; turn < array->capacity; turn++)
		if (array->index[turn] != NULL)
			free(array->index[turn]);
	free(array->index);
	array->index = NULL;
}

/* The largest power of two that is not above `number`, which is more than 0. */
static size_t power_below(size_t number)
{
	return (size_t)1 << (63 - __builtin_clzll(number));
}

size_t in_turn_last_growth(uint64_t arrays, size_t rows)
{
	/* Arrays grow at their first row, and at the rows 1, 2, 4, 8, ... of each. */
	const size_t place = (rows - 1) / arrays;
	const size_t first = place == 0 ? 0 : power_below(place) * arrays;
	const size_t after = rows - 1 - first;

	return first + (after < arrays ? after : arrays - 1);
}

/* All arrays while the one grows that grows last: those before it have grown already. */
static uint64_t moving_rows(uint64_t arrays, size_t rows)
{
	const size_t row = in_turn_last_growth(arrays, rows);
	const size_t old = row / arrays;
	const uint64_t grown = growth_doubling((struct capacity){.count = old});
	const uint64_t turn = row % arrays;

	return saturating_add(saturating_multiply(turn + 1, grown),
			      saturating_multiply(arrays - turn, old));
}

void in_turn_cost(uint64_t arrays, size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const struct capacity empty = {.row_bytes = row_bytes};
	const struct growth shorter = growth_to(rows / arrays, empty, growth_doubling);
	const struct growth longer = growth_to(rows / arrays + 1, empty, growth_doubling);
	const uint64_t long_count = rows % arrays;
	const uint64_t short_count = arrays - long_count;
	const uint64_t table_bytes = arrays * sizeof(unsigned char *);
	uint64_t moved;
	uint64_t capacity;

	*cost = (struct strategy_cost){0};
	if (rows == 0)
		return;
	moved = saturating_add(saturating_multiply(long_count, longer.moved),
			       saturating_multiply(short_count, shorter.moved));
	capacity = saturating_add(saturating_multiply(long_count, longer.capacity),
				  saturating_multiply(short_count, shorter.capacity));
	cost->calloc_count = 1;
	cost->realloc_count = long_count * longer.count + short_count * shorter.count;
	cost->realloc_moved_bytes = saturating_multiply(moved, row_bytes);
	cost->peak_bytes = saturating_add(table_bytes, saturating_multiply(capacity, row_bytes));
	cost->peak_moving_bytes = saturating_add(
		table_bytes, saturating_multiply(moving_rows(arrays, rows), row_bytes));
	cost->final_bytes = cost->peak_bytes;
}
