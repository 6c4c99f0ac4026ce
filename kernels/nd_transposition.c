/*
 * Transposing in tiles. Going along the rows of the result reads one word of each cache line of the
 * source, and comes back for the next word when the line has long gone. A tile of 8 x 8 words reads
 * 8 whole lines and writes 8 whole lines, so that nothing has to stay in the cache: that is what
 * counts where rows are a power of two apart, and all the lines of a tile compete for one place.
 *
 * The tiles are taken along a band of rows of the result. Rows of the source that are whole lines
 * apart start a line together, and the first band ends where they do: then bands of 8 rows are
 * best, as there are fewest places that are written at once (1480 x 1480 words, 16 bytes behind a
 * line: 2.6 ms against 4.6 from where the array starts, and 3.6 with bands of 64, on an AMD EPYC of
 * family 25). If rows are whole pages apart, or no whole lines, bands of 64 rows are best, which
 * read 512 bytes of each row of the source, and so few lines twice (4096 x 4096: 17.5 ms against
 * 27). Where the caches hold all of it there is little between them. The tile after the next one of
 * a band is asked for, unless the caches hold it, since no processor foresees it.
 *
 * Packing blocks through a buffer and writing them with stores that go past the caches were
 * measured as well, and took 1.1 to 1.5 times as long: fresh pages are in the cache when they are
 * first written, as the kernel has just cleared them.
 */
#include "nd_transposition.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Two words, in a register that every processor of the architectures in question has. */
typedef uint64_t pair __attribute__((vector_size(16)));

enum {
	WORD_BYTES = 8,
	LINE_BYTES = 64,
	/* Rows and columns of a tile: a line of 64 bytes. */
	TILE = 8,
	NARROW_BAND = 8,
	MIDDLE_BAND = 32,
	WIDE_BAND = 64,
	/* The result of a transposition that the caches hold: no more than that. */
	CACHED_BYTES = 4 << 20,
	/* How many columns before a tile is copied it is asked for. */
	AHEAD = 16,
	/* See nd_run.c. */
	FRAME_BYTES = 4096,
	/* Rows and columns of a block of items that are not words side by side. */
	BLOCK = 16
};

static inline pair load_pair(const unsigned char *from)
{
	pair words;

	memcpy(&words, from, sizeof words);
	return words;
}

static inline void store_pair(unsigned char *to, pair words)
{
	memcpy(to, &words, sizeof words);
}

/* Two rows and two columns. */
static inline void copy_pairs(unsigned char *to, ptrdiff_t to_stride, const unsigned char *from,
			      ptrdiff_t from_stride)
{
	const pair first_column = load_pair(from);
	const pair second_column = load_pair(from + from_stride);

	store_pair(to, __builtin_shufflevector(first_column, second_column, 0, 2));
	store_pair(to + to_stride, __builtin_shufflevector(first_column, second_column, 1, 3));
}

static inline void copy_tile(unsigned char *to, ptrdiff_t to_stride, const unsigned char *from,
			     ptrdiff_t from_stride)
{
	for (ptrdiff_t row = 0; row < TILE; row += 2)
		for (ptrdiff_t column = 0; column < TILE; column += 2)
			copy_pairs(to + row * to_stride + column * WORD_BYTES, to_stride,
				   from + column * from_stride + row * WORD_BYTES, from_stride);
}

/* A hint, so that it may be out of bounds: but then it is no longer a pointer into the array. */
static inline void ask_for_tile(const unsigned char *from, ptrdiff_t from_stride)
{
	for (ptrdiff_t column = AHEAD; column < AHEAD + TILE; column++)
		__builtin_prefetch(
			(const void *)((uintptr_t)from + (uintptr_t)(column * from_stride)));
}

/* Items of any kind, one by one; inlined where itemsize is a constant, so that memcpy is one move.
 */
static inline void copy_items(const struct nd_transposition *t, unsigned char *to,
			      const unsigned char *from, size_t itemsize)
{
	for (size_t row = 0; row < t->rows; row++) {
		unsigned char *item = to + (ptrdiff_t)row * t->to_row_stride;
		const unsigned char *source = from + (ptrdiff_t)row * t->from_row_stride;

		for (size_t column = 0; column < t->columns; column++) {
			memcpy(item, source, itemsize);
			item += t->to_column_stride;
			source += t->from_column_stride;
		}
	}
}

