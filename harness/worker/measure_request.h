/*
 * measure_request.h - what a pass over one cell is asked for, and how it ends.
 */
#ifndef GROWBENCH_HARNESS_MEASURE_REQUEST_H
#define GROWBENCH_HARNESS_MEASURE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/strategy.h"

enum {
	MEASURE_MAX_VALUES = 64
};

struct measure_request {
	const struct strategy *strategy;
	size_t rows;
	size_t row_bytes;
	unsigned threads; /* 1 and more */
	enum row_work work;
	uint64_t iterations; /* builds in a warm value; 0: no warm part */
	unsigned values;     /* 1 to MEASURE_MAX_VALUES */
	bool scan_warm;      /* time the warm scan, too; in one thread, and with a warm part only */
};

enum measure_status {
	MEASURE_OK,
	MEASURE_OUT_OF_MEMORY,
	MEASURE_WRONG_CHECKSUM,
	MEASURE_FAILED, /* the harness's own means were not to be had */
};

#endif
