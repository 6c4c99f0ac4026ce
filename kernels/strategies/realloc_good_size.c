/*
 * realloc_good_size - realloc by a factor, rounded up to what the allocator would give anyway.
 *
 * Before it grows, the array asks the allocator how large the block will be that it gets, and makes
 * all rows that fit in there its capacity: allocator_good_size, which is nallocx, mi_good_size or
 * malloc_good_size. Where there is none of them (glibc, tbbmalloc, Scudo) it grows as
 * realloc_factor does. For a factor f, n rows of b bytes, and the capacities c1 < c2 < ... < ck of
 * that rule, ck being the first that is not below n:
 *
 *     calls      k realloc, no more than realloc_factor:f
 *     copied     nothing by the strategy, at most b (c1 + ... + c(k-1)) bytes by realloc
 *     peak       b ck bytes, at most b (c(k-1) + ck) while realloc moves the block
 *
 * The capacities are the allocator's: `cost` asks that of the process in which it is called.
 *
 * From: folly's fbvector (goodMallocSize in folly/memory/Malloc.h, which asks nallocx and else
 * takes what was asked for), Vector of SerenityOS (malloc_good_size, pull request 7135;
 * kmalloc_good_size, 12932). Vec of Rust does not, and issue 71383 of rust-lang/rust has asked for
 * it since 2020: its allocators return the size with the block instead of telling it beforehand
 * (pull request 69609). For C++, P0401 proposes the same (std::allocator::allocate_at_least).
 */
#include "../allocator.h"
#include "../build.h"
#include "../contiguous.h"

static inline size_t next_capacity(struct capacity full)
{
	const size_t wanted = growth_factor(full);
	size_t bytes;

	/* What does not fit is told as the rule tells it. */
	if (wanted <= full.count || __builtin_mul_overflow(wanted, full.row_bytes, &bytes))
		return wanted;
	return allocator_good_size(bytes) / full.row_bytes;
}

static inline enum build_status append(struct array *array, const void *row)
{
	return contiguous_append(array, row, next_capacity);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static void cost_at(uint64_t parameter, size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	contiguous_cost_at(parameter, rows, row_bytes, next_capacity, cost);
}

const struct strategy strategy_realloc_good_size = {
	.name = "realloc_good_size",
	.implementation = "c",
	.help = "Grow by a factor with realloc, up to the size that the allocator names",
	.counterpart = "folly::fbvector (goodMallocSize), SerenityOS's Vector",
	.order = GROWTH_LINEAR,
	.on_request = true,
	.parameter = &parameter_factor,
	.value = 2000,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost_at = cost_at,
};
