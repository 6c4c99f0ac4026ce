/* The two empty loops that bench-shim compares. Each body is one empty asm, so that it stays. */
#ifndef GROWBENCH_HARNESS_SHIM_BENCH_SHIM_LOOPS_H
#define GROWBENCH_HARNESS_SHIM_BENCH_SHIM_LOOPS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the loop `iterations` times, and returns its CPU time in ns per iteration, or -1. */
double bench_shim_c_ns(uint64_t iterations);
double bench_shim_native_ns(uint64_t iterations);

#ifdef __cplusplus
}
#endif

#endif
