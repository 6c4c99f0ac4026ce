/*
 * repeat.h - one operation many times, for growbench/develop/bench_patterns.py: a call from Python
 * takes longer than some of them. No part of the library.
 */
#ifndef GROWBENCH_KERNELS_BENCH_REPEAT_H
#define GROWBENCH_KERNELS_BENCH_REPEAT_H

#include <stddef.h>

#include "../ndarray.h"
#include "../strategy.h"

/* memcpy of so many bytes, as the probe of the machine's copy limit does it. */
void repeat_memcpy(void *to, const void *from, size_t bytes, size_t count);

/* nd_copy_into, which must not be refused. */
void repeat_copy_into(const struct ndarray *to, const struct ndarray *from, size_t count);

/* nd_copy, nd_as_contiguous, nd_ravel or the like, and nd_release. */
void repeat_make(enum nd_status (*make)(struct ndarray *result, const struct ndarray *array),
		 const struct ndarray *array, size_t count);
/* nd_reshape to one axis, and nd_release. */
void repeat_reshape(const struct ndarray *array, size_t count);

/* A pattern with its prepared input. */
struct repeat;

/* NULL if there is no such pattern or no memory. To be closed. */
struct repeat *repeat_open(const char *pattern, size_t rows, size_t row_bytes);
void repeat_close(struct repeat *repeat);
/* Builds and releases. */
void repeat_pattern(struct repeat *repeat, size_t count);

#endif
