/*
 * early.h - blocks that libtrace-early.so got while the interposer did not know the real malloc.
 */
#ifndef GROWBENCH_HARNESS_TRACE_TESTS_EARLY_H
#define GROWBENCH_HARNESS_TRACE_TESTS_EARLY_H

#include <stddef.h>

#define EARLY_MOST 8
#define EARLY_BYTES ((size_t)40)

/* Block i is full of bytes i + 1. */
struct early {
	size_t count;
	unsigned char *blocks[EARLY_MOST];
};

/* dlsym(RTLD_DEFAULT, "early_blocks"): NULL if the library is not preloaded. */
extern struct early early_blocks;

#endif
