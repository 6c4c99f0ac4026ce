/* The array model where it cannot be held against NumPy: limits, memory, and copies of every kind
 * against the simplest one. */
#include "cmocka_headers.h"

#include <string.h>

#include "../nd_arithmetic.h"
#include "../ndarray.h"
#include "counting_allocator.h"
#include "suites.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define HUGE_LENGTH ((size_t)1 << 62)

static void assert_is_nothing(struct ndarray *array)
{
	assert_null(array->data);
	assert_null(array->base);
	assert_int_equal(nd_size(array), 0);
	assert_int_equal(array->flags & ND_OWNER, 0);
	nd_release(array);
	assert_int_equal(counting_allocator_counts()->live_blocks, 0);
}

static void shapes_that_overflow_are_refused(void **state)
{
	static const size_t shapes[][3] = {
		{HUGE_LENGTH, 1, 1},           {1, HUGE_LENGTH, 1},
		{HUGE_LENGTH, HUGE_LENGTH, 4}, {SIZE_MAX, 1, 1},
		{SIZE_MAX, SIZE_MAX, 1},       {(size_t)1 << 32, (size_t)1 << 32, 1},
		{(size_t)1 << 60, 1, 1},       {0, HUGE_LENGTH, 1},
		{HUGE_LENGTH, 0, 4},           {(size_t)1 << 40, 0, (size_t)1 << 40},
	};
	double element = 0;
	struct ndarray scalar;
	struct ndarray array;

	(void)state;
	assert_int_equal(nd_wrap(&scalar, &element, sizeof element, 0, NULL), ND_OK);
	for (size_t i = 0; i < COUNT(shapes); i++) {
		assert_int_equal(nd_make(&array, 8, 3, shapes[i]), ND_TOO_BIG);
		assert_is_nothing(&array);
		assert_int_equal(nd_wrap(&array, &element, 8, 3, shapes[i]), ND_TOO_BIG);
		assert_is_nothing(&array);
		assert_int_equal(nd_broadcast_to(&array, &scalar, 3, shapes[i]), ND_TOO_BIG);
		assert_is_nothing(&array);
	}
	assert_int_equal(counting_allocator_counts()->malloc_count, 0);
}

static void more_axes_than_there_can_be_are_refused(void **state)
{
	size_t shape[ND_MOST_AXES + 1];
	ptrdiff_t lengths[ND_MOST_AXES + 1];
	double element = 7;
	struct ndarray array;
	struct ndarray view;

	(void)state;
	for (size_t axis = 0; axis <= ND_MOST_AXES; axis++) {
		shape[axis] = 1;
		lengths[axis] = 1;
	}
	assert_int_equal(nd_wrap(&array, &element, 8, ND_MOST_AXES + 1, shape), ND_TOO_BIG);
	assert_int_equal(nd_make(&array, 8, ND_MOST_AXES + 1, shape), ND_TOO_BIG);
	assert_int_equal(nd_wrap(&array, &element, 8, ND_MOST_AXES, shape), ND_OK);
	assert_int_equal(nd_broadcast_to(&view, &array, ND_MOST_AXES + 1, shape), ND_TOO_BIG);
	assert_int_equal(nd_reshape(&view, &array, ND_MOST_AXES + 1, lengths), ND_TOO_BIG);
	assert_int_equal(nd_reshape(&view, &array, ND_MOST_AXES, lengths), ND_OK);
	assert_int_equal(nd_transpose(&view, &array, NULL), ND_OK);
	assert_int_equal(view.ndim, ND_MOST_AXES);
}

static void what_does_not_fit_in_memory_is_out_of_memory(void **state)
{
	const size_t shape = (size_t)1 << 59;
	struct ndarray array;

	(void)state;
	assert_int_equal(nd_make(&array, 8, 1, &shape), ND_OUT_OF_MEMORY);
	assert_is_nothing(&array);
}

