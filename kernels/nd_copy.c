/*
 * Copying between arrays that differ in strides: to[...] = from.
 *
 * 1. Both arrays are brought into a simple form: axes of length 1 go, those on which `to` runs
 *    backwards are turned round in both, they are sorted so that `to` is written in the order of
 *    its memory, and neighbours that are one run in both arrays become one axis.
 * 2. What is left has a last axis, along which `to` is written. If `from` lies closest along the
 *    same axis, the copy is a number of runs: memcpy where both are contiguous, else a loop of
 * loads at a stride. If `from` lies closest along another axis, the two axes are a transposition
 *    (nd_transposition.h), and all other axes are a loop around it.
 */
#include "ndarray.h"

#include <string.h>

#include "nd_make.h"
#include "nd_run.h"
#include "nd_transposition.h"

struct copy_axis {
	size_t length;
	ptrdiff_t to_stride;
	ptrdiff_t from_stride;
};

/* Two arrays as they are copied: the last axis is the one on which `to` lies closest. */
struct copy_plan {
	unsigned char *to;
	const unsigned char *from;
	size_t itemsize;
	size_t count;
	struct copy_axis axes[ND_MOST_AXES];
};

static size_t distance(ptrdiff_t stride)
{
	return stride < 0 ? 0 - (size_t)stride : (size_t)stride;
}

/* Puts an axis into its place behind those on which `to` has a larger stride. */
static void insert_axis(struct copy_plan *plan, struct copy_axis axis)
{
	size_t place = plan->count++;

	while (place > 0 && distance(plan->axes[place - 1].to_stride) < distance(axis.to_stride)) {
		plan->axes[place] = plan->axes[place - 1];
		place--;
	}
	plan->axes[place] = axis;
}

static bool are_one_run(const struct copy_axis *outer, const struct copy_axis *inner)
{
	const ptrdiff_t length = (ptrdiff_t)inner->length;

	return outer->to_stride == length * inner->to_stride &&
	       outer->from_stride == length * inner->from_stride;
}

static void join_axes(struct copy_plan *plan)
{
	size_t last = 0;

	for (size_t axis = 1; axis < plan->count; axis++) {
		if (are_one_run(&plan->axes[last], &plan->axes[axis])) {
			const size_t outer_length = plan->axes[last].length;

			plan->axes[last] = plan->axes[axis];
			plan->axes[last].length *= outer_length;
		} else {
			plan->axes[++last] = plan->axes[axis];
		}
	}
	plan->count = last + 1;
}

/* The arrays have a shape in common, and elements. */
static void make_plan(struct copy_plan *plan, const struct ndarray *to, const struct ndarray *from)
{
	plan->to = to->data;
	plan->from = from->data;
	plan->itemsize = to->itemsize;
	plan->count = 0;
	for (size_t i = 0; i < to->ndim; i++) {
		struct copy_axis axis = {to->shape[i], to->strides[i], from->strides[i]};

		if (axis.length == 1)
			continue;
		if (axis.to_stride < 0) {
			plan->to += (ptrdiff_t)(axis.length - 1) * axis.to_stride;
			plan->from += (ptrdiff_t)(axis.length - 1) * axis.from_stride;
			axis.to_stride = -axis.to_stride;
			axis.from_stride = -axis.from_stride;
		}
		insert_axis(plan, axis);
	}
	if (plan->count == 0)
		insert_axis(plan, (struct copy_axis){1, (ptrdiff_t)to->itemsize,
						     (ptrdiff_t)to->itemsize});
	join_axes(plan);
}

/* Takes an axis out, and returns it. */
static struct copy_axis take_axis(struct copy_plan *plan, size_t place)
{
	const struct copy_axis axis = plan->axes[place];

	plan->count--;
	for (size_t i = place; i < plan->count; i++)
		plan->axes[i] = plan->axes[i + 1];
	return axis;
}

/* The axis along which `from` lies closest; the last one if there are several. */
static size_t closest_in_from(const struct copy_plan *plan)
{
	size_t closest = plan->count - 1;

	for (size_t axis = plan->count - 1; axis-- > 0;)
		if (distance(plan->axes[axis].from_stride) <
		    distance(plan->axes[closest].from_stride))
			closest = axis;
	return closest;
}

/* Steps through the axes of the plan, as nd_walk_next does. False after the last place. */
static bool next_place(struct copy_plan *plan, size_t *index)
{
	for (size_t i = plan->count; i-- > 0;) {
		const struct copy_axis *axis = &plan->axes[i];

		plan->to += axis->to_stride;
		plan->from += axis->from_stride;
		if (++index[i] < axis->length)
			return true;
		index[i] = 0;
		plan->to -= (ptrdiff_t)axis->length * axis->to_stride;
		plan->from -= (ptrdiff_t)axis->length * axis->from_stride;
	}
	return false;
}

static void copy_runs(struct copy_plan *plan)
{
	const struct copy_axis inner = take_axis(plan, plan->count - 1);
	const struct nd_run run = {inner.length, plan->itemsize, inner.to_stride,
				   inner.from_stride};
	size_t index[ND_MOST_AXES] = {0};

	do
		nd_run_copy(&run, plan->to, plan->from);
	while (next_place(plan, index));
}

static void copy_transposed(struct copy_plan *plan, size_t row_axis)
{
	const struct copy_axis columns = take_axis(plan, plan->count - 1);
	const struct copy_axis rows = take_axis(plan, row_axis);
	const struct nd_transposition transposition = {
		.itemsize = plan->itemsize,
		.rows = rows.length,
		.columns = columns.length,
		.to_row_stride = rows.to_stride,
		.to_column_stride = columns.to_stride,
		.from_row_stride = rows.from_stride,
		.from_column_stride = columns.from_stride,
	};
	size_t index[ND_MOST_AXES] = {0};

	do
		nd_transposition_copy(&transposition, plan->to, plan->from);
	while (next_place(plan, index));
}

/* Also says how many elements that are. A loop, as there are few axes: a call of memcmp would take
 * as long as a short copy. */
static bool have_one_shape(const struct ndarray *to, const struct ndarray *from, size_t *size)
{
	if (to->itemsize != from->itemsize || to->ndim != from->ndim)
		return false;
	*size = 1;
	for (size_t axis = 0; axis < to->ndim; axis++) {
		if (to->shape[axis] != from->shape[axis])
			return false;
		*size *= to->shape[axis];
	}
	return true;
}

static void copy_by_plan(const struct ndarray *to, const struct ndarray *from)
{
	struct copy_plan plan;
	size_t closest;

	make_plan(&plan, to, from);
	closest = closest_in_from(&plan);
	if (closest == plan.count - 1)
		copy_runs(&plan);
	else
		copy_transposed(&plan, closest);
}

enum nd_status nd_copy_into(const struct ndarray *to, const struct ndarray *from)
{
	size_t size;

	if (!have_one_shape(to, from, &size) || !(to->flags & ND_WRITEABLE))
		return ND_REFUSED;
	if (size == 0)
		return ND_OK;
	if (to->flags & from->flags & (ND_C_CONTIGUOUS | ND_F_CONTIGUOUS))
		nd_bytes_copy(to->data, from->data, size * to->itemsize);
	else
		copy_by_plan(to, from);
	return ND_OK;
}

enum nd_status nd_copy(struct ndarray *result, const struct ndarray *array)
{
	const enum nd_status status = nd_make(result, array->itemsize, array->ndim, array->shape);

	if (status != ND_OK)
		return status;
	return nd_copy_into(result, array);
}
