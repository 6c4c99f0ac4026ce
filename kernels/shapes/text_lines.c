/*
 * text_lines - append lines of varying length to a text, whose block at least doubles when it is
 * full.
 *
 * Rows of a fixed size fill a block to the byte; lines do not, and one may need more than twice the
 * room. A line has row_bytes bytes on average: 256 lengths come over and over, drawn from
 *
 *     source     lines of real source code (line_lengths.h): a quarter have at most half of the
 *                mean, the longest has 2.5 times as much
 *     uniform    from almost nothing to almost twice the mean, all equally often
 *
 * and a line holds its row as often as it takes, the last time in part. For n lines, T(n) bytes of
 * text, which is b n if n is a multiple of 256, and capacities c1 < ... < ck, each the larger of
 * twice the one before and of the text with the line for which there was no room:
 *
 *     calls      k realloc (none for n = 0), at most log2(T(n) / c1) + 2
 *     copied     nothing by the strategy, at most c1 + ... + c(k-1) bytes by realloc: linear
 *     peak       ck bytes, at most c(k-1) + ck while realloc moves the block
 *
 * From: `std::string::append` of libstdc++, a text buffer, a column of strings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../build.h"
#include "../checksum.h"
#include "../contiguous.h"
#include "../line_lengths.h"
#include "../saturating.h"

static const char *const names[] = {
	[LINES_OF_SOURCE] = "source", [LINES_UNIFORM] = "uniform", NULL};

static bool read_name(const char *text, uint64_t *value)
{
	for (*value = 0; *value < LINES_KINDS; ++*value)
		if (strcmp(text, names[*value]) == 0)
			return true;
	return false;
}

static void write_name(uint64_t value, char text[PARAMETER_MOST_BYTES])
{
	(void)snprintf(text, PARAMETER_MOST_BYTES, "%s", names[value]);
}

static const struct strategy_parameter lengths = {
	.name = "lengths",
	.range = "source or uniform",
	.examples = names,
	.read = read_name,
	.write = write_name,
};

static inline uint64_t next_capacity(uint64_t capacity, uint64_t needed)
{
	return larger(saturating_add(capacity, capacity), needed);
}

/* array->capacity counts bytes. */
static ALWAYS_INLINE enum build_status grow(struct array *array, uint64_t needed)
{
	const uint64_t capacity = next_capacity(array->capacity, needed);
	unsigned char *data;

	if (capacity > SIZE_MAX / 2)
		return BUILD_OUT_OF_MEMORY;
	data = realloc(array->data, capacity);
	if (data == NULL)
		return BUILD_OUT_OF_MEMORY;
	array->data = data;
	array->capacity = capacity;
	return BUILD_OK;
}

/* The row as often as it takes. */
static ALWAYS_INLINE void write_line(unsigned char *place, size_t length, const void *row,
				     size_t row_bytes)
{
	for (; length > row_bytes; length -= row_bytes) {
		copy_row(place, row, row_bytes);
		place += row_bytes;
	}
	memcpy(place, row, length);
}

static inline enum build_status append(struct array *array, const void *row)
{
	const uint64_t start = lines_bytes(array->parameter, array->rows, array->row_bytes);
	const uint64_t end = lines_bytes(array->parameter, array->rows + 1, array->row_bytes);

	if (end > array->capacity) {
		const enum build_status status = grow(array, end);

		if (status != BUILD_OK)
			return status;
	}
	write_line(array->data + start, end - start, row, array->row_bytes);
	array->rows++;
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static uint64_t scan(const struct array *array)
{
	struct checksum checksum = {0};
	uint64_t start = 0;

	for (size_t line = 0; line < array->rows; line++) {
		const uint64_t end = lines_bytes(array->parameter, line + 1, array->row_bytes);

		checksum_rows(&checksum, array->data + start, 1, end - start);
		start = end;
	}
	return checksum_value(&checksum);
}

/* Byte by byte, without a text. */
static void add_line(struct checksum *checksum, const unsigned char *row, size_t row_bytes,
		     uint64_t length)
{
	uint64_t word = 0;

	for (uint64_t i = 0; i < length; i++) {
		((unsigned char *)&word)[i % sizeof word] = row[i % row_bytes];
		if (i % sizeof word == sizeof word - 1 || i == length - 1) {
			checksum_word(checksum, word);
			word = 0;
		}
	}
}

static uint64_t expected(struct row_source *source, size_t rows)
{
	struct checksum checksum = {0};

	row_source_rewind(source);
	for (size_t line = 0; line < rows; line++)
		add_line(&checksum, row_source_next(source), source->row_bytes,
			 lines_bytes(source->parameter, line + 1, source->row_bytes) -
				 lines_bytes(source->parameter, line, source->row_bytes));
	row_source_rewind(source);
	return checksum_value(&checksum);
}

/* The bytes of the shortest text that does not fit in `capacity`, and has at most `lines` lines. */
static uint64_t first_above(uint64_t kind, size_t lines, size_t row_bytes, uint64_t capacity)
{
	size_t below = 0;

	while (lines - below > 1) {
		const size_t middle = below + (lines - below) / 2;

		if (lines_bytes(kind, middle, row_bytes) > capacity)
			lines = middle;
		else
			below = middle;
	}
	return lines_bytes(kind, lines, row_bytes);
}

static void cost_at(uint64_t kind, size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t bytes = lines_bytes(kind, rows, row_bytes);
	uint64_t capacity = 0;
	uint64_t previous = 0;

	*cost = (struct strategy_cost){0};
	while (capacity < bytes) {
		previous = capacity;
		capacity = next_capacity(capacity, first_above(kind, rows, row_bytes, capacity));
		cost->realloc_count++;
		cost->realloc_moved_bytes = saturating_add(cost->realloc_moved_bytes, previous);
	}
	cost->peak_bytes = capacity;
	cost->peak_moving_bytes = saturating_add(previous, capacity);
	cost->final_bytes = capacity;
}

const struct strategy strategy_text_lines = {
	.name = "text_lines",
	.implementation = "c",
	.help = "Append lines of varying length to a text that doubles when it is full",
	.counterpart = "std::string::append",
	.order = GROWTH_LINEAR,
	.parameter = &lengths,
	.value = LINES_OF_SOURCE,
	.on_request = true,
	.append = append,
	.build = build,
	.scan = scan,
	.release = contiguous_release,
	.cost_at = cost_at,
	.expected = expected,
};
