/* Keeps the results of a bench_run(), so that a test can look at them afterwards. */
#ifndef GROWBENCH_HARNESS_SHIM_TESTS_RESULTS_H
#define GROWBENCH_HARNESS_SHIM_TESTS_RESULTS_H

#include "harness/shim/bench.h"

#include <string.h>

#define MAX_RESULTS 16
#define MAX_COUNTERS 8
#define MAX_TEXT 128

struct kept_result {
	char name[MAX_TEXT];
	char label[MAX_TEXT];       /* "": NULL */
	char error[MAX_TEXT];       /* "": NULL */
	struct bench_result result; /* with no pointers */
	char counter_names[MAX_COUNTERS][MAX_TEXT];
	double counter_values[MAX_COUNTERS];
};

struct kept_results {
	size_t count; /* of calls; more than MAX_RESULTS are counted, not kept */
	struct kept_result items[MAX_RESULTS];
};

static inline void keep_text(char *to, const char *text)
{
	if (text != NULL)
		strncat(to, text, MAX_TEXT - 1);
}

static inline void keep_result(const struct bench_result *result, void *user_data)
{
	struct kept_results *results = (struct kept_results *)user_data;
	struct kept_result *kept;

	if (results->count++ >= MAX_RESULTS)
		return;
	kept = &results->items[results->count - 1];
	memset(kept, 0, sizeof(*kept));
	keep_text(kept->name, result->name);
	keep_text(kept->label, result->label);
	keep_text(kept->error, result->error);
	kept->result = *result;
	for (size_t i = 0; i < result->counter_count && i < MAX_COUNTERS; i++) {
		keep_text(kept->counter_names[i], result->counters[i].name);
		kept->counter_values[i] = result->counters[i].value;
	}
	kept->result.name = NULL;
	kept->result.label = NULL;
	kept->result.error = NULL;
	kept->result.counters = NULL;
}

#endif