static void an_array_without_axes_has_one_element(void **state)
{
	struct ndarray array;
	struct ndarray copy;
	struct ndarray view;
	const ptrdiff_t index = 0;
	const ptrdiff_t lengths[2] = {1, -1};

	(void)state;
	assert_int_equal(nd_make(&array, 8, 0, NULL), ND_OK);
	assert_int_equal(nd_size(&array), 1);
	assert_int_equal(array.flags, ND_C_CONTIGUOUS | ND_F_CONTIGUOUS | ND_OWNER | ND_WRITEABLE);
	memcpy(array.data, "growbenc", 8);
	assert_int_equal(nd_copy(&copy, &array), ND_OK);
	assert_memory_equal(copy.data, "growbenc", 8);
	assert_int_equal(nd_reshape(&view, &array, 2, lengths), ND_OK);
	assert_ptr_equal(view.data, array.data);
	assert_ptr_equal(view.base, &array);
	assert_int_equal(view.ndim, 2);
	assert_int_equal(nd_as_contiguous(&view, &array), ND_OK);
	assert_int_equal(view.ndim, 1);
	assert_int_equal(nd_index(&view, &array, 1, &index), ND_REFUSED);
	assert_int_equal(nd_take_rows(&view, &array, 1, &index), ND_REFUSED);
	nd_release(&copy);
	nd_release(&array);
}

static void an_array_without_elements_has_no_memory(void **state)
{
	static const size_t shape[3] = {3, 0, 5};
	static const ptrdiff_t index[2] = {2, 0};
	static const struct nd_slice backwards = {ND_NONE, ND_NONE, -1};
	struct ndarray array;
	struct ndarray result;

	(void)state;
	assert_int_equal(nd_make(&array, 8, 3, shape), ND_OK);
	assert_int_equal(nd_size(&array), 0);
	assert_int_equal(array.flags & (ND_C_CONTIGUOUS | ND_F_CONTIGUOUS),
			 ND_C_CONTIGUOUS | ND_F_CONTIGUOUS);
	assert_int_equal(nd_index(&result, &array, 1, index), ND_OK);
	assert_int_equal(result.ndim, 2);
	assert_int_equal(nd_index(&result, &array, 2, index), ND_REFUSED);
	assert_int_equal(nd_slice(&result, &array, 1, &backwards), ND_OK);
	assert_int_equal(nd_copy(&result, &array), ND_OK);
	assert_int_equal(nd_copy_into(&result, &array), ND_OK);
	nd_release(&result);
	assert_int_equal(nd_add(&result, &array, &array), ND_OK);
	nd_release(&result);
	nd_release(&array);
	assert_int_equal(counting_allocator_counts()->malloc_count, 0);
}

static void assert_leaves_nothing(enum nd_status status, const struct ndarray *result)
{
	assert_int_equal(status, ND_OUT_OF_MEMORY);
	assert_null(result->data);
}

static void copies_that_fail_leave_nothing(void **state)
{
	static const size_t shape[2] = {4, 6};
	static const ptrdiff_t rows[2] = {3, 1};
	static const ptrdiff_t all = -1;
	struct ndarray array;
	struct ndarray view;
	struct ndarray result;

	(void)state;
	assert_int_equal(nd_make(&array, 8, 2, shape), ND_OK);
	memset(array.data, 0, nd_bytes(&array));
	assert_int_equal(nd_transpose(&view, &array, NULL), ND_OK);
	counting_allocator_fail(FAIL_ALL_FROM, 1);
	assert_leaves_nothing(nd_copy(&result, &array), &result);
	assert_leaves_nothing(nd_reshape(&result, &view, 1, &all), &result);
	assert_leaves_nothing(nd_ravel(&result, &view), &result);
	assert_leaves_nothing(nd_as_contiguous(&result, &view), &result);
	assert_leaves_nothing(nd_take_rows(&result, &view, 2, rows), &result);
	assert_leaves_nothing(nd_sum_rows(&result, &array), &result);
	assert_leaves_nothing(nd_sum_columns(&result, &array), &result);
	assert_leaves_nothing(nd_add(&result, &array, &array), &result);
	assert_leaves_nothing(nd_multiply_by(&result, &array, 2), &result);
	assert_leaves_nothing(nd_add_number(&result, &array, 1), &result);
	assert_leaves_nothing(nd_multiply_add(&result, &array, 2, &array, 1), &result);
	nd_release(&result);
	counting_allocator_fail(FAIL_ALL_FROM, 0);
	for (size_t i = 0; i < nd_bytes(&array); i++)
		assert_int_equal(array.data[i], 0);
	nd_release(&array);
}

