/*
 * loop.h - what both libraries behind bench.h keep of one call of a benchmark function, to find the
 * wrong uses of BENCH_LOOP.
 */
#ifndef GROWBENCH_HARNESS_SHIM_LOOP_H
#define GROWBENCH_HARNESS_SHIM_LOOP_H

#include <stdbool.h>
#include <stddef.h>

enum loop_phase {
	LOOP_NOT_BEGUN,
	LOOP_RUNNING,
	LOOP_ENDED
};

/* Zeros before the function is called. */
struct loop {
	enum loop_phase phase;
	bool entered_again;
};

/* In bench_begin(): false if this is a second loop, whose body is not to be executed. */
static inline bool loop_begin(struct loop *loop)
{
	loop->entered_again = loop->phase != LOOP_NOT_BEGUN;
	if (!loop->entered_again)
		loop->phase = LOOP_RUNNING;
	return !loop->entered_again;
}

/* In bench_end(): false if no loop is to be ended. */
static inline bool loop_end(struct loop *loop)
{
	if (loop->phase != LOOP_RUNNING)
		return false;
	loop->phase = LOOP_ENDED;
	return true;
}

/* When the function has returned: what was wrong in its use of the loop, or NULL. */
static inline const char *loop_mistake(const struct loop *loop, bool skipped)
{
	if (loop->entered_again)
		return "the benchmark function entered a second BENCH_LOOP";
	if (skipped || loop->phase == LOOP_ENDED)
		return NULL;
	if (loop->phase == LOOP_NOT_BEGUN)
		return "the benchmark function returned without a BENCH_LOOP";
	return "the benchmark function left BENCH_LOOP before its end without bench_skip()";
}

#endif
