/*
 * nd_run.h - copies elements along one axis.
 */
#ifndef GROWBENCH_KERNELS_ND_RUN_H
#define GROWBENCH_KERNELS_ND_RUN_H

#include <stddef.h>

struct nd_run {
	size_t length;
	size_t itemsize;
	/* Bytes from one element to the next. */
	ptrdiff_t to_stride;
	ptrdiff_t from_stride;
};

/* In both, the memory written to and that read from do not overlap. */

/*
 * memcpy, without its slow case. On AMD Zen 3, "rep movsb", which glibc 2.36 uses from 2 KiB to
 * about the size of the second cache level, writes 2 to 3 GB/s instead of 50 to 90 where the target
 * lies 1 to 63 bytes behind the source, leaving whole pages aside. A large block from glibc's
 * malloc lies 16 bytes behind a page boundary, and what is mapped lies on one: so it is common.
 */
void nd_bytes_copy(unsigned char *to, const unsigned char *from, size_t bytes);

void nd_run_copy(const struct nd_run *run, unsigned char *to, const unsigned char *from);

#endif
