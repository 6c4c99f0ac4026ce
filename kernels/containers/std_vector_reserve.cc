/*
 * std_vector_reserve - std::vector, reserve for all rows, then one push_back a row.
 *
 * Nothing is ever copied, but each push_back asks all the same whether there is room. For n rows of
 * b bytes:
 *
 *     calls      1 malloc (none for n = 0)
 *     copied     nothing
 *     peak       b n bytes
 *
 * operator new counts as malloc.
 *
 * From: libstdc++ of GCC 12, vector::reserve.
 */
#include <vector>

#include "../saturating.h"
#include "cpp_container.hh"

template <typename Row> using vector_of = std::vector<Row>;

static enum build_status begin(struct array *array, size_t rows)
{
	enum build_status status = BUILD_OUT_OF_MEMORY;

	with_row_type(array->row_bytes, [&](auto tag) {
		using container = container_of_tag<vector_of, decltype(tag)>;

		status = container_change<container>(
			array, [rows](container &empty) { empty.reserve(rows); });
	});
	return status;
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	const enum build_status status = begin(array, rows);

	return status == BUILD_OK ? container_build<vector_of>(array, rows, source) : status;
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	*cost = {};
	cost->malloc_count = rows > 0 ? 1 : 0;
	cost->peak_bytes = saturating_multiply(rows, row_bytes);
	cost->peak_moving_bytes = cost->peak_bytes;
	cost->final_bytes = cost->peak_bytes;
}

static constexpr struct strategy record()
{
	struct strategy strategy = container_strategy<vector_of>(
		"std_vector_reserve", "Reserve a std::vector for all rows, then push_back",
		"preallocate_then_fill", cost);

	strategy.begin = begin;
	strategy.build = build;
	return strategy;
}

extern "C" const struct strategy strategy_std_vector_reserve = record();
