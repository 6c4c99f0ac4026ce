#include "cmocka_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../strategy.h"
#include "counting_allocator.h"
#include "suites.h"

#define MOST_TESTS 32
#define MOST_NAME_BYTES 200
#define MOST_GROUP_BYTES 64

static const struct suite *const suites[] = {
	&suite_checksum,
	&suite_row_source,
	&suite_registry,
	&suite_growth,
	&suite_rows,
	&suite_cost,
	&suite_parameter,
	&suite_memory,
	&suite_out_of_memory,
	&suite_reserve,
	&suite_capacity,
	&suite_containers,
	&suite_shapes,
	&suite_ndarray,
	&suite_pattern_input,
	&suite_patterns,
	&suite_patterns_out_of_memory,
	NULL,
};

enum thoroughness suites_thoroughness(void)
{
	const char *const exhaustive = getenv("GROWBENCH_EXHAUSTIVE");

	if (exhaustive == NULL || *exhaustive == '\0')
		return THOROUGHNESS_USUAL;
	return strcmp(exhaustive, "0") == 0 ? THOROUGHNESS_FEW_SIZES : THOROUGHNESS_EXHAUSTIVE;
}

static int start_counting(void **state)
{
	(void)state;
	counting_allocator_start();
	return 0;
}

/* Every test ends with nothing live, whatever else it looks at. */
static int nothing_is_live(void **state)
{
	const struct allocator_counts *counts = counting_allocator_counts();

	(void)state;
	if (counts->live_blocks != 0 || counts->live_bytes != 0 || counts->live_mappings != 0) {
		fprintf(stderr, "leaked: %zu blocks, %llu bytes, %zu mappings\n",
			counts->live_blocks, (unsigned long long)counts->live_bytes,
			counts->live_mappings);
		return -1;
	}
	return 0;
}

static int run(const struct suite *suite, const struct strategy *strategy)
{
	static char names[MOST_TESTS][MOST_NAME_BYTES];
	struct CMUnitTest tests[MOST_TESTS];
	char group[MOST_GROUP_BYTES];
	size_t count = 0;

	snprintf(group, sizeof group, "%s%s%s", suite->name, strategy != NULL ? ": " : "",
		 strategy != NULL ? strategy->name : "");
	for (const struct test *test = suite->tests; test->run != NULL; test++) {
		if (count == MOST_TESTS)
			return 1;
		snprintf(names[count], MOST_NAME_BYTES, "%s: %s", group, test->behaviour);
		tests[count] = (struct CMUnitTest){
			.name = names[count],
			.test_func = test->run,
			.setup_func = start_counting,
			.teardown_func = nothing_is_live,
			.initial_state = (void *)(uintptr_t)strategy,
		};
		count++;
	}
	return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
}

/* Up to 2.74, GLib keeps a cache that the counts cannot see through. */
static bool can_be_counted(const struct strategy *strategy)
{
	const char *const slices = getenv("G_SLICE");

	return strcmp(strategy->implementation, "glib") != 0 ||
	       (slices != NULL && strcmp(slices, "always-malloc") == 0);
}

/* With each value that its parameter has as an example, or as it is. */
static int run_with_values(const struct suite *suite, const struct strategy *strategy)
{
	struct strategy_instance instance;
	int failed = 0;

	if (strategy->parameter == NULL)
		return run(suite, strategy);
	for (const char *const *text = strategy->parameter->examples; *text != NULL; text++) {
		if (!strategy_with_value(strategy, *text, &instance)) {
			fprintf(stderr, "%s:%s is no value\n", strategy->name, *text);
			return 1;
		}
		failed += run(suite, &instance.strategy);
	}
	return failed;
}

static int run_for_each(const struct suite *suite, const struct strategy *const *table)
{
	int failed = 0;

	for (size_t i = 0; table[i] != NULL; i++) {
		if (can_be_counted(table[i]))
			failed += run_with_values(suite, table[i]);
		else
			fprintf(stderr, "[  SKIPPED ] %s: %s: needs G_SLICE=always-malloc\n",
				suite->name, table[i]->name);
	}
	return failed;
}

/* All suites, or only those that are named. */
int main(int argc, char **argv)
{
	int failed = 0;

	for (const struct suite *const *suite = suites; *suite != NULL; suite++) {
		bool wanted = argc == 1;

		for (int i = 1; i < argc; i++)
			wanted |= strcmp(argv[i], (*suite)->name) == 0;
		if (!wanted)
			continue;
		if ((*suite)->for_each_strategy)
			failed += run_for_each(*suite, strategies);
		else if ((*suite)->for_each_pattern)
			failed += run_for_each(*suite, patterns);
		else
			failed += run(*suite, NULL);
	}
	fprintf(stderr, "%llu allocations were made to fail\n",
		(unsigned long long)counting_allocator_all_failures());
	if (failed != 0)
		fprintf(stderr, "%d tests failed\n", failed);
	return failed == 0 ? 0 : 1;
}
