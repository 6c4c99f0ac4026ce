/*
 * list_of_pointers - one malloc for each row, and a growing array of pointers to them.
 *
 * What a Python list does: it holds only references, so a growth moves 8 bytes a row whatever the
 * row's size, and leaves the rows where they are. The price is an allocation for each row, and a
 * scan that follows a pointer to each. For n rows of b bytes, and the capacities c1 < ... < ck of
 * CPython's rule (growth.h), ck being the first that is not below n:
 *
 *     calls      n malloc, k realloc
 *     copied     nothing by the strategy, at most 8 (c1 + ... + c(k-1)) bytes by realloc
 *     peak       b n + 8 ck bytes; while realloc moves the pointers at most
 *                b c(k-1) + 8 (c(k-1) + ck), if that is more
 *
 * From: CPython's list of objects, `rows.append(row)`.
 */
#include "../build.h"
#include "../pointer_list.h"

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, NULL, pointer_list_append, NULL);
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	block_index_cost(rows, row_bytes, growth_cpython, cost);
}

const struct strategy strategy_list_of_pointers = {
	.name = "list_of_pointers",
	.implementation = "c",
	.help = "Allocate every row by itself and keep a growing list of pointers",
	.counterpart = "Python list",
	.order = GROWTH_LINEAR,
	.append = pointer_list_append,
	.build = build,
	.scan = pointer_list_scan,
	.release = pointer_list_release,
	.cost = cost,
};
