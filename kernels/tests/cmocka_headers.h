/* cmocka.h, which does not include what it needs, and whose versions 1 and 2 differ. */
#ifndef GROWBENCH_KERNELS_TESTS_CMOCKA_HEADERS_H
#define GROWBENCH_KERNELS_TESTS_CMOCKA_HEADERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Version 2 takes the name that tables of functions have a member of, and deprecates the range
 * whose numbers may be of either sign; ours have none. */
#undef stop
#ifdef assert_uint_in_range
#undef assert_in_range
#define assert_in_range assert_uint_in_range
#endif

/* The same check as assert_memory_equal's, which goes byte by byte even where all are equal. */
#define assert_same_bytes(a, b, count)                    \
	do {                                              \
		if (memcmp(a, b, count) != 0)             \
			assert_memory_equal(a, b, count); \
	} while (0)

#endif
