/*
 * Benchmarks in C: register functions, run them, receive their results.
 *
 *	static void copy_page(struct bench_state *state, void *user_data)
 *	{
 *		struct pages *pages = user_data;
 *
 *		BENCH_LOOP(state) {
 *			memcpy(pages->to, pages->from, 4096);
 *			bench_do_not_optimize(pages->to);
 *		}
 *		bench_set_bytes_processed(state, 4096 * bench_iterations(state));
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
 * Errors. Functions that can fail return -1 and leave a message for bench_error(). Nothing but
 * bench_main() prints. No C++ exception leaves any function declared here, and one that is thrown
 * by a benchmark function or by a callback is turned into an error.
 *
 * Threads. bench_register(), bench_run(), bench_main() and bench_clear() are for one thread at a
 * time, and not for benchmark functions. Functions that take a struct bench_state are for the
 * thread that was given that state.
 */
#ifndef GROWBENCH_HARNESS_SHIM_BENCH_H
#define GROWBENCH_HARNESS_SHIM_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What to run ---- */

/* One call of a benchmark function in one thread. It lives until that function returns. */
struct bench_state;

/*
 * A benchmark function runs exactly one BENCH_LOOP, or calls bench_skip(); anything else makes the
 * result an error. It is called once per repetition and thread when `iterations` is given, and
 * otherwise several times, with more and more iterations, of which only the last call counts.
 */
typedef void (*bench_function)(struct bench_state *state, void *user_data);

/* The unit in which bench_main() prints. Results in a callback are always in nanoseconds. */
enum bench_time_unit {
	BENCH_NANOSECONDS,
	BENCH_MICROSECONDS,
	BENCH_MILLISECONDS,
	BENCH_SECONDS,
};

/* Zero in a field means its default, so name only what differs: { .name = "n", .function = f }. */
struct bench_spec {
	const char *name;        /* required, not empty; copied */
	bench_function function; /* required */
	void *user_data;         /* handed to function; not owned */
	uint64_t iterations;     /* per thread; 0: as many as min_time_s needs (the twin: 1) */
	unsigned repetitions;    /* 0: 1, or what bench_main()'s command line says */
	unsigned threads;        /* that run the function at the same time; 0: 1 */
	double min_time_s;  /* length of a repetition; 0: Google Benchmark's; not with iterations */
	bool use_real_time; /* rates and min_time_s go by wall time, not by CPU time */
	bool measure_process_cpu_time; /* CPU time of the process, not of the running threads */
	enum bench_time_unit time_unit;
};

/*
 * Adds a benchmark. Names need not differ, but results are easier to tell apart if they do.
 * Returns 0, or -1 if the spec is not valid or memory is short; then nothing was added.
 */
int bench_register(const struct bench_spec *spec);

/* Removes all benchmarks. */
void bench_clear(void);

/* ---- Inside a benchmark function ---- */

/*
 * The measured loop. The body is executed exactly bench_iterations(state) times in each thread, and
 * costs one decrement and one branch on top, since the counter is a local variable:
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

/* The number of times this thread executes the body. Known before the loop as well. */
uint64_t bench_iterations(const struct bench_state *state);

/* Index of this thread, from 0, and the number of threads that run the function. */
unsigned bench_thread_index(const struct bench_state *state);
unsigned bench_thread_count(const struct bench_state *state);

/*
 * Gives up: the result carries a copy of the message and no figures. Stops the clocks of this
 * thread. Does not leave the function or the loop: break or return after it. Called before the
 * loop, the body is not executed. The first message of all threads is the one that is kept. A
 * function that skipped in one repetition has to skip in all later ones: Google Benchmark 1.7.1
 * crashes in its own statistics on successes after a first repetition without one.
 */
void bench_skip(struct bench_state *state, const char *message);

/*
 * How a counter is made from the sum of the values of all threads. Flags may be combined.
 * Rates are per second of CPU time, or of wall time with use_real_time; the twin reports them as 0.
 */
enum bench_counter_flags {
	BENCH_COUNTER_PLAIN = 0,
	BENCH_COUNTER_RATE = 1 << 0,
	BENCH_COUNTER_AVERAGE_THREADS = 1 << 1,
	BENCH_COUNTER_PER_ITERATION = 1 << 2, /* of all threads */
};

/* Sets a counter of this thread; the same name again replaces the value. The name is copied. */
void bench_set_counter(struct bench_state *state, const char *name, double value, unsigned flags);

/* Work done by this thread in the whole loop: counters items_per_second and bytes_per_second. */
void bench_set_items_processed(struct bench_state *state, uint64_t items);
void bench_set_bytes_processed(struct bench_state *state, uint64_t bytes);

/* A text that goes with the result. Copied. With several threads the last one wins. */
void bench_set_label(struct bench_state *state, const char *label);

/* The compiler must have written what p points to, and must take it as changed afterwards. */
static inline void bench_do_not_optimize(const void *p)
{
	__asm__ volatile("" : : "g"(p) : "memory");
}

/* All pending writes to memory must have been made here. */
static inline void bench_clobber_memory(void)
{
	__asm__ volatile("" : : : "memory");
}

/* ---- Results ---- */

struct bench_counter {
	const char *name;
	double value;
};

/*
 * One repetition of one benchmark. Times are per iteration of all threads: with 2 threads of 1000
 * iterations, iterations is 2000 and real_ns the duration of the loop divided by 2000.
 */
struct bench_result {
	const char *name;    /* as registered */
	const char *label;   /* NULL: none was set */
	const char *error;   /* NULL: measured. Otherwise iterations, times and counters are 0 */
	unsigned repetition; /* from 0 */
	unsigned threads;
	uint64_t iterations; /* sum over the threads */
	double real_ns;      /* wall time per iteration; the twin: 0 */
	double cpu_ns;       /* CPU time per iteration; the twin: 0 */
	size_t counter_count;
	const struct bench_counter *counters; /* sorted by name */
};

/* The result and all it points to belong to the caller of the callback, and end with the call. */
typedef void (*bench_result_callback)(const struct bench_result *result, void *user_data);

/*
 * Runs the benchmarks whose name matches the POSIX extended regular expression `filter` (NULL or
 * "": all), in the order of registration, and prints nothing. When all repetitions of a benchmark
 * have ended, the callback (which may be NULL) gets the result of each. Means and medians are left
 * to the caller.
 *
 * Returns the number of benchmarks run, errors and skips among them, or -1: the filter is not
 * valid, memory is short, or the callback threw. Where the system refuses to start as many threads
 * as a spec asks for, Google Benchmark ends the process; the twin returns -1.
 */
int bench_run(const char *filter, bench_result_callback callback, void *user_data);

/*
 * Makes an ordinary Google Benchmark program of what is registered: --benchmark_list_tests,
 * --benchmark_filter=<regex>, --benchmark_format=json, --help and so on, with Google Benchmark's
 * names, which carry settings: "copy/iterations:1000/threads:2". The twin knows the first two and
 * --help. Call it at most once in a process.
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

/* ---- Odds and ends ---- */

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

/* What the last failed function of this thread has to say; "" before any. Static, thread-local. */
const char *bench_error(void);

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
