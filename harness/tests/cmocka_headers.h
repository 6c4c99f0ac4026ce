/* cmocka.h does not include what it needs. */
#ifndef GROWBENCH_HARNESS_TESTS_CMOCKA_HEADERS_H
#define GROWBENCH_HARNESS_TESTS_CMOCKA_HEADERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
