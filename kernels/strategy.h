/*
 * strategy.h - a way to build an array, a row at a time.
 *
 * To add a strategy: put one file into kernels/strategies/, named after it, that ends with
 *
 *     const struct strategy strategy_NAME = { .name = "NAME", ... };
 *
 * (characters of the file name that C does not allow in an identifier become '_'). What grows in
 * another way than row by row at the end of one array goes into kernels/shapes/ in the same way, a
 * container of somebody else's into kernels/containers/, and a copying pattern into
 * kernels/patterns/ (pattern.h). Nothing else needs a change: the tables are made from the listings
 * of the folders, and help texts, tests, CSV files and plots derive from the record. The tests
 * check the record against reality: the same rows come out, the closed forms in `cost` are what a
 * counting allocator sees, nothing leaks, and every allocation may fail.
 *
 * Holds for everything in kernels/: C11 (C++17 for the containers of C++), no clock, no input or
 * output, no mutable global, and no knowledge of who measures. Memory comes from malloc, calloc,
 * realloc and free (or from mmap where the strategy is about that), so that whichever allocator the
 * process was started with supplies it.
 */
#ifndef GROWBENCH_KERNELS_STRATEGY_H
#define GROWBENCH_KERNELS_STRATEGY_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parameter.h"
#include "row_source.h"

