/*
 * suites.h - the test files, one suite each.
 */
#ifndef GROWBENCH_KERNELS_TESTS_SUITES_H
#define GROWBENCH_KERNELS_TESTS_SUITES_H

#include <stdbool.h>
#include <stddef.h>

struct test {
	/* A sentence that holds, e.g. "the rows come out in order". */
	const char *behaviour;
	/* In a suite that runs for each strategy or pattern, *state is the const struct strategy.
	 */
	void (*run)(void **state);
};

/* How many sizes the tests go through that let each allocation fail, by GROWBENCH_EXHAUSTIVE in the
 * environment: "0" a few, for a slow tool; "1" more than there is time for each day. */
enum thoroughness {
	THOROUGHNESS_FEW_SIZES,
	THOROUGHNESS_USUAL,
	THOROUGHNESS_EXHAUSTIVE,
};

enum thoroughness suites_thoroughness(void);

struct suite {
	const char *name;
	bool for_each_strategy;
	bool for_each_pattern;
	/* Ends with an empty record. */
	const struct test *tests;
};

extern const struct suite suite_capacity;
extern const struct suite suite_checksum;
extern const struct suite suite_containers;
extern const struct suite suite_cost;
extern const struct suite suite_growth;
extern const struct suite suite_memory;
extern const struct suite suite_out_of_memory;
extern const struct suite suite_ndarray;
extern const struct suite suite_parameter;
extern const struct suite suite_pattern_input;
extern const struct suite suite_patterns;
extern const struct suite suite_patterns_out_of_memory;
extern const struct suite suite_registry;
extern const struct suite suite_reserve;
extern const struct suite suite_row_source;
extern const struct suite suite_rows;
extern const struct suite suite_shapes;

#endif
