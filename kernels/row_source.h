/*
 * row_source.h - where the rows come from that a strategy appends.
 *
 * A source yields the same rows each time it is rewound, so that a build can be checked without
 * keeping a second copy. It makes one row at a time in a buffer of the caller's, as the article's
 * np.random.rand(1, 10) does, and allocates nothing.
 */
#ifndef GROWBENCH_KERNELS_ROW_SOURCE_H
#define GROWBENCH_KERNELS_ROW_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum row_work {
	/* The row's number is written into its first 8 bytes (or fewer, if it has fewer; it is the
	 * same for rows 256 apart then). Byte i of the rest is i % 251 + 1 in every row. About a
	 * nanosecond a row, so that it does not hide what is measured. */
	ROW_WORK_CHEAP,
	/* Each double is drawn from [0, 1), as in the article: about 2 ns a double, more than an
	 * append costs. Bytes past the last whole double are drawn too. */
	ROW_WORK_RANDOM,
};

struct row_source {
	unsigned char *buffer;
	size_t row_bytes;
	size_t slot_bytes;  /* from one row in the buffer to the next */
	uint64_t slot_mask; /* rows in the buffer - 1 */
	enum row_work work;
	uint64_t position;
	uint64_t random_state;
	/* The strategy's value, if it has a parameter; 0 after row_source_init. */
	uint64_t parameter;
	/* What a strategy's `prepare` made (strategy.h); NULL after row_source_init, and not looked
	 * at here. */
	void *input;
};

/* The names of row_work, in its order, then NULL: "cheap", "random". */
extern const char *const row_work_names[];

/* Bytes that a source of such rows needs of its caller: several rows if they are small. */
size_t row_source_buffer_bytes(size_t row_bytes);

/* A source of rows of row_bytes (>= 1) bytes, at its first row. `buffer` has
 * row_source_buffer_bytes(row_bytes) bytes, is aligned to 8, belongs to the caller, is written to,
 * and must outlive the source. */
void row_source_init(struct row_source *source, void *buffer, size_t row_bytes, enum row_work work);

/* Back to the first row. */
void row_source_rewind(struct row_source *source);

/* The checksum (checksum.h) of the first `rows` rows, made without an array. Rewinds the source
 * before and after. */
uint64_t row_source_checksum(struct row_source *source, size_t rows);

/* Fills a row with random values; part of row_source_next. */
void row_source_draw(struct row_source *source, unsigned char *row);

/* Writes the number of the row at `number` into its place; part of row_source_next. */
static inline void row_source_number(struct row_source *source, uint64_t number)
{
	unsigned char *row = source->buffer + (number & source->slot_mask) * source->slot_bytes;

	if (source->row_bytes >= sizeof number)
		memcpy(row, &number, sizeof number);
	else
		memcpy(row, &number, source->row_bytes);
}

/* The next row: row_bytes bytes in the caller's buffer, valid until the next call. */
static inline const void *row_source_next(struct row_source *source)
{
	const uint64_t position = source->position++;
	unsigned char *row = source->buffer + (position & source->slot_mask) * source->slot_bytes;

	/* A row is numbered a few calls before it is handed out. One that has just been written to
	 * in part cannot be copied at once: the processor waits for the write to reach the cache,
	 * which doubles the time of an append of 24 bytes. */
	if (source->work == ROW_WORK_RANDOM)
		row_source_draw(source, row);
	else
		row_source_number(source, position + source->slot_mask);
	return row;
}

#ifdef __cplusplus
}
#endif

#endif
