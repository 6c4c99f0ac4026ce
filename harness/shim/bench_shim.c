/*
 * What an iteration of BENCH_LOOP costs, against the native range-for of Google Benchmark in C++:
 * an empty loop of each, in turns, in one process. CPU time, which other processes disturb least.
 */
#include "bench_shim_loops.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 15
#define TURNS 7                       /* in a pair; the fastest of each loop counts */
#define ITERATIONS UINT64_C(20000000) /* in a turn */
#define TOLERANCE 0.05

enum {
	GOAL_MISSED = 1,
	USAGE = 2,
};

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of an odd number of values, which it sorts. */
static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[count / 2];
}

struct pair {
	double c_ns;
	double native_ns;
};

/* The loops take turns, and another one begins each time, so that drift favours neither. */
static struct pair measure_pair(void)
{
	struct pair pair = {INFINITY, INFINITY};

	for (int turn = 0; turn < TURNS; turn++) {
		if (turn % 2 == 0)
			pair.c_ns = fmin(pair.c_ns, bench_shim_c_ns(ITERATIONS));
		pair.native_ns = fmin(pair.native_ns, bench_shim_native_ns(ITERATIONS));
		if (turn % 2 == 1)
			pair.c_ns = fmin(pair.c_ns, bench_shim_c_ns(ITERATIONS));
	}
	return pair;
}

static int compare_loops(void)
{
	double ratios[PAIRS];
	double ratio;

	printf("An empty loop in C and in C++: CPU time in ns per iteration, the fastest of %d\n"
	       "turns of %llu iterations each\n\n"
	       "pair   BENCH_LOOP   range-for   ratio\n",
	       TURNS, (unsigned long long)ITERATIONS);
	for (int i = 0; i < PAIRS; i++) {
		struct pair pair = measure_pair();

		if (!(pair.c_ns > 0 && pair.native_ns > 0)) {
			fprintf(stderr, "bench-shim: a loop was not measured\n");
			return GOAL_MISSED;
		}
		ratios[i] = pair.c_ns / pair.native_ns;
		printf("%4d   %10.4f   %9.4f   %.3f\n", i + 1, pair.c_ns, pair.native_ns,
		       ratios[i]);
		fflush(stdout);
	}
	ratio = median(ratios, PAIRS);
	printf("\nmedian ratio: %.3f (goal: 1.00 +- %.2f): %s\n", ratio, TOLERANCE,
	       fabs(ratio - 1) <= TOLERANCE ? "reached" : "MISSED");
	return fabs(ratio - 1) <= TOLERANCE ? 0 : GOAL_MISSED;
}

/* One loop and nothing else, for counting its instructions from outside. */
static int run_one(const char *loop, const char *iterations_text)
{
	char *end;
	uint64_t iterations;
	double ns;

	errno = 0;
	iterations = strtoull(iterations_text, &end, 10);
	if (errno != 0 || *end != '\0' || iterations == 0) {
		fprintf(stderr, "bench-shim: '%s' is not a number of iterations\n",
			iterations_text);
		return USAGE;
	}
	if (strcmp(loop, "c") == 0) {
		ns = bench_shim_c_ns(iterations);
	} else if (strcmp(loop, "native") == 0) {
		ns = bench_shim_native_ns(iterations);
	} else {
		fprintf(stderr, "bench-shim: '%s' is not a loop: c or native\n", loop);
		return USAGE;
	}
	return ns >= 0 ? 0 : GOAL_MISSED;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return compare_loops();
	if (argc == 3)
		return run_one(argv[1], argv[2]);
	fprintf(stderr, "usage: bench-shim                        compare the two loops\n"
			"       bench-shim c|native ITERATIONS    run one of them\n");
	return USAGE;
}
