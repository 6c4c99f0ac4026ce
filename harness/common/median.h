/*
 * median.h - the middle of a few values.
 */
#ifndef GROWBENCH_HARNESS_MEDIAN_H
#define GROWBENCH_HARNESS_MEDIAN_H

#include <stddef.h>

/* Sorts the `count` (>= 1) values in place, ascending, and returns their median: of an even number,
 * the mean of the two in the middle. Never allocates, as qsort may: in a worker the allocator under
 * measurement has not been called yet. For some thousand values at most (its time is quadratic). */
double median(double *values, size_t count);

#endif
