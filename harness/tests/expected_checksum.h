/* The checksum that the scan of a request's rows has to find, by a source of the test's own. */
#ifndef GROWBENCH_HARNESS_TESTS_EXPECTED_CHECKSUM_H
#define GROWBENCH_HARNESS_TESTS_EXPECTED_CHECKSUM_H

#include <stdlib.h>

#include "harness/worker/measure_request.h"
#include "kernels/tests/cmocka_headers.h"

static inline uint64_t expected_checksum(const struct measure_request *request)
{
	const size_t bytes = row_source_buffer_bytes(request->row_bytes);
	struct row_source source;
	void *buffer = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
	uint64_t checksum;

	assert_non_null(buffer);
	row_source_init(&source, buffer, request->row_bytes, request->work);
	source.parameter = request->strategy->value;
	checksum = request->strategy->expected != NULL
			   ? request->strategy->expected(&source, request->rows)
			   : row_source_checksum(&source, request->rows);
	free(buffer);
	return checksum;
}

#endif
