/*
 * Benchmarks in C: run a function, receive its results.
 *
 *	static void copy_page(struct bench_state *state, void *user_data)
 *	{
 *		struct pages *pages = user_data;
 *
 *		BENCH_LOOP(state) {
 *			memcpy(pages->to, pages->from, 4096);
 *			bench_do_not_optimize(pages->to);
 *		}
 *	}
 *
 * Two libraries stand behind this header. growbench-shim measures, with Google Benchmark.
 * growbench-shim-null is its twin for tests: it needs nothing but pthreads and reads no clock.
 * What the twin does otherwise is said at each declaration; where nothing is said, both agree.
 *
 * What the timed figure holds. The clocks start inside bench_begin() and stop inside bench_end(),
 * both of which BENCH_LOOP calls. So the figure is everything between the braces of BENCH_LOOP, one
 * decrement and one branch per iteration, and once per loop the reading of the clocks (of the order
 * of a microsecond, more in the first loop of a process). What the function does before and after
 * the loop is not in it. There is no pausing of the clocks inside the loop: a pause costs more than
 * most things one would wish to leave out.
 *
 * Errors. Functions that can fail return why, and NULL if all went well. Nothing but bench_main()
 * prints. No C++ exception leaves any function declared here, and benchmark functions and callbacks
 * must not throw.
 *
 * Threads. Functions that take a struct bench_state are for the thread that was given that state;
 * all others are for one thread at a time, and not for benchmark functions.
 */
#ifndef GROWBENCH_HARNESS_SHIM_BENCH_H
#define GROWBENCH_HARNESS_SHIM_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Inside a benchmark function ---- */

/* One call of a benchmark function in one thread. It lives until that function returns. */
struct bench_state;

/*
 * A benchmark function runs exactly one BENCH_LOOP, or calls bench_skip(); anything else makes the
 * result an error. It is called once per repetition and thread when `iterations` is given, and
 * otherwise several times, with more and more iterations, of which only the last call counts.
 */
typedef void (*bench_function)(struct bench_state *state, void *user_data);

/*
 * The measured loop. The body is executed as often as the spec says in each thread, and costs one
 * decrement and one branch on top, since the counter is a local variable:
 *
 *	BENCH_LOOP(state) {
 *		...
 *	}
 *
 * No thread starts its loop before all have reached it, and none leaves before all have ended it.
 * `continue` is as in any loop. `break`, `return` and `goto` out of it are for use after
 * bench_skip(); without that, the result is an error. `state` is evaluated more than once.
 */
#define BENCH_LOOP(state)                                   \
	for (uint64_t BENCH_LOOP_LEFT = bench_begin(state); \
	     BENCH_LOOP_LEFT != 0 || bench_loop_end(state); BENCH_LOOP_LEFT--)

/* Index of this thread, from 0. */
unsigned bench_thread_index(const struct bench_state *state);

/*
 * Gives up: the result carries the message, which must live until then, and no figures. Stops the
 * clocks of this thread. Does not leave the function or the loop: break or return after it. Called
 * before the loop, the body is not executed. The first message of all threads is the one that is
 * kept. A function that skipped in one repetition has to skip in all later ones: Google Benchmark
 * 1.7.1 crashes in its own statistics on successes after a first repetition without one.
 */
void bench_skip(struct bench_state *state, const char *message);

/* The compiler must have written what p points to, and must take it as changed afterwards. */
static inline void bench_do_not_optimize(const void *p)
{
	__asm__ volatile("" : : "g"(p) : "memory");
}

/* ---- Running ---- */

/* Zero in a field means its default. */
struct bench_spec {
	const char *name;        /* required, not empty */
	bench_function function; /* required */
	void *user_data;         /* handed to function; not owned */
	uint64_t iterations;     /* per thread, below 2^63; 0: as many as it needs (the twin: 1) */
	unsigned repetitions;    /* 0: 1, or what bench_main()'s command line says */
	unsigned threads;        /* that run the function at the same time; 0: 1 */
};

/*
 * One repetition. Times are per iteration of all threads: with 2 threads of 1000 iterations,
 * real_ns is the duration of the loop divided by 2000.
 */
struct bench_result {
	const char *error; /* NULL: measured. Otherwise the times are 0 */
	double real_ns;    /* wall time per iteration; the twin: 0 */
	double cpu_ns; /* CPU time per iteration, of this process's threads in it; the twin: 0 */
};

/* The result and all it points to end with the call. */
typedef void (*bench_result_callback)(const struct bench_result *result, void *user_data);

/*
 * Runs the benchmark, and prints nothing. When all repetitions have ended (the twin: when each
 * has), the callback gets the result of each. Means and medians are left to the caller. Not in a
 * program that calls bench_register().
 *
 * Fails if memory is short. Where the system refuses to start as many threads as the spec asks for,
 * Google Benchmark ends the process; the twin fails.
 */
const char *bench_run(const struct bench_spec *spec, bench_result_callback callback,
		      void *user_data);

enum bench_build {
	BENCH_BUILD_UNKNOWN,
	BENCH_BUILD_RELEASE,
	BENCH_BUILD_DEBUG, /* with the library's assertions */
};

struct bench_library {
	const char *name;    /* "Google Benchmark", or "null" for the twin */
	const char *version; /* of the library this was built against; NULL: not known */
	enum bench_build build;
};

/* Strings are static. Takes about a millisecond: it lets the library describe itself. */
struct bench_library bench_library_info(void);

/* ---- A program of its own; not in the twin ---- */

/* Adds a benchmark to those of bench_main(). The name is copied. Fails if memory is short. */
const char *bench_register(const struct bench_spec *spec);

/*
 * Makes an ordinary Google Benchmark program of what is registered: --benchmark_list_tests,
 * --benchmark_filter=<regex>, --benchmark_format=json, --help and so on, with Google Benchmark's
 * names, which carry settings: "copy/iterations:1000/real_time/threads:2". Call it at most once in
 * a process.
 *
 * Returns an exit status: 0, 1 if nothing matched or a benchmark ended in an error or a skip, 2 if
 * an argument was not understood. --help, and a value that Google Benchmark refuses, end the
 * process with 0 and 2.
 *
 * Google Benchmark's own remark that it was built as DEBUG is kept from the console. It does not
 * concern the figures: the loop is compiled into the caller, and the library is entered only where
 * the clocks are started and stopped. bench_library_info() has the fact.
 */
int bench_main(int argc, char **argv);

/* ---- Parts of BENCH_LOOP; not to be called otherwise ---- */

uint64_t bench_begin(struct bench_state *state);
void bench_end(struct bench_state *state);

/* Inline, so that the compiler sees that the loop is never entered again. */
static inline bool bench_loop_end(struct bench_state *state)
{
	bench_end(state);
	return false;
}

/* A name for each line, so that a loop inside a loop shadows nothing. */
#define BENCH_LOOP_LEFT BENCH_PASTE(bench_left_, __LINE__)
#define BENCH_PASTE(a, b) BENCH_PASTE_EXPANDED(a, b)
#define BENCH_PASTE_EXPANDED(a, b) a##b

#ifdef __cplusplus
}
#endif

#endif
