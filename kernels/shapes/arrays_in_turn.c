/*
 * arrays_in_turn - append to K arrays in turn, each of which doubles when it is full.
 *
 * A program seldom has one array that grows. With several, the memory behind each is soon
 * another's, and a realloc that could have grown in place has to move. arrays_in_turn:1 is
 * realloc_doubling, but for the table: what more arrays add is what neighbours cost. For n rows of
 * b bytes in K arrays, of which r = n % K have q + 1 rows, where q = n / K, and the others q; C(m)
 * the smallest power of two that is not below m, C(0) = 0:
 *
 *     calls      1 calloc of the table, log2(C(m)) + 1 realloc for each array of m > 0 rows
 *     copied     nothing by the strategy, at most b (C(m) - 1) by realloc for each
 *     peak       8 K + b (r C(q + 1) + (K - r) C(q)) bytes; half of the last array that grew more
 *                while realloc moves it
 *
 * K is a power of two.
 *
 * From: a table that is kept by columns, such as the builders of Apache Arrow: a row goes to the
 * end of each.
 */
#include "../in_turn.h"

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	return build_with(array, rows, source, in_turn_begin, in_turn_append, NULL);
}

static void release(struct array *array)
{
	in_turn_release(array);
	array_forget(array);
}

const struct strategy strategy_arrays_in_turn = {
	.name = "arrays_in_turn",
	.implementation = "c",
	.help = "Append to K arrays in turn, each doubled with realloc when it is full",
	.counterpart = "columns, as in Arrow's builders",
	.order = GROWTH_LINEAR,
	.parameter = &in_turn_parameter,
	.value = 8,
	.on_request = true,
	.begin = in_turn_begin,
	.append = in_turn_append,
	.build = build,
	.scan = in_turn_scan,
	.release = release,
	.cost_at = in_turn_cost,
};
