/*
 * std_list - std::list, one push_back a row.
 *
 * A doubly linked list: each row is a node of its own, behind two pointers. For n rows of b bytes,
 * and s = b + 16, rounded up to a multiple of 8:
 *
 *     calls      n malloc
 *     copied     nothing
 *     peak       s n bytes
 *
 * operator new counts as malloc.
 *
 * From: libstdc++ of GCC 12, list::_M_create_node.
 */
#include <list>

#include "../saturating.h"
#include "cpp_container.hh"

template <typename Row> using list_of = std::list<Row>;

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t pointer_bytes = sizeof(void *);
	const uint64_t row_words = row_bytes / pointer_bytes + (row_bytes % pointer_bytes != 0);
	const uint64_t node_bytes = saturating_multiply(row_words + 2, pointer_bytes);

	*cost = {};
	cost->malloc_count = rows;
	cost->peak_bytes = saturating_multiply(rows, node_bytes);
	cost->peak_moving_bytes = cost->peak_bytes;
	cost->final_bytes = cost->peak_bytes;
}

extern "C" const struct strategy strategy_std_list = container_strategy<list_of>(
	"std_list", "Append to a std::list with push_back", nullptr, cost);
