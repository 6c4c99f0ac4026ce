/*
 * passes.h - what a worker can be asked for; each row of runs.csv is of one of these.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_PASSES_H
#define GROWBENCH_HARNESS_RUNNER_PASSES_H

enum pass {
	PASS_MEASURE, /* of strategies */
	PASS_PATTERN, /* the same of copying patterns, with the warm scan */
	PASS_TRACE,
	PASS_LATENCY,
	PASS_PROBE,        /* of the machine; the others are of cells */
	PASS_INSTRUCTIONS, /* after all rounds, by several workers at once: no clock is asked */
	PASS_COUNT
};

/* Their names, in that order, then NULL. */
extern const char *const pass_names[];

#endif
