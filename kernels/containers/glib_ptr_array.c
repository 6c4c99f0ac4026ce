/*
 * glib_ptr_array - GPtrArray of GLib, one g_ptr_array_add of a g_memdup2 a row.
 *
 * Each row is a block of its own; the array of their addresses doubles, from 2 on. The GPtrArray
 * itself is a block of h = 32 bytes. For n rows of b bytes, and C = the smallest power of two that
 * is not below n, at least 2:
 *
 *     calls      n + 1 malloc, log2(C) realloc (none for n = 0)
 *     copied     nothing by the strategy, at most 8 (C - 2) bytes by realloc
 *     peak       b n + 8 C + h bytes; while realloc moves the addresses at most
 *                b (C / 2 + 1) + 8 (C / 2 + C) + h, if that is more
 *
 * Without memory GLib ends the process. Of its cache for the GPtrArray itself see glib_array.c.
 *
 * From: GLib 2.74, g_ptr_array_maybe_expand in glib/garray.c.
 */
#include <glib.h>

#include "../growth.h"
#include "../pointer_list.h"
#include "../saturating.h"

/* What a GPtrArray is behind its public face: struct _GRealPtrArray. */
struct header {
	gpointer *rows;
	guint count, capacity;
	gint reference_count;
	guint8 flags;
	GDestroyNotify free_row;
};

/* The array's container, made if there is none. */
static GPtrArray *container_of(struct array *array)
{
	if (array->container == NULL)
		array->container = g_ptr_array_new_with_free_func(g_free);
	return array->container;
}

/* Tells what the container can be asked for, which is not its capacity. */
static void note(struct array *array, const GPtrArray *container)
{
	array->rows = container->len;
	array->index = (unsigned char **)container->pdata;
}

static enum build_status append(struct array *array, const void *row)
{
	g_ptr_array_add(container_of(array), g_memdup2(row, array->row_bytes));
	note(array, array->container);
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	const size_t row_bytes = array->row_bytes;
	GPtrArray *container;

	if (rows == 0)
		return BUILD_OK;
	container = container_of(array);
	for (size_t row = 0; row < rows; row++)
		g_ptr_array_add(container, g_memdup2(row_source_next(source), row_bytes));
	note(array, container);
	return BUILD_OK;
}

static void release(struct array *array)
{
	if (array->container != NULL)
		g_ptr_array_free(array->container, TRUE);
	array_forget(array);
}

/* 0, 2, 4, 8, ... */
static size_t next_capacity(struct capacity full)
{
	return full.count == 0 ? 2 : 2 * full.count;
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const struct growth growth =
		growth_to(rows, (struct capacity){.row_bytes = sizeof(gpointer)}, next_capacity);
	const uint64_t slots_bytes = saturating_multiply(growth.capacity, sizeof(gpointer));
	const uint64_t old_slots_bytes = saturating_multiply(growth.previous, sizeof(gpointer));
	const uint64_t header_bytes = sizeof(struct header);
	/* The row that there was no slot for is there already. */
	const uint64_t rows_at_last_move = saturating_add(growth.previous, 1);
	uint64_t last_move_bytes = saturating_multiply(rows_at_last_move, row_bytes);

	*cost = (struct strategy_cost){0};
	if (rows == 0)
		return;
	last_move_bytes = saturating_add(last_move_bytes, old_slots_bytes);
	last_move_bytes = saturating_add(last_move_bytes, slots_bytes);
	last_move_bytes = saturating_add(last_move_bytes, header_bytes);
	cost->malloc_count = saturating_add(rows, 1);
	cost->realloc_count = growth.count;
	cost->realloc_moved_bytes = saturating_multiply(growth.moved, sizeof(gpointer));
	cost->final_bytes = saturating_add(saturating_multiply(rows, row_bytes),
					   saturating_add(slots_bytes, header_bytes));
	cost->peak_bytes = cost->final_bytes;
	cost->peak_moving_bytes = larger(cost->final_bytes, last_move_bytes);
}

const struct strategy strategy_glib_ptr_array = {
	.name = "glib_ptr_array",
	.implementation = "glib",
	.help = "Add a copy of each row, in a block of its own, to a GPtrArray",
	.counterpart = "list_of_pointers",
	.order = GROWTH_LINEAR,
	.aborts_without_memory = true,
	.append = append,
	.build = build,
	.scan = pointer_list_scan,
	.release = release,
	.cost = cost,
};
