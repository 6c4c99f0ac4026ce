/*
 * pattern.h - what copying patterns (patterns/) share: the arrays they start from, and the frame of
 * their record.
 *
 * A pattern is one operation on a NumPy-like array (ndarray.h). Its input has `rows` rows of
 * row_bytes / 8 columns of doubles; element number e, in C order, is e + 1. It is made by
 * pattern_prepare, in memory from mmap that asks for huge pages from ND_HUGE_BYTES on, and kept at
 * source->input. The result lives in the input, and array->container points to it from build to
 * release, array->data to its first element; array->rows is the number of rows of the input. Only
 * memory of the result comes from malloc.
 *
 * Sums that patterns make are whole numbers, and exact up to a gigabyte of input.
 *
 * To add a pattern: put one file into patterns/, named after it, that ends with
 *
 *     const struct strategy pattern_NAME = { .name = "NAME", ... };
 *
 * In struct strategy_cost, copied_bytes are those that are written into a new array as they are
 * elsewhere; elements that are worked out are not counted.
 */
#ifndef GROWBENCH_KERNELS_PATTERN_H
#define GROWBENCH_KERNELS_PATTERN_H

#include "checksum.h"
#include "ndarray.h"
#include "strategy.h"

struct pattern_input {
	/* rows x columns. */
	struct ndarray a;
	/* Of the same shape, element e is e % 7 + 1. Without elements if it was not asked for. */
	struct ndarray b;
	/* A number for each row: from 0 upwards, or shuffled. NULL if it was not asked for. */
	ptrdiff_t *index;
	struct ndarray result;
	/* Of this struct and all arrays, in one mapping. */
	size_t mapped_bytes;
};

/* What of the input a pattern needs besides `a`. */
enum pattern_needs {
	PATTERN_NEEDS_NOTHING = 0,
	PATTERN_NEEDS_B = 1,
	PATTERN_NEEDS_INDEX = 2,
	PATTERN_NEEDS_SHUFFLED_INDEX = 4,
};

/* `supports`: rows of whole doubles; of at least two. */
bool pattern_takes_doubles(size_t row_bytes);
bool pattern_takes_two_columns(size_t row_bytes);

/* `prepare` for patterns that need nothing besides, b, and for the others. BUILD_OUT_OF_MEMORY
 * leaves source->input NULL. */
enum build_status pattern_prepare(struct row_source *source, size_t rows);
enum build_status pattern_prepare_with_b(struct row_source *source, size_t rows);
enum build_status pattern_prepare_with(struct row_source *source, size_t rows, unsigned needs);
/* `dispose`. Harmless where nothing was prepared. */
void pattern_dispose(struct row_source *source);

static inline struct pattern_input *pattern_input(const struct row_source *source)
{
	return source->input;
}

/* Element e of `a` and of `b` at the start. */
static inline double pattern_a(size_t e)
{
	return (double)(e + 1);
}

static inline double pattern_b(size_t e)
{
	return (double)(e % 7 + 1);
}

/* Writes `a` anew. */
void pattern_fill_a(struct pattern_input *input);

/* `build`: runs the operation, which makes input->result, on a prepared input of that many rows.
 * On failure nothing is allocated. Without an input, BUILD_OUT_OF_MEMORY. */
enum build_status pattern_build(struct array *array, size_t rows, struct row_source *source,
				enum nd_status (*operation)(struct pattern_input *input));
/* `scan`: the checksum of the result's elements in its C order. Runs along the last axis at its
 * stride, or through all if they are contiguous. */
uint64_t pattern_scan(const struct array *array);
/* `release`: frees what build made. */
void pattern_release(struct array *array);

/* `cost` of a pattern that only makes a view. */
void pattern_cost_of_view(size_t rows, size_t row_bytes, struct strategy_cost *cost);
/* Of a copy of the transposed array, where that is not contiguous as it is: with two rows or more.
 */
void pattern_cost_of_transposed_copy(size_t rows, size_t row_bytes, struct strategy_cost *cost);
/* One new array of `rows` x `row_bytes` bytes, of which all are copied or none. */
void pattern_cost_of_copy(size_t rows, size_t row_bytes, struct strategy_cost *cost);
void pattern_cost_of_new(size_t rows, size_t row_bytes, struct strategy_cost *cost);

/* `expected` of results that several patterns have: a; its first column, its first half of the
 * columns; a transposed; a + b; 2 a + b - 1. */
uint64_t pattern_expected_all(struct row_source *source, size_t rows);
uint64_t pattern_expected_first_column(struct row_source *source, size_t rows);
uint64_t pattern_expected_first_half(struct row_source *source, size_t rows);
uint64_t pattern_expected_transposed(struct row_source *source, size_t rows);
uint64_t pattern_expected_sums(struct row_source *source, size_t rows);
uint64_t pattern_expected_chain(struct row_source *source, size_t rows);

/* For one of a pattern's own: adds a double to a checksum. */
static inline void pattern_expect(struct checksum *checksum, double value)
{
	uint64_t word;

	memcpy(&word, &value, sizeof word);
	checksum_word(checksum, word);
}

#endif