static void a_broadcast_view_is_not_written_to(void **state)
{
	static const size_t shape[2] = {3, 4};
	double row[4] = {1, 2, 3, 4};
	double all[12] = {0};
	struct ndarray narrow;
	struct ndarray broadcast;
	struct ndarray wide;

	(void)state;
	assert_int_equal(nd_wrap(&narrow, row, 8, 1, &shape[1]), ND_OK);
	assert_int_equal(nd_wrap(&wide, all, 8, 2, shape), ND_OK);
	assert_int_equal(nd_broadcast_to(&broadcast, &narrow, 2, shape), ND_OK);
	assert_int_equal(nd_copy_into(&broadcast, &wide), ND_REFUSED);
	assert_int_equal(nd_add_to(&broadcast, &wide), ND_REFUSED);
	assert_int_equal(nd_copy_into(&wide, &broadcast), ND_OK);
	assert_int_equal(nd_add_to(&wide, &broadcast), ND_OK);
	for (size_t i = 0; i < 12; i++)
		assert_true(all[i] == 2 * row[i % 4]);
	/* Of another shape, or of other items. */
	assert_int_equal(nd_copy_into(&wide, &narrow), ND_REFUSED);
	assert_int_equal(nd_add(&broadcast, &wide, &narrow), ND_REFUSED);
	assert_int_equal(nd_wrap(&broadcast, all, 4, 2, shape), ND_OK);
	assert_int_equal(nd_copy_into(&wide, &broadcast), ND_REFUSED);
	assert_int_equal(nd_sum_rows(&narrow, &broadcast), ND_REFUSED);
}

/* to[...] = from, element by element. */
static void copy_by_walking(const struct ndarray *to, const struct ndarray *from)
{
	struct nd_walk to_walk;
	struct nd_walk from_walk;

	nd_walk_start(&from_walk, from);
	for (nd_walk_start(&to_walk, to); to_walk.left > 0; nd_walk_next(&to_walk)) {
		memcpy(to->data + (to_walk.place - to->data), from_walk.place, to->itemsize);
		nd_walk_next(&from_walk);
	}
}

/* Large enough for two arrays of 40 x 35 x 3 items of 24 bytes, every second of which is used. */
static unsigned char source_memory[40 * 35 * 3 * 24];
static unsigned char wanted_memory[2 * 2 * 40 * 35 * 3 * 24];
static unsigned char found_memory[2 * 2 * 40 * 35 * 3 * 24];

