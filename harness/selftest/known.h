/*
 * known.h - strategies whose cost is known beforehand, for growbench selftest.
 *
 * They go through the same worker, loop, counters and report as the strategies of kernels/, so that
 * what the harness says of them can be held against the truth. All but slowed_doubling hold no
 * rows, and have the checksum 0.
 */
#ifndef GROWBENCH_HARNESS_KNOWN_H
#define GROWBENCH_HARNESS_KNOWN_H

#include "kernels/strategy.h"

/* Does nothing. What it takes warm is what the loop and the calls in it take. */
extern const struct strategy known_nothing;

/* Touches every page of one new mapping of rows x row_bytes, in small pages: a page fault each, one
 * mmap, and a peak of that size. Before it is measured, four times as much has been touched and
 * given back: a peak that was not set back shows. */
extern const struct strategy known_fresh_pages;

/* A block that realloc makes longer `rows` times, each time by row_bytes. The strategy looks at the
 * addresses by itself: for each block that moved it makes one of the size before with calloc, and
 * keeps it. So callocs count moves, and their bytes the bytes that moved. */
extern const struct strategy known_watched_reallocs;

/* realloc_doubling of kernels/, whose build and release each take longer by the percentage that
 * known_slow_down was called with (0 at first): it waits that share of the time that it has just
 * taken. `every`: of so many builds one does; 1 and more. In one thread only. */
extern const struct strategy known_slowed_doubling;
void known_slow_down(unsigned percent, unsigned every);

#endif
