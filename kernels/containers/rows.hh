/*
 * rows.hh - the row types that C++ containers are compiled for, and the way from a size to a type.
 *
 * A container of C++ has to know the type of what it holds when it is compiled; these are the sizes
 * that people use: 1 to 16 doubles, and what lies between a cache line and two pages. Another size
 * is another number in row_sizes.
 */
#ifndef GROWBENCH_KERNELS_CONTAINERS_ROWS_HH
#define GROWBENCH_KERNELS_CONTAINERS_ROWS_HH

#include <cstddef>
#include <utility>

/* A row of `row_bytes` bytes. */
template <std::size_t row_bytes> struct row {
	unsigned char bytes[row_bytes];
};

/* Stands for a type where a value is wanted. */
template <typename Type> struct type_of {
	using type = Type;
};

using row_sizes = std::index_sequence<8, 16, 24, 32, 64, 80, 128, 256, 800, 1024, 4096, 8000>;

/* Calls action(type_of<row<N>>()) for the N that equals row_bytes. False, and no call, if there is
 * none. */
template <typename Action, std::size_t... sizes>
inline bool with_row_type(std::index_sequence<sizes...>, std::size_t row_bytes, Action &&action)
{
	return ((row_bytes == sizes && (action(type_of<row<sizes>>()), true)) || ...);
}

template <typename Action> inline bool with_row_type(std::size_t row_bytes, Action &&action)
{
	return with_row_type(row_sizes(), row_bytes, action);
}

#endif