static const ptrdiff_t axis_orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					   {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
static const ptrdiff_t steps[] = {1, -1, 2, -2};

/* A view of memory that holds items of that shape, with axes in such an order in memory, and such
 * steps along the first and the last of them. */
static void make_view(struct ndarray *view, unsigned char *memory, size_t itemsize,
		      const size_t *shape, const ptrdiff_t *order, ptrdiff_t first, ptrdiff_t last)
{
	const struct nd_slice slices[3] = {
		{ND_NONE, ND_NONE, first}, {ND_NONE, ND_NONE, ND_NONE}, {ND_NONE, ND_NONE, last}};
	ptrdiff_t back[3];
	size_t lengths[3];
	struct ndarray whole;
	struct ndarray sliced;

	for (size_t axis = 0; axis < 3; axis++) {
		lengths[axis] = shape[order[axis]];
		back[order[axis]] = (ptrdiff_t)axis;
	}
	if (first == 2 || first == -2)
		lengths[0] *= 2;
	if (last == 2 || last == -2)
		lengths[2] *= 2;
	assert_int_equal(nd_wrap(&whole, memory, itemsize, 3, lengths), ND_OK);
	assert_int_equal(nd_slice(&sliced, &whole, 3, slices), ND_OK);
	assert_int_equal(nd_transpose(view, &sliced, back), ND_OK);
	assert_memory_equal(view->shape, shape, sizeof lengths);
}

static void copies_like_a_walk(size_t itemsize, const size_t *shape, const ptrdiff_t *order,
			       ptrdiff_t first, ptrdiff_t last)
{
	struct ndarray wanted;
	struct ndarray found;
	struct ndarray from;

	assert_int_equal(nd_wrap(&from, source_memory, itemsize, 3, shape), ND_OK);
	memset(wanted_memory, 0, sizeof wanted_memory);
	memset(found_memory, 0, sizeof found_memory);
	make_view(&wanted, wanted_memory, itemsize, shape, order, first, last);
	make_view(&found, found_memory, itemsize, shape, order, first, last);
	copy_by_walking(&wanted, &from);
	assert_int_equal(nd_copy_into(&found, &from), ND_OK);
	/* Nothing else is written to either. */
	assert_same_bytes(found_memory, wanted_memory, sizeof wanted_memory);
	/* And back. */
	memset(wanted_memory, 0, sizeof wanted_memory);
	assert_int_equal(nd_wrap(&wanted, wanted_memory, itemsize, 3, shape), ND_OK);
	assert_int_equal(nd_copy_into(&wanted, &found), ND_OK);
	assert_same_bytes(wanted_memory, source_memory, nd_bytes(&wanted));
}

/* By memcpy, by runs, by tiles and by blocks, into memory in any order and out of it. */
static void copies_of_all_kinds_are_as_a_walk(void **state)
{
	static const size_t itemsizes[] = {1, 2, 3, 4, 8, 16, 24};
	static const size_t shapes[][3] = {
		{40, 35, 3}, {8, 16, 1}, {1, 9, 17}, {5, 1, 1}, {3, 24, 8}};

	(void)state;
	for (size_t i = 0; i < sizeof source_memory; i++)
		source_memory[i] = (unsigned char)(i % 251 + 1);
	for (size_t s = 0; s < COUNT(shapes); s++)
		for (size_t i = 0; i < COUNT(itemsizes); i++)
			for (size_t o = 0; o < COUNT(axis_orders); o++)
				for (size_t k = 0; k < COUNT(steps) * COUNT(steps); k++)
					copies_like_a_walk(itemsizes[i], shapes[s], axis_orders[o],
							   steps[k / COUNT(steps)],
							   steps[k % COUNT(steps)]);
}

/* memcpy is not used where the target lies just behind the source: see nd_run.h. */
static void contiguous_copies_are_complete_at_any_distance(void **state)
{
	static unsigned char from[3 * 4096];
	static unsigned char to[4 * 4096];
	static const size_t sizes[] = {1, 8, 2047, 2048, 2049, 4096, 5000, 8192};
	const size_t start = 4096 - ((uintptr_t)to - (uintptr_t)from) % 4096;

	(void)state;
	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (unsigned char)(i % 251 + 1);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		for (size_t behind = 0; behind <= 65; behind++) {
			unsigned char *const target = to + start + behind;
			struct ndarray a;
			struct ndarray b;

			memset(to, 0, sizeof to);
			assert_int_equal(nd_wrap(&a, target, 1, 1, &sizes[i]), ND_OK);
			assert_int_equal(nd_wrap(&b, from, 1, 1, &sizes[i]), ND_OK);
			assert_int_equal(nd_copy_into(&a, &b), ND_OK);
			assert_same_bytes(target, from, sizes[i]);
			assert_int_equal(target[-1], 0);
			assert_int_equal(target[sizes[i]], 0);
		}
	}
}

