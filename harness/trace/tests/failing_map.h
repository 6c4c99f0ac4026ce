/*
 * failing_map.h - lets raw_map (raw.h) fail on request: the tests of the interposer's parts are
 * linked with --wrap=raw_map.
 */
#ifndef GROWBENCH_HARNESS_TRACE_TESTS_FAILING_MAP_H
#define GROWBENCH_HARNESS_TRACE_TESTS_FAILING_MAP_H

#include <stdbool.h>

/* The nth call from now on fails (1 is the next one), and if `all`, those after it; 0: none. */
void failing_map_fail(unsigned nth, bool all);

/* Calls that failed since then. */
unsigned failing_map_failed(void);

#endif
