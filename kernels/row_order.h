/*
 * row_order.h - the checksum of an array whose rows are not in the order in which they came.
 */
#ifndef GROWBENCH_KERNELS_ROW_ORDER_H
#define GROWBENCH_KERNELS_ROW_ORDER_H

#include "row_source.h"

/* What `expected` of struct strategy returns where the source's row number `row`, of `rows` rows in
 * all, ends at place position(row, rows). Each row's share is worked out from its place alone, in
 * the order of the source: no array is made. Rewinds the source before and after. */
uint64_t row_order_checksum(struct row_source *source, size_t rows,
			    size_t (*position)(size_t row, size_t rows));

#endif
