/*
 * aged.h - an allocator that is not fresh: a heap that a program has used for a while.
 *
 * In a fresh process an array grows at the end of an empty heap, with nobody behind it. In a
 * program that has run for a while there are holes of all sizes between blocks that stay, pages
 * that were touched before, free lists that are full, and, in glibc, a threshold for mmap that has
 * risen. So before anything is measured, blocks are allocated and freed at random: 32,768 places,
 * into which 131,072 blocks are put one after the other, each at a random place, whose block of
 * before is freed. At the end half of the places are freed, and the rest stays until the process
 * ends.
 *
 * Sizes are from 16 bytes to 1 MiB, each power of two half as frequent as the one before, and all
 * sizes between two of them equally: so small blocks are nearly all of them, and each of the 16
 * ranges has as many bytes (192 a block on average; some 3 MB stay). That is no program's own
 * distribution, but like that of many. Each byte is written once.
 *
 * What it takes is in no time, peak or count.
 */
#ifndef GROWBENCH_HARNESS_AGED_H
#define GROWBENCH_HARNESS_AGED_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"

/* In the environment: the seed, from 1; no such variable, or 0: the heap is fresh. */
#define AGED_VARIABLE "GROWBENCH_AGED"

/* The seed, 0 if there is none; false with a message if it is no number. */
bool aged_seed(uint64_t *seed, struct error *error);

/* Ages the heap, or what the calling thread has of it, if there is a seed. `thread`: from 0; each
 * draws other blocks. */
void aged_make(unsigned thread);

#endif
