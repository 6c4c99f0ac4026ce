/*
 * checksum.h - proof that two arrays hold the same rows in the same order.
 *
 * Fletcher's checksum over 64-bit words, modulo 2^64: `sum` adds up the words, `sum_of_sums` adds
 * up `sum` after each, so that it depends on the order (Fletcher, IEEE Trans. Commun. 30, 1982).
 * One word a cycle: past the first cache level a scan is bound by memory, not by this. A row whose
 * size is no multiple of 8 is padded with zeros, each row by itself, so the result does not depend
 * on how the rows lie in memory.
 */
#ifndef GROWBENCH_KERNELS_CHECKSUM_H
#define GROWBENCH_KERNELS_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct checksum {
	uint64_t sum;
	uint64_t sum_of_sums;
};

static inline void checksum_word(struct checksum *checksum, uint64_t word)
{
	checksum->sum += word;
	checksum->sum_of_sums += checksum->sum;
}

/* Adds `count` rows of row_bytes bytes that lie one behind the other at `rows`. */
static inline void checksum_rows(struct checksum *checksum, const unsigned char *rows, size_t count,
				 size_t row_bytes)
{
	const size_t words = row_bytes / sizeof(uint64_t);
	const size_t tail = row_bytes % sizeof(uint64_t);

	for (size_t row = 0; row < count; row++) {
		for (size_t i = 0; i < words; i++) {
			uint64_t word;

			memcpy(&word, rows, sizeof word);
			checksum_word(checksum, word);
			rows += sizeof word;
		}
		if (tail != 0) {
			uint64_t word = 0;

			memcpy(&word, rows, tail);
			checksum_word(checksum, word);
			rows += tail;
		}
	}
}

/* The two sums as one number. */
static inline uint64_t checksum_value(const struct checksum *checksum)
{
	return checksum->sum_of_sums ^ (checksum->sum << 32 | checksum->sum >> 32);
}

#endif
