/*
 * cpp_container.hh - what the containers of C++ share: the functions of struct strategy for any
 * template that has push_back, size and iterators.
 *
 * The object lies in array->container_storage, so that the only memory that is asked for is the
 * container's own. It is made with the first row, or by a begin that needs it: no rows, no
 * container. Which type it is follows from array->row_bytes, and is looked up once in each call, so
 * not in the loop of build.
 */
#ifndef GROWBENCH_KERNELS_CONTAINERS_CPP_CONTAINER_HH
#define GROWBENCH_KERNELS_CONTAINERS_CPP_CONTAINER_HH

#include <cstddef>
#include <new>
#include <stdexcept>
#include <vector>

#include "../checksum.h"
#include "../strategy.h"
#include "rows.hh"

/* The array's container, made if there is none. */
template <typename Container> inline Container &container_of(struct array *array)
{
	static_assert(sizeof(Container) <= sizeof array->container_storage);
	static_assert(alignof(Container) <= alignof(std::max_align_t));

	if (array->container == nullptr)
		array->container = new (array->container_storage) Container();
	return *static_cast<Container *>(array->container);
}

/* Tells what the container can be asked for. */
template <typename Container>
inline void container_note(struct array *array, const Container &container)
{
	array->rows = container.size();
}

template <typename Row> inline void container_note(struct array *array, std::vector<Row> &container)
{
	array->rows = container.size();
	array->capacity = container.capacity();
	array->data = reinterpret_cast<unsigned char *>(container.data());
}

/* Does `change` to the container, and tells what came of it. */
template <typename Container, typename Change>
inline enum build_status container_change(struct array *array, Change &&change)
{
	enum build_status status = BUILD_OK;

	try {
		change(container_of<Container>(array));
	} catch (const std::bad_alloc &) {
		status = BUILD_OUT_OF_MEMORY;
	} catch (const std::length_error &) {
		status = BUILD_OUT_OF_MEMORY;
	}
	if (array->container != nullptr)
		container_note(array, container_of<Container>(array));
	return status;
}

template <typename Container>
inline const typename Container::value_type &next_row(struct row_source *source)
{
	return *static_cast<const typename Container::value_type *>(row_source_next(source));
}

/* The functions of struct strategy. They need no name but these: C++ gives each template's
 * instances names of their own. */

inline bool container_supports(size_t row_bytes)
{
	return with_row_type(row_bytes, [](auto) {});
}

/* The container `Of` of the rows that the tag of with_row_type stands for. */
template <template <typename> class Of, typename Tag>
using container_of_tag = Of<typename Tag::type>;

template <template <typename> class Of>
enum build_status container_append(struct array *array, const void *row)
{
	enum build_status status = BUILD_OUT_OF_MEMORY;

	with_row_type(array->row_bytes, [&](auto tag) {
		using container = container_of_tag<Of, decltype(tag)>;

		status = container_change<container>(array, [row](container &rows) {
			rows.push_back(*static_cast<const typename container::value_type *>(row));
		});
	});
	return status;
}

template <template <typename> class Of>
enum build_status container_build(struct array *array, size_t rows, struct row_source *source)
{
	enum build_status status = BUILD_OUT_OF_MEMORY;

	if (rows == 0)
		return BUILD_OK;
	with_row_type(array->row_bytes, [&](auto tag) {
		using container = container_of_tag<Of, decltype(tag)>;

		status = container_change<container>(array, [=](container &built) {
			for (size_t row = 0; row < rows; row++)
				built.push_back(next_row<container>(source));
		});
	});
	return status;
}

template <template <typename> class Of> uint64_t container_scan(const struct array *array)
{
	struct checksum checksum = {};

	if (array->container == nullptr)
		return checksum_value(&checksum);
	with_row_type(array->row_bytes, [&](auto tag) {
		using container = container_of_tag<Of, decltype(tag)>;

		for (const auto &row : *static_cast<const container *>(array->container))
			checksum_rows(&checksum, row.bytes, 1, sizeof row.bytes);
	});
	return checksum_value(&checksum);
}

template <template <typename> class Of> void container_release(struct array *array)
{
	if (array->container != nullptr)
		with_row_type(array->row_bytes, [array](auto tag) {
			using container = container_of_tag<Of, decltype(tag)>;

			static_cast<container *>(array->container)->~container();
		});
	array_forget(array);
}

/* The record of a container that is filled by push_back alone. */
template <template <typename> class Of>
constexpr struct strategy
container_strategy(const char *name, const char *help, const char *counterpart,
		   void (*cost)(size_t rows, size_t row_bytes, struct strategy_cost *cost))
{
	struct strategy strategy = {};

	strategy.name = name;
	strategy.implementation = "cpp";
	strategy.help = help;
	strategy.counterpart = counterpart;
	strategy.order = GROWTH_LINEAR;
	strategy.supports = container_supports;
	strategy.append = container_append<Of>;
	strategy.build = container_build<Of>;
	strategy.scan = container_scan<Of>;
	strategy.release = container_release<Of>;
	strategy.cost = cost;
	return strategy;
}

#endif
