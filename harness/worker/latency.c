#include "harness/worker/latency.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "harness/common/median.h"
#include "harness/worker/clock.h"
#include "harness/worker/histogram.h"
#include "harness/worker/memory.h"
#include "harness/worker/team.h"

enum {
	TIMER_BATCHES = 101,
	TIMER_BATCH_APPENDS = 100
};

/* All that is needed besides the array; mapped, not malloc'ed. */
struct stopwatch {
	struct histogram histogram;
	double timer_ns[TIMER_BATCHES];
	struct row_source source;
	_Alignas(64) unsigned char row_buffer[];
};

/* The timed loop, for a strategy and for the timer's own cost alike. Not inlined: it must be the
 * same code for both, and not know whose append it calls. */
static __attribute__((noinline)) enum build_status time_appends(const struct strategy *strategy,
								struct array *array, size_t rows,
								struct stopwatch *stopwatch)
{
	enum build_status status = BUILD_OK;
	uint64_t before = clock_now_ns();

	if (strategy->begin != NULL)
		status = strategy->begin(array, rows);
	for (size_t row = 0; row < rows && status == BUILD_OK; row++) {
		uint64_t after;

		status = strategy->append(array, row_source_next(&stopwatch->source));
		if (row + 1 == rows && status == BUILD_OK && strategy->finish != NULL)
			status = strategy->finish(array);
		after = clock_now_ns();
		histogram_add(&stopwatch->histogram, after - before);
		before = after;
	}
	return status;
}

static enum build_status append_nothing(struct array *array, const void *row)
{
	(void)array;
	(void)row;
	return BUILD_OK;
}

/* Means of batches, since the clock counts whole nanoseconds; their median, since some batches are
 * interrupted. */
static double timer_cost(struct stopwatch *stopwatch)
{
	static const struct strategy nothing = {.name = "nothing", .append = append_nothing};
	struct array array = array_init(1);

	for (int batch = 0; batch < TIMER_BATCHES; batch++) {
		histogram_clear(&stopwatch->histogram);
		(void)time_appends(&nothing, &array, TIMER_BATCH_APPENDS, stopwatch);
		stopwatch->timer_ns[batch] =
			(double)stopwatch->histogram.total / TIMER_BATCH_APPENDS;
	}
	histogram_clear(&stopwatch->histogram);
	row_source_rewind(&stopwatch->source);
	return median(stopwatch->timer_ns, TIMER_BATCHES);
}

static void fill_result(const struct histogram *histogram, struct latency_result *result)
{
	result->append_count = histogram->count;
	result->median_ns = histogram_percentile(histogram, 500000);
	result->p90_ns = histogram_percentile(histogram, 900000);
	result->p99_ns = histogram_percentile(histogram, 990000);
	result->p99_9_known = histogram->count >= LATENCY_P99_9_APPENDS;
	result->p99_9_ns = histogram_percentile(histogram, 999000);
	result->p99_99_known = histogram->count >= LATENCY_P99_99_APPENDS;
	result->p99_99_ns = histogram_percentile(histogram, 999900);
	result->max_ns = histogram->max;
	result->total_ns = histogram->total;
	result->slowest_share = histogram_slowest_share(histogram);
	result->error_share = HISTOGRAM_ERROR_SHARE;
}

static enum measure_status run(const struct measure_request *request, struct stopwatch *stopwatch,
			       struct latency_result *result, struct error *error)
{
	const struct strategy *strategy = request->strategy;
	struct array array = strategy_array(request->strategy, request->row_bytes);
	uint64_t expected = team_expected_checksum(request, &stopwatch->source);
	enum build_status status;
	enum measure_status verdict;
	struct rusage before;
	struct rusage after;

	result->timer_ns = timer_cost(stopwatch);
	(void)getrusage(RUSAGE_SELF, &before);
	status = time_appends(strategy, &array, request->rows, stopwatch);
	(void)getrusage(RUSAGE_SELF, &after);
	result->involuntary_switches = (uint64_t)(after.ru_nivcsw - before.ru_nivcsw);

	if (status == BUILD_OK)
		result->checksum = strategy->scan(&array);
	strategy->release(&array);
	verdict = team_verdict_of("timed", status, result->checksum, expected, error);
	if (verdict == MEASURE_OK)
		fill_result(&stopwatch->histogram, result);
	return verdict;
}

enum measure_status latency(const struct measure_request *request, struct latency_result *result,
			    struct error *error)
{
	const size_t bytes = sizeof(struct stopwatch) + row_source_buffer_bytes(request->row_bytes);
	struct stopwatch *stopwatch;
	enum measure_status status;

	memset(result, 0, sizeof *result);
	if (request->threads != 1) {
		(void)error_set(error, "single appends are timed in one thread, not in %u",
				request->threads);
		return MEASURE_FAILED;
	}
	stopwatch = memory_map(bytes);
	if (stopwatch == NULL) {
		(void)error_set(error, "no memory for a row of %zu bytes", request->row_bytes);
		return MEASURE_FAILED;
	}
	memory_map_program();
	row_source_init(&stopwatch->source, stopwatch->row_buffer, request->row_bytes,
			request->work);
	stopwatch->source.parameter = request->strategy->value;
	status = run(request, stopwatch, result, error);
	(void)munmap(stopwatch, bytes);
	return status;
}
