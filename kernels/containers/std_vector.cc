/*
 * std_vector - std::vector, one push_back a row.
 *
 * When the vector is full it allocates twice as much, copies the rows there, and frees the old
 * block. As C++ has no realloc, it never grows in place, and both blocks are live each time. For n
 * rows of b bytes, and C = the smallest power of two that is not below n:
 *
 *     calls      log2(C) + 1 malloc, log2(C) free (none for n = 0)
 *     copied     b (C - 1) bytes: linear
 *     peak       b (C + C / 2) bytes, b for n = 1
 *
 * operator new counts as malloc, operator delete as free.
 *
 * From: libstdc++ of GCC 12, vector::_M_realloc_insert.
 */
#include <vector>

#include "../growth.h"
#include "../saturating.h"
#include "cpp_container.hh"

template <typename Row> using vector_of = std::vector<Row>;

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const struct growth growth = growth_to(rows, {0, row_bytes, 0}, growth_doubling);
	const uint64_t old_bytes = saturating_multiply(growth.previous, row_bytes);
	const uint64_t new_bytes = saturating_multiply(growth.capacity, row_bytes);

	*cost = {};
	cost->malloc_count = growth.count;
	cost->free_count = growth.count > 0 ? growth.count - 1 : 0;
	cost->copied_bytes = saturating_multiply(growth.moved, row_bytes);
	cost->peak_bytes = saturating_add(old_bytes, new_bytes);
	cost->peak_moving_bytes = cost->peak_bytes;
	cost->final_bytes = new_bytes;
}

extern "C" const struct strategy strategy_std_vector = container_strategy<vector_of>(
	"std_vector", "Append to a std::vector with push_back", "realloc_doubling", cost);
