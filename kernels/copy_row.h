/*
 * copy_row.h - writes one row into the array.
 *
 * Each strategy writes its rows through this, so that none gains by copying them in a better way.
 */
#ifndef GROWBENCH_KERNELS_COPY_ROW_H
#define GROWBENCH_KERNELS_COPY_ROW_H

#include <stddef.h>
#include <string.h>

/* Copies row_bytes bytes from `row` to `place`, which do not overlap. */
static inline void copy_row(unsigned char *place, const void *row, size_t row_bytes)
{
	/* A column of doubles is common, and the call would cost more than the copy. */
	if (row_bytes == sizeof(double))
		memcpy(place, row, sizeof(double));
	else
		memcpy(place, row, row_bytes);
}

#endif
