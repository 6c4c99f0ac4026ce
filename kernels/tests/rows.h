/*
 * rows.h - what tests of strategies share: a source with its buffer, and a second way to read an
 * array.
 */
#ifndef GROWBENCH_KERNELS_TESTS_ROWS_H
#define GROWBENCH_KERNELS_TESTS_ROWS_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>

#include "../strategy.h"

#define MOST_ROW_BYTES 8192

/* A source that brings its own buffer. Must not be moved once it is made. */
struct rows {
	struct row_source source;
	alignas(8) unsigned char buffer[MOST_ROW_BYTES];
};

void rows_init(struct rows *rows, size_t row_bytes, enum row_work work);

/* begin, `count` times append, and finish, each called through the record. */
enum build_status rows_build_in_steps(const struct strategy *strategy, struct array *array,
				      size_t count, struct row_source *source);

/* Whether a quadratic strategy would move gigabytes for so many rows, which under a sanitizer takes
 * a minute. Tests that go through all sizes leave these out. */
bool rows_take_too_long(const struct strategy *strategy, size_t count, size_t row_bytes);

/* Whether the strategy takes rows of that size; says that they are left out if not. */
bool rows_are_supported(const struct strategy *strategy, size_t row_bytes);

/* Ends the test as skipped if the strategy ends the process where memory is short. */
void rows_skip_if_it_aborts(const struct strategy *strategy);

/* What the scan of the first `count` rows has to find. Rewinds the source before and after. */
uint64_t rows_checksum(const struct strategy *strategy, struct row_source *source, size_t count);

/* Fails the test unless the array holds exactly the first array->rows rows of the source, where the
 * strategy puts them. Reads data and index by itself: how many rows a block holds is asked of the
 * allocator. A container that tells neither is left to its scan; ours always tell. */
void rows_assert_equal(const struct strategy *strategy, const struct array *array,
		       struct row_source *source);

/* Fails the test unless a build costs, by the counting allocator, what the closed form says. */
void cost_assert_is_counted(const struct strategy *strategy, size_t count, size_t row_bytes);

#endif
