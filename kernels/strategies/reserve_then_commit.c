/*
 * reserve_then_commit - address space for more than will ever come, made usable step by step.
 *
 * Reserved address space costs nothing, so the array gets 1 TiB of it, and can then grow in place
 * for good: contiguous, never copied, no pointer ever invalid. When the usable part is full,
 * mprotect makes the next step of it usable. For n rows of b bytes and steps of s = 64 KiB:
 *
 *     calls      1 mmap (more where 1 TiB is not granted: one for each halving);
 *                b n / s mprotect, rounded up, or n where b > s
 *     copied     nothing
 *     peak       b n bytes, rounded up to a multiple of s; reserved space is not counted
 *
 * A step is a multiple of every page size that Linux uses (4, 16 and 64 KiB), so the strategy need
 * not ask for it. With 4 KiB pages one system call stands against 16 page faults: a step of one
 * page took a third longer for 16 MiB, steps of 256 KiB and 2 MiB gained nothing, and they would
 * make a small array look large. While it grows, the array gets no huge pages, which need as much
 * that is usable at once (2 MiB where pages have 4 KiB).
 *
 * From: virtual-memory arrays, as in many language run-times and arena allocators (VirtualAlloc
 * with MEM_RESERVE, then MEM_COMMIT, on Windows).
 */
#include <sys/mman.h>

#include "../build.h"
#include "../contiguous.h"
#include "../saturating.h"

#define STEP_BYTES ((size_t)64 << 10)
/* A TiB where size_t has 64 bits, a GiB where it has 32. */
#define MOST_RESERVED_BYTES ((size_t)1 << (sizeof(size_t) > 4 ? 40 : 30))
/* With less than this the process is so confined that the strategy makes no sense. */
#define LEAST_RESERVED_BYTES ((size_t)64 << 20)

/* `bytes` rounded up to whole steps; false if that does not fit in a size_t. */
static bool whole_steps(size_t bytes, size_t *rounded)
{
	const bool fits = !__builtin_add_overflow(bytes, STEP_BYTES - 1, rounded);

	*rounded -= *rounded % STEP_BYTES;
	return fits;
}

/* How many rows will come is not looked at: not to need it is the point. Where a limit
 * (RLIMIT_AS, vm.overcommit_memory = 2) refuses 1 TiB, the largest half of a half that it grants
 * has to do. */
static inline enum build_status begin(struct array *array, size_t rows)
{
	(void)rows;
	for (size_t bytes = MOST_RESERVED_BYTES; bytes >= LEAST_RESERVED_BYTES; bytes /= 2) {
		void *const space = mmap(NULL, bytes, PROT_NONE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (space != MAP_FAILED) {
			array->data = space;
			array->reserved_bytes = bytes;
			return BUILD_OK;
		}
	}
	return BUILD_OUT_OF_MEMORY;
}

/* Makes as many steps usable as one row more needs. */
static ALWAYS_INLINE enum build_status commit(struct array *array)
{
	size_t committed = 0;
	size_t needed = 0;

	/* What is committed need not be stored: the rows that fit, rounded up, since less than one
	 * row and less than one step is left over. */
	if (!contiguous_bytes(array, array->rows + 1, &needed) || !whole_steps(needed, &needed) ||
	    needed > array->reserved_bytes)
		return BUILD_OUT_OF_MEMORY;
	whole_steps(array->capacity * array->row_bytes, &committed);
	if (mprotect(array->data + committed, needed - committed, PROT_READ | PROT_WRITE) != 0)
		return BUILD_OUT_OF_MEMORY;
	array->capacity = needed / array->row_bytes;
	return BUILD_OK;
}

static inline enum build_status append(struct array *array, const void *row)
{
	if (array->rows == array->capacity) {
		const enum build_status status = commit(array);

		if (status != BUILD_OK)
			return status;
	}
	contiguous_write(array, row);
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, begin, append, NULL);
}

static void release(struct array *array)
{
	if (array->data != NULL)
		munmap(array->data, array->reserved_bytes);
	array_forget(array);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t bytes = saturating_multiply(rows, row_bytes);
	const uint64_t steps = bytes / STEP_BYTES + (bytes % STEP_BYTES != 0);
	const uint64_t committed = saturating_multiply(steps, STEP_BYTES);

	*cost = (struct strategy_cost){
		.mmap_count = 1,
		.mprotect_count = row_bytes > STEP_BYTES ? rows : steps,
		.peak_bytes = committed,
		.peak_moving_bytes = committed,
		.final_bytes = committed,
	};
}

const struct strategy strategy_reserve_then_commit = {
	.name = "reserve_then_commit",
	.implementation = "c",
	.help = "Reserve address space with mmap and commit it as the array grows",
	.order = GROWTH_LINEAR,
	.begin = begin,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = release,
	.cost = cost,
};