/* More than the caches hold, in which the tiles start with a line of the source where there is one.
 */
static void large_transpositions_are_as_a_walk(void **state)
{
	static const size_t shapes[][2] = {{1000, 600}, {601, 1001}, {4096, 170}, {3, 200000}, {0}};
	static const size_t offsets[] = {0, 8, 16, 56};

	(void)state;
	for (size_t i = 0; i < COUNT(shapes) * COUNT(offsets); i++) {
		const size_t *const shape = shapes[i / COUNT(offsets)];
		struct ndarray memory;
		struct ndarray whole;
		struct ndarray view;
		struct ndarray copy;
		const size_t bytes = 8 * shape[0] * shape[1] + 128;
		uint64_t *start;

		assert_int_equal(nd_make(&memory, 1, 1, &bytes), ND_OK);
		start = (uint64_t *)(void *)(memory.data + 64 - (uintptr_t)memory.data % 64 +
					     offsets[i % COUNT(offsets)]);
		for (uint64_t e = 0; e < shape[0] * shape[1]; e++)
			start[e] = e + 1;
		assert_int_equal(nd_wrap(&whole, start, 8, 2, shape), ND_OK);
		assert_int_equal(nd_transpose(&view, &whole, NULL), ND_OK);
		assert_int_equal(nd_copy(&copy, &view), ND_OK);
		for (size_t e = 0; e < shape[0] * shape[1]; e++)
			if (((uint64_t *)(void *)copy.data)[e] !=
			    e % shape[0] * shape[1] + e / shape[0] + 1)
				fail_msg("element %zu of %zu x %zu is wrong", e, shape[1],
					 shape[0]);
		nd_release(&copy);
		nd_release(&memory);
	}
}

/* Strides that nobody follows may be anything, and must not be computed with. */
static void steps_past_the_end_of_memory_do_not_matter(void **state)
{
	static const size_t shape[2] = {2, 3};
	static const struct nd_slice slices[2] = {{ND_NONE, ND_NONE, PTRDIFF_MAX},
						  {ND_NONE, ND_NONE, -PTRDIFF_MAX}};
	double elements[6] = {1, 2, 3, 4, 5, 6};
	struct ndarray array;
	struct ndarray view;
	struct ndarray again;
	struct ndarray copy;

	(void)state;
	assert_int_equal(nd_wrap(&array, elements, 8, 2, shape), ND_OK);
	assert_int_equal(nd_slice(&view, &array, 2, slices), ND_OK);
	assert_int_equal(nd_size(&view), 1);
	assert_int_equal(nd_slice(&again, &view, 2, slices), ND_OK);
	assert_int_equal(nd_copy(&copy, &again), ND_OK);
	assert_memory_equal(copy.data, &elements[2], 8);
	nd_release(&copy);
}

static const struct test tests[] = {
	{"shapes that overflow are refused", shapes_that_overflow_are_refused},
	{"more than 32 axes are refused", more_axes_than_there_can_be_are_refused},
	{"what does not fit in memory is out of memory",
	 what_does_not_fit_in_memory_is_out_of_memory},
	{"an array without axes has one element", an_array_without_axes_has_one_element},
	{"an array without elements has no memory", an_array_without_elements_has_no_memory},
	{"copies that fail leave nothing", copies_that_fail_leave_nothing},
	{"a broadcast view is not written to", a_broadcast_view_is_not_written_to},
	{"copies of all kinds are as a walk", copies_of_all_kinds_are_as_a_walk},
	{"large transpositions are as a walk", large_transpositions_are_as_a_walk},
	{"contiguous copies are complete at any distance",
	 contiguous_copies_are_complete_at_any_distance},
	{"steps past the end of memory do not matter", steps_past_the_end_of_memory_do_not_matter},
	{0},
};

const struct suite suite_ndarray = {.name = "ndarray", .tests = tests};
