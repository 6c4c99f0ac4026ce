/*
 * nd_transposition.h - copies two axes of which one lies closest in the memory that is written, and
 * the other in the memory that is read.
 */
#ifndef GROWBENCH_KERNELS_ND_TRANSPOSITION_H
#define GROWBENCH_KERNELS_ND_TRANSPOSITION_H

#include <stddef.h>

/* Element (row, column) is read at row * from_row_stride + column * from_column_stride, and written
 * likewise. What is read lies closest from row to row, what is written from column to column.
 * Strides in bytes. */
struct nd_transposition {
	size_t itemsize;
	size_t rows;
	size_t columns;
	ptrdiff_t to_row_stride;
	ptrdiff_t to_column_stride;
	ptrdiff_t from_row_stride;
	ptrdiff_t from_column_stride;
};

/* The memory written to and that read from do not overlap. */
void nd_transposition_copy(const struct nd_transposition *transposition, unsigned char *to,
			   const unsigned char *from);

#endif
