/*
 * line_lengths.h - the lengths of lines of text: two distributions, each of 256 lengths that come
 * over and over.
 *
 * LINES_OF_SOURCE has the quantiles 1/512, 3/512, ... of the lengths of the 133,331 lines, each
 * with its end, of the 171 modules at the first level of the standard library of Python 3.11.2, as
 * Debian 12 has it: 35.6 bytes on average. LINES_UNIFORM has 1, ..., 63, four times each, and four
 * times 32. Both are in units of a 32nd of the mean, and shuffled, but that the first line has the
 * mean length.
 */
#ifndef GROWBENCH_KERNELS_LINE_LENGTHS_H
#define GROWBENCH_KERNELS_LINE_LENGTHS_H

#include <stddef.h>
#include <stdint.h>

enum {
	LINES_PERIOD = 256,
	LINES_MEAN = 32
};

enum line_lengths {
	LINES_OF_SOURCE,
	LINES_UNIFORM,
	LINES_KINDS
};

/* Where each line ends; the last end is LINES_PERIOD * LINES_MEAN. */
extern const uint16_t line_ends[LINES_KINDS][LINES_PERIOD + 1];

/* Bytes of the first `lines` lines of a mean of mean_bytes bytes, rounded up; UINT64_MAX if they
 * are too many. */
static inline uint64_t lines_bytes(uint64_t kind, size_t lines, size_t mean_bytes)
{
	const uint64_t rest = line_ends[kind][lines % LINES_PERIOD];
	uint64_t units;

	if (__builtin_mul_overflow(lines / LINES_PERIOD, (uint64_t)LINES_PERIOD * LINES_MEAN,
				   &units) ||
	    __builtin_add_overflow(units, rest, &units) ||
	    __builtin_mul_overflow(units, mean_bytes, &units) || units > UINT64_MAX - LINES_MEAN)
		return UINT64_MAX;
	return (units + LINES_MEAN - 1) / LINES_MEAN;
}

#endif
