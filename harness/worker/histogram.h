/*
 * histogram.h - how many durations there were of each length, in fixed space.
 *
 * Bins are log-linear: 128 of equal width in each octave, after the idea of HdrHistogram (G. Tene,
 * hdrhistogram.org). Below 256 ns a bin is one value. A bin also keeps the sum of its values, so
 * that totals and means are exact whatever its width.
 *
 * No allocation, and no memory but the struct's own 116 KiB: touched once (histogram_clear), it
 * costs no page fault any more.
 */
#ifndef GROWBENCH_HARNESS_HISTOGRAM_H
#define GROWBENCH_HARNESS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
	HISTOGRAM_OCTAVE_BITS = 7,
	HISTOGRAM_OCTAVE_BINS = 1 << HISTOGRAM_OCTAVE_BITS,
	/* Bins of width 1 up to twice the bins of an octave, then those of the octaves that are
	 * left of 64 bits. */
	HISTOGRAM_BINS = (64 - HISTOGRAM_OCTAVE_BITS + 1) * HISTOGRAM_OCTAVE_BINS,
};

/* A percentile is off by at most this share of itself: half a bin's width by its lower end. */
#define HISTOGRAM_ERROR_SHARE (0.5 / HISTOGRAM_OCTAVE_BINS)

struct histogram {
	uint64_t count;
	uint64_t total; /* exact, as long as it fits in 64 bits: 584 years of nanoseconds */
	uint64_t max;   /* exact; 0 if there are no values */
	struct {
		uint64_t count;
		uint64_t sum;
	} bins[HISTOGRAM_BINS];
};

/* No values; writes to all of the struct. */
void histogram_clear(struct histogram *histogram);

/* The bin of a value. */
static inline size_t histogram_bin(uint64_t value)
{
	/* With the bit below which a bin does not tell values apart at least that of one. */
	const unsigned top =
		63 - (unsigned)__builtin_clzll(value | ((uint64_t)1 << HISTOGRAM_OCTAVE_BITS));
	const unsigned shift = top - HISTOGRAM_OCTAVE_BITS;

	return ((size_t)shift << HISTOGRAM_OCTAVE_BITS) + (size_t)(value >> shift);
}

/* Some nanoseconds, as a part of a timed loop. */
static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
	const size_t bin = histogram_bin(value);

	histogram->count++;
	histogram->total += value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->bins[bin].count++;
	histogram->bins[bin].sum += value;
}

/*
 * The percentile by nearest rank: of `count` values in ascending order the one at
 * ceil(count x millionths / 1,000,000), from 1; 500,000 is the (lower) median, 999,000 is p99.9.
 * What is returned is the middle of that value's bin, or the maximum if that is less, so it is
 * within HISTOGRAM_ERROR_SHARE of the value (and equal to it below 256 ns), never more than the
 * maximum, and ordered as the percentiles are. 0 if there are no values. `millionths` is 1 to
 * 1,000,000.
 */
uint64_t histogram_percentile(const struct histogram *histogram, uint32_t millionths);

/*
 * The share of the total, 0 to 1, that the slowest ceil(count / 1,000) values take. The slowest of
 * all is exact, as are bins that count as a whole; of a bin that counts in part, the bin's mean is
 * taken for each value, which is off by less than twice HISTOGRAM_ERROR_SHARE of these. 0 if the
 * total is.
 */
double histogram_slowest_share(const struct histogram *histogram);

#endif