#ifdef __cplusplus
extern "C" {
#endif

enum build_status {
	BUILD_OK = 0,
	/* Memory could not be had, or the size does not fit (in a size_t, in the container's own
	 * counters, or to any type that it was compiled for). */
	BUILD_OUT_OF_MEMORY,
};

/*
 * An array under construction, or built.
 *
 * A contiguous strategy keeps its rows in `data`; a strategy that keeps rows or chunks apart keeps
 * their addresses in `index`. What is not used is NULL. `capacity` counts what there is room for
 * before the next growth: rows in `data`, or slots in `index`.
 *
 * A container of somebody else's has fields of its own. It tells `rows` after each append and
 * each build, and `data`, `index` and `capacity` as far as it can be asked for them.
 */
struct array {
	size_t row_bytes;
	size_t rows;
	size_t capacity;
	unsigned char *data;
	unsigned char **index;
	/* Address space held at `data`, of which the front part is in use. 0 where a strategy does
	 * not reserve any. */
	size_t reserved_bytes;
	/* What the strategy itself has copied so far. Counted only where the allocator decides how
	 * much that is (allocator_decides), else 0. */
	uint64_t copied_bytes;
	/* The strategy's value, if it has a parameter (strategy_array). */
	uint64_t parameter;
	/* The container from its first row (or begin) to release, else NULL. It may lie in
	 * container_storage and point into itself: an array with a container stays where it is. */
	void *container;
	/* Not initialised. Room for the largest container that takes no memory for itself, which is
	 * std::deque. */
	alignas(max_align_t) unsigned char container_storage[80];
};

/* How the time to build grows with the number of rows when no growth can be done in place. */
enum growth_order {
	GROWTH_LINEAR = 1,
	GROWTH_QUADRATIC = 2,
};

/*
 * What a build of `rows` rows of `row_bytes` bytes costs, in closed form. Exact, not estimated,
 * but for the two that say "at most". A sum over the capacities that a growth rule passes through
 * counts as closed form.
 */
struct strategy_cost {
	/* Calls made by begin, all appends and finish. realloc(NULL, n) counts as a realloc. */
	uint64_t malloc_count;
	uint64_t calloc_count;
	uint64_t realloc_count;
	uint64_t free_count;
	uint64_t mmap_count;
	uint64_t mprotect_count;
	/* Bytes that the strategy itself copies from one place in the array to another. Writing
	 * each row for the first time is not counted. */
	uint64_t copied_bytes;
	/* Bytes that realloc copies if it moves the block each time: the sum of the old sizes. At
	 * most this much. */
	uint64_t realloc_moved_bytes;
	/* The most bytes that are requested and live at once, looked at between calls. Memory
	 * committed by mmap and mprotect counts as requested, reserved address space does not. */
	uint64_t peak_bytes;
	/* The same with both blocks of a realloc live while it moves. At most this much. */
	uint64_t peak_moving_bytes;
	/* Requested bytes live when the build has ended. */
	uint64_t final_bytes;
	/* The most blocks that live at once; 0: as many as are made and not freed. */
	uint64_t live_block_count;
};

struct strategy {
	/* Equal to the file's name. Lower case, no comma, no space. */
	const char *name;
	/* What it is written in: "c" for ours, "cpp" for a container of C++; for one of a C library
	 * the library, "glib" or "uthash". */
	const char *implementation;
	/* One line, imperative, without a full stop. */
	const char *help;
	/* What people know that does the same, or NULL. */
	const char *counterpart;
	enum growth_order order;
	/* Whether there are rows of row_bytes bytes: a container of C++ has to know the type of its
	 * rows when it is compiled. NULL: all sizes. Rows that are not supported are never
	 * appended: begin, append and build return BUILD_OUT_OF_MEMORY. See strategy_supports. */
	bool (*supports)(size_t row_bytes);
	/* The container ends the process where others return BUILD_OUT_OF_MEMORY. */
	bool aborts_without_memory;
	/* How much it asks for, or how often, is up to what the allocator gives, and to whether a
	 * block grows where it stands: its cost is exact for one that gives what is asked for and
	 * moves each block that grows, and for others the strategy's file says what holds. What it
	 * copied is in array->copied_bytes then. */
	bool allocator_decides;
	/* Not in runs that name no strategies: it answers a question of its own. */
	bool on_request;
	/* What it leaves open, or NULL. In the tables `value` is a usual one; a strategy of a value
	 * of one's own is made by strategy_with_value. */
	const struct strategy_parameter *parameter;
	uint64_t value;
	/* A copying pattern: one operation on an array that is there, instead of appends. It has no
	 * begin, append and finish; its `build` makes the result, and what it starts from has the
	 * shape `rows` x row_bytes / 8, in doubles. */
	bool is_pattern;

	/*
	 * Makes an empty array ready for appends. The caller has zeroed *array but for row_bytes
	 * (array_init). `rows` is how many appends will follow: only strategies whose point is to
	 * know it may look at it. NULL: nothing to do. Like append and finish, it may be tried
	 * again after a failure.
	 */
	enum build_status (*begin)(struct array *array, size_t rows);
	/* Appends a copy of `row`, which has array->row_bytes bytes and is not part of the array.
	 * On failure the rows so far stay valid. NULL: there are no single appends, as in a program
	 * whose `build` is in another language. */
	enum build_status (*append)(struct array *array, const void *row);
	/* Brings the array into its final form after the last append; on failure the rows stay
	 * valid. NULL: nothing to do. */
	enum build_status (*finish)(struct array *array);
	/*
	 * begin, then `rows` times append of the source's next row, then finish, compiled as one
	 * so that append is inlined. This is what is timed. The source is read from where it
	 * stands. On failure the rows so far stay valid.
	 */
	enum build_status (*build)(struct array *array, size_t rows, struct row_source *source);

	/* Reads every row in order and returns its checksum (checksum.h). */
	uint64_t (*scan)(const struct array *array);
	/* Frees all, after success and after failure alike, and leaves an empty array. Harmless on
	 * an empty one. */
	void (*release)(struct array *array);

	/* Fills *cost for rows >= 0 and row_bytes >= 1. Sums that overflow are UINT64_MAX. A
	 * strategy with a parameter has cost_at instead. Called through strategy_cost_of. */
	void (*cost)(size_t rows, size_t row_bytes, struct strategy_cost *cost);
	void (*cost_at)(uint64_t parameter, size_t rows, size_t row_bytes,
			struct strategy_cost *cost);

	/*
	 * What copying patterns (kernels/patterns/) and programs in other languages need besides;
	 * each may be NULL. None of it is timed, but for `walk`.
	 */

	/* Makes what builds of `rows` rows start from, for good, with memory that is not from
	 * malloc (mmap), so that the allocator under study does not see it: an input array, say,
	 * kept at source->input. Called once, before all else. */
	enum build_status (*prepare)(struct row_source *source, size_t rows);
	/* Gives back what prepare made. */
	void (*dispose)(struct row_source *source);
	/* Brings the input into its first state again. Called before a build that is verified, but
	 * not between the builds of a warm value: there a build starts from what the one before
	 * left. */
	void (*rewind)(struct row_source *source, size_t rows);
	/* The checksum that scan has to find after such a build, worked out in another way. NULL:
	 * it is that of the source's rows (row_source_checksum). */
	uint64_t (*expected)(struct row_source *source, size_t rows);
	/* Reads every element once, as programs in that language do, in whichever order suits them.
	 * NULL: that is what scan does. Otherwise this is what is timed as the scan, and scan only
	 * verifies. */
	void (*walk)(const struct array *array);

	/* A replay's (harness/worker/replay.h): threads that build make one build together, one at
	 * a time, and so on one CPU. */
	bool takes_turns;
	/* For how long builds with this source were not at work since it was prepared: what is
	 * timed leaves it out. NULL: they always were. */
	uint64_t (*paused_ns)(const struct row_source *source);
};

/* Makes the array an empty one again, of the same row_bytes. Frees nothing. */
static inline void array_forget(struct array *array)
{
	array->rows = 0;
	array->capacity = 0;
	array->data = NULL;
	array->index = NULL;
	array->reserved_bytes = 0;
	array->copied_bytes = 0;
	array->container = NULL;
}

/* An empty array of rows of row_bytes (>= 1) bytes. Allocates nothing. */
static inline struct array array_init(size_t row_bytes)
{
	/* Field by field: container_storage would be most of the work. */
	struct array array;

	array.row_bytes = row_bytes;
	array.parameter = 0;
	array_forget(&array);
	return array;
}

/* The same for a strategy, whose value it gets. */
static inline struct array strategy_array(const struct strategy *strategy, size_t row_bytes)
{
	struct array array = array_init(row_bytes);

	array.parameter = strategy->value;
	return array;
}

/* What a build of the strategy costs, in closed form. */
static inline void strategy_cost_of(const struct strategy *strategy, size_t rows, size_t row_bytes,
				    struct strategy_cost *cost)
{
	if (strategy->cost_at != NULL)
		strategy->cost_at(strategy->value, rows, row_bytes, cost);
	else
		strategy->cost(rows, row_bytes, cost);
}

/* Whether the strategy takes rows of row_bytes bytes. */
static inline bool strategy_supports(const struct strategy *strategy, size_t row_bytes)
{
	return strategy->supports == NULL || strategy->supports(row_bytes);
}

/* Those of strategies/ and shapes/ in alphabetical order, then those of containers/ in alphabetical
 * order, then NULL. */
extern const struct strategy *const strategies[];

/* The copying patterns, those of patterns/ in alphabetical order, then NULL. See pattern.h. No two
 * of both tables have the same name, whatever they are written in. */
extern const struct strategy *const patterns[];

/* The strategy or pattern of that implementation (NULL: whichever it is) and name, or NULL. The
 * name of one with a parameter is found without a value. */
const struct strategy *strategy_find(const char *implementation, const char *name);

/* A strategy with a value of its own. Not to be moved: its name is in it. */
struct strategy_instance {
	struct strategy strategy;
	char name[96];
};

/* Makes the strategy that is `base` with this value in text, "1.25", and is named so:
 * realloc_factor:1.25. False if `base` has no parameter, or the text is no value of it. */
bool strategy_with_value(const struct strategy *base, const char *text,
			 struct strategy_instance *instance);

/* Makes it of a value that was read. */
void strategy_of_value(const struct strategy *base, uint64_t value,
		       struct strategy_instance *instance);

#ifdef __cplusplus
}
#endif

#endif
