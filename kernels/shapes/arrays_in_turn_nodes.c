/*
 * arrays_in_turn_nodes - append to K arrays in turn, and allocate a small node for each row.
 *
 * As arrays_in_turn, but between any two appends the program takes 32 bytes for something else, and
 * keeps them: a node of a list, a name, a key. What lies behind an array is then not only another
 * array, which moves away when it grows, but what stays. For n rows:
 *
 *     calls      n malloc, and those of arrays_in_turn
 *     copied     as arrays_in_turn
 *     peak       32 n bytes more than arrays_in_turn
 *
 * From: a parser that fills columns and makes an object for each line.
 */
#include <stdlib.h>

#include "../in_turn.h"
#include "../saturating.h"

/* They are a list, whose last one array->data has, to be found when all is freed. */
struct node {
	struct node *before;
	uint64_t content[3];
};

static inline enum build_status append(struct array *array, const void *row)
{
	struct node *const node = malloc(sizeof *node);

	if (node == NULL)
		return BUILD_OUT_OF_MEMORY;
	/* An append that failed must not leave an array that has grown: the node comes first. */
	if (in_turn_append(array, row) != BUILD_OK) {
		free(node);
		return BUILD_OUT_OF_MEMORY;
	}
	*node = (struct node){.before = (void *)array->data, .content = {array->rows}};
	array->data = (void *)node;
	return BUILD_OK;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, in_turn_begin, append, NULL);
}

static void release(struct array *array)
{
	struct node *node = (void *)array->data;

	while (node != NULL) {
		struct node *const before = node->before;

		free(node);
		node = before;
	}
	in_turn_release(array);
	array_forget(array);
}

static void cost_at(uint64_t arrays, size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t bytes = saturating_multiply(rows, sizeof(struct node));
	uint64_t moving_bytes;

	in_turn_cost(arrays, rows, row_bytes, cost);
	if (rows == 0)
		return;
	moving_bytes =
		saturating_multiply(in_turn_last_growth(arrays, rows) + 1, sizeof(struct node));
	cost->malloc_count = rows;
	cost->peak_bytes = saturating_add(cost->peak_bytes, bytes);
	cost->final_bytes = cost->peak_bytes;
	cost->peak_moving_bytes =
		larger(cost->peak_bytes, saturating_add(cost->peak_moving_bytes, moving_bytes));
}

const struct strategy strategy_arrays_in_turn_nodes = {
	.name = "arrays_in_turn_nodes",
	.implementation = "c",
	.help = "Append to K arrays in turn, and allocate a small node for each row",
	.counterpart = "columns, and an object for each line",
	.order = GROWTH_LINEAR,
	.parameter = &in_turn_parameter,
	.value = 8,
	.on_request = true,
	.begin = in_turn_begin,
	.append = append,
	.build = build,
	.scan = in_turn_scan,
	.release = release,
	.cost_at = cost_at,
};
