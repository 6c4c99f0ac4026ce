/*
 * build.h - the loop that is timed.
 */
#ifndef GROWBENCH_KERNELS_BUILD_H
#define GROWBENCH_KERNELS_BUILD_H

#include "strategy.h"

/* For functions that take another function as an argument and have to melt into their caller, so
 * that the argument becomes a direct call and is inlined in its turn. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/*
 * begin, `rows` times append, finish, as strategy.h says of `build`. A strategy's build is one call
 * of this, with its own callbacks; begin and finish may be NULL.
 */
static ALWAYS_INLINE enum build_status
build_with(struct array *array, size_t rows, struct row_source *source,
	   enum build_status (*begin)(struct array *array, size_t rows),
	   enum build_status (*append)(struct array *array, const void *row),
	   enum build_status (*finish)(struct array *array))
{
	if (begin != NULL) {
		const enum build_status status = begin(array, rows);

		if (status != BUILD_OK)
			return status;
	}
	for (size_t row = 0; row < rows; row++) {
		const enum build_status status = append(array, row_source_next(source));

		if (status != BUILD_OK)
			return status;
	}
	return finish != NULL ? finish(array) : BUILD_OK;
}

#endif
