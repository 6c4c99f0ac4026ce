#include "harness/selftest/known.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/worker/clock.h"
#include "kernels/saturating.h"

static const char implementation[] = "known";

static uint64_t no_rows(const struct array *array)
{
	(void)array;
	return 0;
}

static uint64_t expect_no_rows(struct row_source *source, size_t rows)
{
	(void)source;
	(void)rows;
	return 0;
}

/* ---- nothing ---- */

static enum build_status nothing_build(struct array *array, size_t rows, struct row_source *source)
{
	(void)source;
	array->rows = rows;
	return BUILD_OK;
}

static void nothing_release(struct array *array)
{
	array_forget(array);
}

static void nothing_cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	(void)rows;
	(void)row_bytes;
	*cost = (struct strategy_cost){0};
}

const struct strategy known_nothing = {
	.name = "nothing",
	.implementation = implementation,
	.help = "Do nothing",
	.order = GROWTH_LINEAR,
	.build = nothing_build,
	.scan = no_rows,
	.release = nothing_release,
	.cost = nothing_cost,
	.expected = expect_no_rows,
};

/* ---- fresh_pages ---- */

enum {
	EARLIER_PEAK = 4
};

/* The mapping, touched, or NULL. */
static void *touched_pages(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	(void)madvise(memory, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < bytes; i += page)
		((volatile unsigned char *)memory)[i] = 1;
	return memory;
}

static enum build_status fresh_pages_prepare(struct row_source *source, size_t rows)
{
	const size_t bytes = EARLIER_PEAK * rows * source->row_bytes;
	void *const memory = touched_pages(bytes);

	if (memory == NULL)
		return BUILD_OUT_OF_MEMORY;
	(void)munmap(memory, bytes);
	return BUILD_OK;
}

static enum build_status fresh_pages_build(struct array *array, size_t rows,
					   struct row_source *source)
{
	(void)source;
	array->data = touched_pages(rows * array->row_bytes);
	if (array->data == NULL)
		return BUILD_OUT_OF_MEMORY;
	array->reserved_bytes = rows * array->row_bytes;
	return BUILD_OK;
}

static void fresh_pages_release(struct array *array)
{
	if (array->data != NULL)
		(void)munmap(array->data, array->reserved_bytes);
	array_forget(array);
}

static void fresh_pages_cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t bytes = saturating_multiply(rows, row_bytes);

	*cost = (struct strategy_cost){
		.mmap_count = 1,
		.peak_bytes = bytes,
		.peak_moving_bytes = bytes,
		.final_bytes = bytes,
	};
}

const struct strategy known_fresh_pages = {
	.name = "fresh_pages",
	.implementation = implementation,
	.help = "Touch each page of a new mapping",
	.order = GROWTH_LINEAR,
	.build = fresh_pages_build,
	.scan = no_rows,
	.release = fresh_pages_release,
	.cost = fresh_pages_cost,
	.prepare = fresh_pages_prepare,
	.expected = expect_no_rows,
};

/* ---- watched_reallocs ---- */

/* The blocks that tell of moves, in memory that is not from the allocator that is watched. */
static enum build_status watched_prepare(struct row_source *source, size_t rows)
{
	void *const index = mmap(NULL, rows * sizeof(unsigned char *), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (index == MAP_FAILED)
		return BUILD_OUT_OF_MEMORY;
	source->input = index;
	return BUILD_OK;
}

static enum build_status watched_build(struct array *array, size_t rows, struct row_source *source)
{
	array->index = source->input;
	for (size_t row = 0; row < rows; row++) {
		const uintptr_t before = (uintptr_t)array->data;
		unsigned char *const block = realloc(array->data, (row + 1) * array->row_bytes);

		if (block == NULL)
			return BUILD_OUT_OF_MEMORY;
		array->data = block;
		if (row == 0 || (uintptr_t)block == before)
			continue;
		array->index[array->rows] = calloc(1, row * array->row_bytes);
		if (array->index[array->rows] == NULL)
			return BUILD_OUT_OF_MEMORY;
		array->rows++;
	}
	return BUILD_OK;
}

static void watched_release(struct array *array)
{
	for (size_t i = 0; i < array->rows; i++)
		free(array->index[i]);
	free(array->data);
	array_forget(array);
}

/* At most: if every realloc moves the block. */
static void watched_cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t bytes = saturating_multiply(saturating_sum_below(rows + 1), row_bytes);

	*cost = (struct strategy_cost){
		.calloc_count = rows,
		.realloc_count = rows,
		.peak_bytes = bytes,
		.peak_moving_bytes = bytes,
		.final_bytes = bytes,
	};
}

const struct strategy known_watched_reallocs = {
	.name = "watched_reallocs",
	.implementation = implementation,
	.help = "Lengthen a block by realloc, and call calloc for each time that it moves",
	.order = GROWTH_QUADRATIC,
	.build = watched_build,
	.scan = no_rows,
	.release = watched_release,
	.cost = watched_cost,
	.prepare = watched_prepare,
	.expected = expect_no_rows,
};

/* ---- slowed_doubling ---- */

extern const struct strategy strategy_realloc_doubling;

static uint64_t slower_percent;
static uint64_t slower_every = 1;
/* Of the builds so far. */
static uint64_t builds;

void known_slow_down(unsigned percent, unsigned every)
{
	slower_percent = percent;
	slower_every = every;
}

/* Until that much more than the time since `start` is over. */
static void take_longer(uint64_t start)
{
	const uint64_t taken_ns = clock_now_ns() - start;
	const uint64_t wanted_ns = taken_ns + taken_ns * slower_percent / 100;

	if (builds % slower_every != 0)
		return;
	while (clock_now_ns() - start < wanted_ns)
		;
}

static enum build_status slowed_build(struct array *array, size_t rows, struct row_source *source)
{
	const uint64_t start = clock_now_ns();
	const enum build_status status = strategy_realloc_doubling.build(array, rows, source);

	builds++;
	take_longer(start);
	return status;
}

static uint64_t slowed_scan(const struct array *array)
{
	return strategy_realloc_doubling.scan(array);
}

static void slowed_release(struct array *array)
{
	const uint64_t start = clock_now_ns();

	strategy_realloc_doubling.release(array);
	take_longer(start);
}

static void slowed_cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	strategy_realloc_doubling.cost(rows, row_bytes, cost);
}

const struct strategy known_slowed_doubling = {
	.name = "slowed_doubling",
	.implementation = implementation,
	.help = "Double the capacity with realloc, and wait for a share of what it took",
	.order = GROWTH_LINEAR,
	.build = slowed_build,
	.scan = slowed_scan,
	.release = slowed_release,
	.cost = slowed_cost,
};
