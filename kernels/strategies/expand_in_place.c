/*
 * expand_in_place - grow by a factor where the block stands if that can be, else move to a new one.
 *
 * The allocator is asked to make the block larger without moving it: allocator_expand, which is
 * xallocx or mi_expand. If it cannot, the rows go to a new block: malloc, a copy of the rows that
 * are there, free. realloc does both in one call, but never asks the program: it may move by
 * mremap, and copies all of the old block. Where the allocator has no such function (glibc,
 * tcmalloc, tbbmalloc, Scudo) each growth moves, which is what std::vector does everywhere. For a
 * factor f, n rows of b bytes, and the capacities c1 < c2 < ... < ck of realloc_factor:f, ck being
 * the first that is not below n, where no block grows in place:
 *
 *     calls      k malloc, k - 1 free
 *     copied     b (c1 + ... + c(k-1)) bytes
 *     peak       b (c(k-1) + ck) bytes: the old block and the new one
 *
 * All of these are the most. A growth in place saves a malloc, a free, its copy and the second
 * block; k and the size at the end are the same.
 *
 * From: folly's fbvector (reserve_in_place in folly/FBVector.h: xallocx, else a new block). C and
 * C++ have no such call; Rust's was taken out again for want of use (pull request 72417 of
 * rust-lang/rust).
 */
#include <stdlib.h>
#include <string.h>

#include "../allocator.h"
#include "../build.h"
#include "../contiguous.h"

static ALWAYS_INLINE enum build_status move(struct array *array, size_t bytes)
{
	unsigned char *const data = malloc(bytes);

	if (data == NULL)
		return BUILD_OUT_OF_MEMORY;
	if (array->data != NULL) {
		memcpy(data, array->data, array->rows * array->row_bytes);
		array->copied_bytes += array->rows * array->row_bytes;
		free(array->data);
	}
	array->data = data;
	return BUILD_OK;
}

static ALWAYS_INLINE enum build_status grow(struct array *array, size_t capacity)
{
	enum build_status status = BUILD_OK;
	size_t bytes;

	if (capacity <= array->capacity || !contiguous_bytes(array, capacity, &bytes))
		return BUILD_OUT_OF_MEMORY;
	if (array->data == NULL || !allocator_expand(array->data, bytes))
		status = move(array, bytes);
	if (status == BUILD_OK)
		array->capacity = capacity;
	return status;
}

static inline enum build_status append(struct array *array, const void *row)
{
	if (array->rows == array->capacity) {
		const enum build_status status = grow(array, growth_factor(array_capacity(array)));

		if (status != BUILD_OK)
			return status;
	}
	contiguous_write(array, row);
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, append, NULL);
}

static void cost_at(uint64_t parameter, size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	struct strategy_cost of_realloc;

	contiguous_cost_at(parameter, rows, row_bytes, growth_factor, &of_realloc);
	*cost = (struct strategy_cost){
		.malloc_count = of_realloc.realloc_count,
		.free_count = rows > 0 ? of_realloc.realloc_count - 1 : 0,
		.copied_bytes = of_realloc.realloc_moved_bytes,
		.peak_bytes = of_realloc.peak_moving_bytes,
		.peak_moving_bytes = of_realloc.peak_moving_bytes,
		.final_bytes = of_realloc.final_bytes,
	};
}

const struct strategy strategy_expand_in_place = {
	.name = "expand_in_place",
	.implementation = "c",
	.help = "Grow by a factor in place if the allocator can, else copy to a new block",
	.counterpart = "folly::fbvector (xallocx)",
	.order = GROWTH_LINEAR,
	.allocator_decides = true,
	.on_request = true,
	.parameter = &parameter_factor,
	.value = 2000,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = contiguous_release,
	.cost_at = cost_at,
};
