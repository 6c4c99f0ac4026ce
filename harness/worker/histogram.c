#include "harness/worker/histogram.h"

#include <string.h>

void histogram_clear(struct histogram *histogram)
{
	memset(histogram, 0, sizeof *histogram);
}

/* The middle of a bin, the lower one of two. */
static uint64_t middle_of(size_t bin)
{
	unsigned shift;
	uint64_t lowest;

	if (bin < (size_t)2 * HISTOGRAM_OCTAVE_BINS)
		return bin;
	shift = (unsigned)(bin >> HISTOGRAM_OCTAVE_BITS) - 1;
	lowest = (uint64_t)(bin - ((size_t)shift << HISTOGRAM_OCTAVE_BITS)) << shift;
	return lowest + ((((uint64_t)1 << shift) - 1) >> 1);
}

/* ceil(count x millionths / 1,000,000), without the product that might not fit. */
static uint64_t rank_of(uint64_t count, uint32_t millionths)
{
	const uint64_t million = 1000000;

	return count / million * millionths +
	       (count % million * millionths + million - 1) / million;
}

uint64_t histogram_percentile(const struct histogram *histogram, uint32_t millionths)
{
	const uint64_t rank = rank_of(histogram->count, millionths);
	uint64_t seen = 0;

	for (size_t bin = 0; bin < HISTOGRAM_BINS; bin++) {
		seen += histogram->bins[bin].count;
		if (seen >= rank && seen > 0) {
			const uint64_t middle = middle_of(bin);

			return middle < histogram->max ? middle : histogram->max;
		}
	}
	return histogram->max;
}

double histogram_slowest_share(const struct histogram *histogram)
{
	uint64_t left = histogram->count / 1000 + (histogram->count % 1000 != 0);
	double slowest = (double)histogram->max;

	if (histogram->total == 0)
		return 0;
	left--;
	for (size_t bin = HISTOGRAM_BINS; bin-- > 0 && left > 0;) {
		uint64_t count = histogram->bins[bin].count;
		uint64_t sum = histogram->bins[bin].sum;
		uint64_t taken;

		/* The slowest is taken already. */
		if (bin == histogram_bin(histogram->max)) {
			count--;
			sum -= histogram->max;
		}
		if (count == 0)
			continue;
		taken = count < left ? count : left;
		slowest += (double)sum * ((double)taken / (double)count);
		left -= taken;
	}
	return slowest / (double)histogram->total;
}
