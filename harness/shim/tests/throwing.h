/* C++ functions that throw, for a benchmark in C to run into. */
#ifndef GROWBENCH_HARNESS_SHIM_TESTS_THROWING_H
#define GROWBENCH_HARNESS_SHIM_TESTS_THROWING_H

#include "harness/shim/bench.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Throws std::runtime_error("too hot") before the loop. */
void throw_before_loop(struct bench_state *state, void *user_data);

/* Throws an int inside the loop, in the last of the threads only. */
void throw_in_loop_of_last_thread(struct bench_state *state, void *user_data);

/* Counts its calls in the unsigned that user_data points to, then throws "too cold". */
void throw_from_callback(const struct bench_result *result, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