/* A part of the transposition: so many rows and columns from there on. */
static inline void copy_part(const struct nd_transposition *t, unsigned char *to,
			     const unsigned char *from, size_t first_row, size_t rows,
			     size_t first_column, size_t columns, size_t itemsize)
{
	struct nd_transposition part = *t;

	part.rows = rows;
	part.columns = columns;
	copy_items(&part,
		   to + (ptrdiff_t)first_row * t->to_row_stride +
			   (ptrdiff_t)first_column * t->to_column_stride,
		   from + (ptrdiff_t)first_row * t->from_row_stride +
			   (ptrdiff_t)first_column * t->from_column_stride,
		   itemsize);
}

/* `rows` and `columns` are whole tiles. `asks`: for tiles in time. */
static void copy_band(const struct nd_transposition *t, unsigned char *to,
		      const unsigned char *from, size_t rows, size_t columns, bool asks)
{
	for (size_t column = 0; column < columns; column += TILE) {
		for (size_t row = 0; row < rows; row += TILE) {
			const unsigned char *tile = from +
						    (ptrdiff_t)column * t->from_column_stride +
						    (ptrdiff_t)row * WORD_BYTES;

			if (asks)
				ask_for_tile(tile, t->from_column_stride);
			copy_tile(to + (ptrdiff_t)row * t->to_row_stride +
					  (ptrdiff_t)column * WORD_BYTES,
				  t->to_row_stride, tile, t->from_column_stride);
		}
	}
}

static size_t band_rows(const struct nd_transposition *t, bool is_cached)
{
	if (is_cached)
		return MIDDLE_BAND;
	return t->from_column_stride % LINE_BYTES == 0 && t->from_column_stride % FRAME_BYTES != 0
		       ? NARROW_BAND
		       : WIDE_BAND;
}

/* Rows before the one with which each column of the source starts a line; 0 if there is none. */
static size_t rows_before_line(const struct nd_transposition *t, const unsigned char *from)
{
	const size_t rows = (0 - (uintptr_t)from) % LINE_BYTES / WORD_BYTES;

	if (t->from_column_stride % LINE_BYTES != 0)
		return 0;
	return rows < t->rows ? rows : t->rows;
}

static void copy_words(const struct nd_transposition *t, unsigned char *to,
		       const unsigned char *from)
{
	const bool is_cached = t->rows * t->columns <= CACHED_BYTES / WORD_BYTES;
	const size_t band = band_rows(t, is_cached);
	const size_t first = is_cached ? 0 : rows_before_line(t, from);
	const size_t end = first + (t->rows - first) / TILE * TILE;
	const size_t columns = t->columns / TILE * TILE;

	copy_part(t, to, from, 0, first, 0, t->columns, WORD_BYTES);
	for (size_t row = first; row < end; row += band)
		copy_band(t, to + (ptrdiff_t)row * t->to_row_stride,
			  from + (ptrdiff_t)row * WORD_BYTES, end - row < band ? end - row : band,
			  columns, !is_cached);
	copy_part(t, to, from, first, end - first, columns, t->columns - columns, WORD_BYTES);
	copy_part(t, to, from, end, t->rows - end, 0, t->columns, WORD_BYTES);
}

/* The same idea in its simplest form: blocks of which all lines fit in the cache. */
static inline void copy_blocks(const struct nd_transposition *t, unsigned char *to,
			       const unsigned char *from, size_t itemsize)
{
	for (size_t row = 0; row < t->rows; row += BLOCK)
		for (size_t column = 0; column < t->columns; column += BLOCK)
			copy_part(t, to, from, row, t->rows - row < BLOCK ? t->rows - row : BLOCK,
				  column, t->columns - column < BLOCK ? t->columns - column : BLOCK,
				  itemsize);
}

void nd_transposition_copy(const struct nd_transposition *transposition, unsigned char *to,
			   const unsigned char *from)
{
	const bool are_words = transposition->itemsize == WORD_BYTES;

	if (are_words && transposition->to_column_stride == WORD_BYTES &&
	    transposition->from_row_stride == WORD_BYTES)
		copy_words(transposition, to, from);
	else if (are_words)
		copy_blocks(transposition, to, from, WORD_BYTES);
	else if (transposition->itemsize == 4)
		copy_blocks(transposition, to, from, 4);
	else
		copy_blocks(transposition, to, from, transposition->itemsize);
}
