/* What the trace pass makes of an interposer that has no memory, and what it gives back. The
 * interposer is one of ours that counts nothing. */
#include "kernels/tests/cmocka_headers.h"

#include <string.h>

#include "harness/worker/traced.h"
#include "support.h"

static bool has_room;
static const char *missing;

static bool reset(size_t blocks)
{
	(void)blocks;
	return has_room;
}

static const char *syscalls_unavailable(void)
{
	return "it counts nothing";
}

static const char *incomplete(void)
{
	return missing;
}

static void do_nothing(void)
{
}

static void stop(struct trace_counts *counts)
{
	memset(counts, 0, sizeof *counts);
}

static void live(struct trace_live *live)
{
	memset(live, 0, sizeof *live);
}

/* As traced() looks for it. */
extern const struct trace growbench_trace;

const struct trace growbench_trace = {
	.version = TRACE_VERSION,
	.syscalls_unavailable = syscalls_unavailable,
	.reset = reset,
	.start = do_nothing,
	.stop = stop,
	.pause = do_nothing,
	.resume = do_nothing,
	.live = live,
	.incomplete = incomplete,
};

/* A pattern that counts what it prepared and has not given back, and one that has no memory for its
 * builds besides. */
static const struct strategy *pattern;
static unsigned prepared;

static enum build_status prepare(struct row_source *source, size_t rows)
{
	prepared++;
	return pattern->prepare(source, rows);
}

static void dispose(struct row_source *source)
{
	prepared--;
	pattern->dispose(source);
}

static enum build_status build_nothing(struct array *array, size_t rows, struct row_source *source)
{
	(void)array;
	(void)rows;
	(void)source;
	return BUILD_OUT_OF_MEMORY;
}

static struct strategy counting_pattern;

static int start(void **state)
{
	(void)state;
	has_room = true;
	missing = NULL;
	prepared = 0;
	pattern = strategy_find("c", "add_chain");
	counting_pattern = *pattern;
	counting_pattern.prepare = prepare;
	counting_pattern.dispose = dispose;
	return 0;
}

static enum measure_status trace_it(unsigned threads, struct error *error)
{
	static struct traced_result result;
	const struct measure_request request = {
		.strategy = &counting_pattern,
		.rows = 10,
		.row_bytes = 80,
		.threads = threads,
	};

	memset(&result, 0, sizeof result);
	error->text[0] = '\0';
	return traced(&request, &result, error);
}

static void what_was_prepared_is_given_back(void **state)
{
	struct error error;

	(void)state;
	for (unsigned threads = 1; threads <= 3; threads++) {
		assert_int_equal(trace_it(threads, &error), MEASURE_OK);
		assert_int_equal(prepared, 0);
	}
	counting_pattern.build = build_nothing;
	assert_int_equal(trace_it(1, &error), MEASURE_OUT_OF_MEMORY);
	assert_int_equal(prepared, 0);
}

static void a_table_that_cannot_be_made_is_a_failure(void **state)
{
	struct error error;

	(void)state;
	has_room = false;
	assert_int_equal(trace_it(1, &error), MEASURE_FAILED);
	assert_string_equal(error.text, "no memory for the interposer's table of blocks");
}

static void counts_that_are_not_whole_are_a_failure(void **state)
{
	struct error error;

	(void)state;
	missing = "half of it";
	assert_int_equal(trace_it(1, &error), MEASURE_FAILED);
	assert_string_equal(error.text, "the trace is not whole: half of it");
	/* The strategy's own want of memory says more. */
	counting_pattern.build = build_nothing;
	assert_int_equal(trace_it(1, &error), MEASURE_OUT_OF_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_was_prepared_is_given_back, start),
		cmocka_unit_test_setup(a_table_that_cannot_be_made_is_a_failure, start),
		cmocka_unit_test_setup(counts_that_are_not_whole_are_a_failure, start),
	};

	return cmocka_run_group_tests_name("traced", tests, NULL, NULL);
}
