/*
 * glib_array - GArray of GLib, one g_array_append_vals a row.
 *
 * realloc to the next power of two of bytes, not of rows, when the array is full. The GArray itself
 * is a block of h = 40 bytes. For n rows of b bytes, A = the smallest power of two that is not
 * below b and 16, and B = the smallest that is not below b n and A:
 *
 *     calls      1 malloc, log2(B / A) + 1 realloc (none for n = 0)
 *     copied     nothing by the strategy, at most B - A bytes by realloc: linear
 *     peak       B + h bytes, at most B + B / 2 + h while realloc moves the block
 *
 * Without memory GLib ends the process. Up to GLib 2.74 the GArray itself comes from a cache of
 * GLib's own, unless the environment says G_SLICE=always-malloc, which the above holds for; from
 * 2.76 on there is no such cache.
 *
 * From: GLib 2.74, g_array_maybe_expand in glib/garray.c.
 */
#include <glib.h>

#include "../contiguous.h"
#include "../saturating.h"

#define LEAST_BYTES 16

/* What a GArray is behind its public face: struct _GRealArray. */
struct header {
	guint8 *data;
	guint rows, capacity, row_bytes, flags;
	gint reference_count;
	GDestroyNotify clear;
};

/* Rows are measured by a guint. */
static bool supports(size_t row_bytes)
{
	return row_bytes <= G_MAXUINT;
}

/* The array's container, made if there is none. */
static GArray *container_of(struct array *array)
{
	if (array->container == NULL)
		array->container = g_array_new(FALSE, FALSE, (guint)array->row_bytes);
	return array->container;
}

/* Tells what the container can be asked for, which is not its capacity. */
static void note(struct array *array, const GArray *container)
{
	array->rows = container->len;
	array->data = (unsigned char *)container->data;
}

static enum build_status append(struct array *array, const void *row)
{
	if (!supports(array->row_bytes))
		return BUILD_OUT_OF_MEMORY;
	note(array, g_array_append_vals(container_of(array), row, 1));
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	GArray *container;

	if (rows == 0)
		return BUILD_OK;
	if (!supports(array->row_bytes))
		return BUILD_OUT_OF_MEMORY;
	container = container_of(array);
	for (size_t row = 0; row < rows; row++)
		g_array_append_vals(container, row_source_next(source), 1);
	note(array, container);
	return BUILD_OK;
}

static void release(struct array *array)
{
	if (array->container != NULL)
		g_array_free(array->container, TRUE);
	array_forget(array);
}

/* The smallest power of two that is below neither. */
static uint64_t power_of_two(uint64_t bytes, uint64_t least)
{
	uint64_t power = least;

	while (power < bytes)
		power = saturating_multiply(power, 2);
	return power;
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t first = power_of_two(row_bytes, LEAST_BYTES);
	const uint64_t last = power_of_two(saturating_multiply(rows, row_bytes), first);
	uint64_t growths = 1;

	*cost = (struct strategy_cost){0};
	if (rows == 0)
		return;
	for (uint64_t bytes = first; bytes < last; bytes = saturating_multiply(bytes, 2))
		growths++;
	cost->malloc_count = 1;
	cost->realloc_count = growths;
	cost->realloc_moved_bytes = last - first;
	cost->final_bytes = saturating_add(last, sizeof(struct header));
	cost->peak_bytes = cost->final_bytes;
	cost->peak_moving_bytes = saturating_add(cost->final_bytes, growths > 1 ? last / 2 : 0);
}

const struct strategy strategy_glib_array = {
	.name = "glib_array",
	.implementation = "glib",
	.help = "Append to a GArray with g_array_append_vals",
	.counterpart = "realloc_doubling",
	.order = GROWTH_LINEAR,
	.supports = supports,
	.aborts_without_memory = true,
	.append = append,
	.build = build,
	.scan = contiguous_scan,
	.release = release,
	.cost = cost,
};
