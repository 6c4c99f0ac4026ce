/*
 * chunked_list - rows in chunks of a fixed size, which are never copied.
 *
 * Only the directory of the chunks' addresses grows, by doubling. A chunk holds a power of two of
 * rows, so that a row is found by a shift and a mask: as many as fit in 4096 bytes, at least one.
 * For n rows of b bytes, r rows in a chunk, m = n / r rounded up, and C = the smallest power of
 * two that is not below m:
 *
 *     calls      m malloc, log2(C) + 1 realloc (none for n = 0)
 *     copied     nothing by the strategy, at most 8 (C - 1) bytes by realloc
 *     peak       m r b + 8 C bytes; while realloc moves the directory at most
 *                (C / 2) r b + 8 (C / 2 + C), if that is more
 *
 * From: std::deque. libstdc++ has chunks of 512 bytes, libc++ of 4096. The larger one makes the
 * directory negligible (at most 8 bytes for every 2048), spreads the cost of a malloc over a few
 * dozen rows, wastes less than a page at the end, and stays far below the size from which
 * allocators turn to mmap.
 */
#include <limits.h>
#include <stdlib.h>

#include "../block_index.h"
#include "../build.h"
#include "../checksum.h"
#include "../copy_row.h"

#define CHUNK_BYTES_LOG2 12

/* The logarithm of the rows in a chunk: the largest that keeps a chunk within 4096 bytes. Found by
 * counting zero bits, for an append cannot afford a division. */
static inline unsigned chunk_rows_log2(size_t row_bytes)
{
	const unsigned bits = sizeof(unsigned long long) * CHAR_BIT;

	if (row_bytes >= (size_t)1 << CHUNK_BYTES_LOG2)
		return 0;
	/* The highest bit of 2 b - 1 is the logarithm of b, rounded up. */
	return CHUNK_BYTES_LOG2 - (bits - 1 - (unsigned)__builtin_clzll(2ULL * row_bytes - 1));
}

/* How many chunks hold `rows` rows. */
static inline size_t chunks_for(size_t rows, size_t row_bytes)
{
	const unsigned shift = chunk_rows_log2(row_bytes);
	const size_t whole_chunks = rows >> shift;

	return whole_chunks << shift == rows ? whole_chunks : whole_chunks + 1;
}

static ALWAYS_INLINE enum build_status add_chunk(struct array *array, size_t chunk)
{
	unsigned char *block;

	/* The directory first: then a failure leaves no chunk that nothing points to. */
	if (chunk == array->capacity) {
		const enum build_status status =
			block_index_grow(array, growth_doubling(block_index_capacity(array)));

		if (status != BUILD_OK)
			return status;
	}
	/* Fits: more than one row only where the chunk has at most 4096 bytes. */
	block = malloc(array->row_bytes << chunk_rows_log2(array->row_bytes));
	if (block == NULL)
		return BUILD_OUT_OF_MEMORY;
	array->index[chunk] = block;
	return BUILD_OK;
}

static inline enum build_status append(struct array *array, const void *row)
{
	const unsigned shift = chunk_rows_log2(array->row_bytes);
	const size_t chunk = array->rows >> shift;
	const size_t row_in_chunk = array->rows - (chunk << shift);

	if (row_in_chunk == 0) {
		const enum build_status status = add_chunk(array, chunk);

		if (status != BUILD_OK)
			return status;
	}
	copy_row(array->index[chunk] + row_in_chunk * array->row_bytes, row, array->row_bytes);
	array->rows++;
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static uint64_t scan(const struct array *array)
{
	const size_t chunk_rows = (size_t)1 << chunk_rows_log2(array->row_bytes);
	struct checksum checksum = {0};
	size_t chunk = 0;

	for (size_t left = array->rows; left > 0; chunk++) {
		const size_t count = left < chunk_rows ? left : chunk_rows;

		checksum_rows(&checksum, array->index[chunk], count, array->row_bytes);
		left -= count;
	}
	return checksum_value(&checksum);
}

static void release(struct array *array)
{
	block_index_free(array, chunks_for(array->rows, array->row_bytes));
	array_forget(array);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	block_index_cost(chunks_for(rows, row_bytes), row_bytes << chunk_rows_log2(row_bytes),
			 growth_doubling, cost);
}

const struct strategy strategy_chunked_list = {
	.name = "chunked_list",
	.implementation = "c",
	.help = "Keep the rows in fixed chunks that are never copied",
	.counterpart = "std::deque, a rope",
	.order = GROWTH_LINEAR,
	.append = append,
	.build = build,
	.scan = scan,
	.release = release,
	.cost = cost,
};
