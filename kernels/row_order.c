#include "row_order.h"

#include "checksum.h"

uint64_t row_order_checksum(struct row_source *source, size_t rows,
			    size_t (*position)(size_t row, size_t rows))
{
	const uint64_t row_words = source->row_bytes / 8 + (source->row_bytes % 8 != 0);
	struct checksum all = {0};

	row_source_rewind(source);
	for (size_t row = 0; row < rows; row++) {
		const uint64_t words_after = (rows - 1 - position(row, rows)) * row_words;
		struct checksum own = {0};

		checksum_rows(&own, row_source_next(source), 1, source->row_bytes);
		/* Every word is in the sums after it, to the end of the last row. */
		all.sum += own.sum;
		all.sum_of_sums += own.sum_of_sums + words_after * own.sum;
	}
	row_source_rewind(source);
	return checksum_value(&all);
}
