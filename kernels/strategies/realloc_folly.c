/*
 * realloc_folly - realloc by the rule of folly's fbvector: half as much again in the middle range.
 *
 * Blocks below 4 KiB, and those above 128 KiB, double; between them the capacity grows by a half.
 * It begins with 64 bytes. For n rows of b bytes, and the capacities c1 < c2 < ... < ck of the
 * rule, ck being the first that is not below n:
 *
 *     calls      k realloc
 *     copied     nothing by the strategy, at most b (c1 + ... + c(k-1)) < 3 b n bytes by realloc
 *     peak       b ck bytes, at most b (c(k-1) + ck) while realloc moves the block
 *
 * From: fbvector::computePushBackCapacity in folly/FBVector.h, whose limits are jemalloc's: what
 * it can grow in place (4 KiB and more), and 32 times that. fbvector also rounds up to a size class
 * (goodMallocSize), and asks jemalloc to grow in place (xallocx): both are left out here.
 */
#include "../build.h"
#include "../contiguous.h"

#define FIRST_BYTES 64
#define LEAST_EXPANDABLE_BYTES ((size_t)4096)
#define MOST_BY_HALF_BYTES (32 * LEAST_EXPANDABLE_BYTES)

static inline size_t next_capacity(struct capacity full)
{
	if (full.count == 0)
		return full.row_bytes < FIRST_BYTES ? FIRST_BYTES / full.row_bytes : 1;
	if (full.count < LEAST_EXPANDABLE_BYTES / full.row_bytes ||
	    full.count > MOST_BY_HALF_BYTES / full.row_bytes)
		return 2 * full.count;
	/* (3 c + 1) / 2, which may not fit */
	return full.count + (full.count / 2 + full.count % 2);
}

static inline enum build_status append(struct array *array, const void *row)
{
	return contiguous_append(array, row, next_capacity);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost(rows, row_bytes, next_capacity, cost);
}

const struct strategy strategy_realloc_folly = {
	.name = "realloc_folly",
	.implementation = "c",
	.help = "Grow the capacity with realloc by a half from 4 to 128 KiB, else double it",
	.counterpart = "folly::fbvector",
	.order = GROWTH_LINEAR,
	.on_request = true,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost = cost,
};
