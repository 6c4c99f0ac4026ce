/*
 * nd_program.h - runs lists of operations on the array model, for test_ndarray_model.py, which
 * holds each step against NumPy. One call runs thousands of them: a call from Python for each
 * operation would take most of the time.
 */
#ifndef GROWBENCH_KERNELS_TESTS_ND_PROGRAM_H
#define GROWBENCH_KERNELS_TESTS_ND_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Each is followed by its words. */
enum nd_operation {
	/* address, itemsize, ndim, shape...: wraps memory, and forgets the arrays before. */
	ND_PROGRAM_WRAP,
	/* 0, or 1 and ndim axes */
	ND_PROGRAM_TRANSPOSE,
	/* count, then start, stop and step for each */
	ND_PROGRAM_SLICE,
	/* count, indices... */
	ND_PROGRAM_INDEX,
	/* ndim, shape... */
	ND_PROGRAM_BROADCAST,
	/* ndim, shape... */
	ND_PROGRAM_RESHAPE,
	ND_PROGRAM_RAVEL,
	ND_PROGRAM_AS_CONTIGUOUS,
	ND_PROGRAM_COPY,
	/* count, rows... */
	ND_PROGRAM_TAKE,
};

/*
 * Runs `count` words; each operation works on the result of the last one that was not refused. For
 * each it writes to `facts`
 *
 *     status
 *
 * and, if that is ND_OK (0), of the result
 *
 *     is it a copy; offset of its first element from that of its base, 0 without elements;
 *     flags; CRC-32 of its elements in C order; ndim; shape...; strides...
 *
 * Returns how many facts there are, at most `most`, which it does not exceed: if it returns `most`,
 * there was no room for all. 0 if a word makes no sense or memory is short.
 */
size_t nd_program_run(const int64_t *words, size_t count, int64_t *facts, size_t most);

#endif
