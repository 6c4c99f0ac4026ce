#include "harness/worker/traced.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "harness/worker/clock.h"
#include "harness/worker/memory.h"

enum {
	MOST_BLOCKS = 1 << 22
};

/* What one thread works on. */
struct thread {
	struct traced_run *run;
	unsigned number;
	pthread_t handle;
	struct row_source source;
	struct array array;
	struct trace_counts build;
	struct trace_counts scan;
	struct trace_counts release;
	uint64_t build_ns;
	uint64_t release_ns;
	enum build_status status;
	uint64_t checksum;
};

struct traced_run {
	const struct trace *trace;
	const struct measure_request *request;
	struct traced_result *result;
	struct thread *threads;
	pthread_barrier_t barrier;
	int resident_fd;
	uint64_t resident_before;
};

/* ---- the timeline ---- */

static void take_point(struct traced_run *run, uint64_t rows, bool last)
{
	struct traced_result *result = run->result;
	struct traced_point point = {.rows = rows};
	struct traced_point *before =
		result->point_count > 0 ? &result->points[result->point_count - 1] : NULL;
	struct trace_live live;
	uint64_t resident = 0;

	run->trace->pause();
	run->trace->live(&live);
	point.live_bytes = live.requested_bytes;
	point.live_peak_bytes = live.window_peak_bytes;
	if (memory_resident(run->resident_fd, &resident) && resident > run->resident_before)
		point.resident_bytes = resident - run->resident_before;
	run->trace->resume();
	if (before != NULL && !last && before->live_bytes == point.live_bytes &&
	    before->live_peak_bytes == point.live_peak_bytes &&
	    before->resident_bytes == point.resident_bytes)
		return;
	result->points[result->point_count++] = point;
}

/* The build of strategy.h, in steps, with a point after every so many rows. */
static enum build_status build_with_points(struct thread *thread)
{
	struct traced_run *run = thread->run;
	const struct strategy *strategy = run->request->strategy;
	const uint64_t rows = run->request->rows;
	const uint64_t wanted = run->result->points_wanted;
	const uint64_t every = rows / wanted + (rows % wanted != 0);
	enum build_status status = BUILD_OK;

	if (strategy->begin != NULL)
		status = strategy->begin(&thread->array, rows);
	for (uint64_t row = 0; row < rows && status == BUILD_OK; row++) {
		status = strategy->append(&thread->array, row_source_next(&thread->source));
		if (row == 0 || ((row + 1) % every == 0 && row + 1 < rows))
			take_point(run, row + 1, false);
	}
	if (status == BUILD_OK && strategy->finish != NULL)
		status = strategy->finish(&thread->array);
	take_point(run, rows, true);
	return status;
}

/* ---- one thread ---- */

static void wait_for_all(struct traced_run *run)
{
	if (run->request->threads > 1)
		(void)pthread_barrier_wait(&run->barrier);
}

static void *run_thread(void *data)
{
	struct thread *thread = data;
	struct traced_run *run = thread->run;
	const struct measure_request *request = run->request;
	const struct trace *trace = run->trace;
	uint64_t start;
	bool walked;

	thread->array = array_init(request->row_bytes);
	measure_rewind(request, &thread->source);
	wait_for_all(run);

	start = clock_now_ns();
	trace->start();
	thread->status =
		run->result->points_wanted > 0
			? build_with_points(thread)
			: request->strategy->build(&thread->array, request->rows, &thread->source);
	trace->stop(&thread->build);
	thread->build_ns = clock_now_ns() - start;

	wait_for_all(run);
	if (thread->number == 0)
		trace->live(&run->result->at_end);
	wait_for_all(run);

	trace->start();
	walked = request->strategy->walk != NULL && thread->status == BUILD_OK;
	if (walked)
		request->strategy->walk(&thread->array);
	else
		thread->checksum = request->strategy->scan(&thread->array);
	trace->stop(&thread->scan);
	if (walked)
		thread->checksum = request->strategy->scan(&thread->array);

	wait_for_all(run);
	start = clock_now_ns();
	trace->start();
	request->strategy->release(&thread->array);
	trace->stop(&thread->release);
	thread->release_ns = clock_now_ns() - start;
	wait_for_all(run);
	return NULL;
}

static bool run_threads(struct traced_run *run, struct error *error)
{
	const unsigned threads = run->request->threads;

	if (threads > 1 && pthread_barrier_init(&run->barrier, NULL, threads) != 0)
		return error_set(error, "no barrier for %u threads", threads);
	for (unsigned i = 1; i < threads; i++)
		if (pthread_create(&run->threads[i].handle, NULL, run_thread, &run->threads[i]) !=
		    0)
			/* The threads so far wait at the barrier until the process ends. */
			return error_set(error, "only %u of %u threads could be started", i,
					 threads);
	(void)run_thread(&run->threads[0]);
	for (unsigned i = 1; i < threads; i++)
		(void)pthread_join(run->threads[i].handle, NULL);
	return true;
}

/* ---- before and after ---- */

static bool prepare_threads(struct traced_run *run, struct error *error)
{
	const struct measure_request *request = run->request;
	size_t buffer_bytes = (row_source_buffer_bytes(request->row_bytes) + 63) & ~(size_t)63;
	unsigned char *buffers = memory_map(request->threads * buffer_bytes);

	run->threads = memory_map(request->threads * sizeof *run->threads);
	if (run->threads == NULL || buffers == NULL)
		return error_set(error, "no memory for the row buffers of %u threads",
				 request->threads);
	for (unsigned i = 0; i < request->threads; i++) {
		struct thread *thread = &run->threads[i];

		thread->run = run;
		thread->number = i;
		row_source_init(&thread->source, buffers + i * buffer_bytes, request->row_bytes,
				request->work);
		if (!measure_prepare(request, &thread->source, error))
			return false;
	}
	return true;
}

/* Room in the interposer's table, which takes more by itself if it has to: for all blocks that are
 * ever made and the few of realloc; but a strategy that makes a new block for each row keeps two.
 */
static size_t live_blocks(const struct measure_request *request)
{
	struct strategy_cost cost = {0};
	size_t blocks = 8;

	request->strategy->cost(request->rows, request->row_bytes, &cost);
	if (request->strategy->order == GROWTH_LINEAR)
		blocks += cost.malloc_count + cost.calloc_count;
	return blocks > MOST_BLOCKS / request->threads ? MOST_BLOCKS : blocks * request->threads;
}

static void dispose_threads(struct traced_run *run)
{
	for (unsigned i = 0; i < run->request->threads; i++)
		measure_dispose(run->request, &run->threads[i].source);
}

static uint64_t calls_of(const struct trace_counts *counts)
{
	return counts->malloc_count + counts->calloc_count + counts->realloc_count +
	       counts->free_count + counts->aligned_count;
}

static void add_system_calls(struct trace_system_calls *sum,
			     const struct trace_system_calls *counts)
{
	sum->mmap_count += counts->mmap_count;
	sum->munmap_count += counts->munmap_count;
	sum->mremap_count += counts->mremap_count;
	sum->brk_count += counts->brk_count;
	sum->madvise_count += counts->madvise_count;
	sum->mprotect_count += counts->mprotect_count;
	sum->mapped_bytes += counts->mapped_bytes;
	sum->unmapped_bytes += counts->unmapped_bytes;
}

static void add_counts(struct trace_counts *sum, const struct trace_counts *counts)
{
	sum->malloc_count += counts->malloc_count;
	sum->calloc_count += counts->calloc_count;
	sum->realloc_count += counts->realloc_count;
	sum->free_count += counts->free_count;
	sum->aligned_count += counts->aligned_count;
	sum->realloc_in_place_count += counts->realloc_in_place_count;
	sum->realloc_moved_count += counts->realloc_moved_count;
	sum->realloc_remapped_count += counts->realloc_remapped_count;
	sum->realloc_shrunk_count += counts->realloc_shrunk_count;
	sum->realloc_failed_count += counts->realloc_failed_count;
	sum->realloc_moved_bytes += counts->realloc_moved_bytes;
	sum->realloc_remapped_bytes += counts->realloc_remapped_bytes;
	sum->system_calls_seen = sum->system_calls_seen && counts->system_calls_seen;
	add_system_calls(&sum->allocator, &counts->allocator);
	add_system_calls(&sum->program, &counts->program);
}

static void collect(struct traced_run *run)
{
	struct traced_result *result = run->result;
	struct strategy_cost cost;

	result->build.system_calls_seen = true;
	result->release.system_calls_seen = true;
	result->thread_calls_min = UINT64_MAX;
	for (unsigned i = 0; i < run->request->threads; i++) {
		const struct thread *thread = &run->threads[i];
		uint64_t calls = calls_of(&thread->build);

		add_counts(&result->build, &thread->build);
		add_counts(&result->release, &thread->release);
		result->scan_calls += calls_of(&thread->scan);
		if (calls < result->thread_calls_min)
			result->thread_calls_min = calls;
		if (calls > result->thread_calls_max)
			result->thread_calls_max = calls;
		if (thread->build_ns + thread->release_ns > result->build_release_ns)
			result->build_release_ns = thread->build_ns + thread->release_ns;
	}
	run->request->strategy->cost(run->request->rows, run->request->row_bytes, &cost);
	result->strategy_copied_bytes = cost.copied_bytes * run->request->threads;
	result->checksum = run->threads[0].checksum;
}

static enum measure_status verdict(struct traced_run *run, struct error *error)
{
	const uint64_t expected = measure_expected(run->request, &run->threads[0].source);

	for (unsigned i = 0; i < run->request->threads; i++) {
		if (run->threads[i].status != BUILD_OK) {
			(void)error_set(error, "the traced build ran out of memory");
			return MEASURE_OUT_OF_MEMORY;
		}
		if (run->threads[i].checksum != expected) {
			(void)error_set(error,
					"the traced build's rows have checksum %016" PRIx64
					" instead of %016" PRIx64,
					run->threads[i].checksum, expected);
			return MEASURE_WRONG_CHECKSUM;
		}
	}
	if (run->trace->incomplete() != NULL) {
		(void)error_set(error, "the trace is not whole: %s", run->trace->incomplete());
		return MEASURE_FAILED;
	}
	return MEASURE_OK;
}

enum measure_status traced(const struct measure_request *request, struct traced_result *result,
			   struct error *error)
{
	struct traced_run run = {
		.trace = dlsym(RTLD_DEFAULT, TRACE_SYMBOL), .request = request, .result = result};
	const unsigned wanted = request->threads == 1 ? result->points_wanted : 0;
	enum measure_status status;
	struct trace_live live;

	memset(result, 0, sizeof *result);
	result->points_wanted = wanted;
	if (run.trace == NULL || run.trace->version != TRACE_VERSION) {
		(void)error_set(error, "libgrowbench-trace.so is not preloaded, or is of another "
				       "version");
		return MEASURE_FAILED;
	}
	memory_map_program();
	result->untraced_reason = run.trace->syscalls_unavailable();
	if (!prepare_threads(&run, error))
		return MEASURE_FAILED;
	if (!run.trace->reset(live_blocks(request))) {
		(void)error_set(error, "no memory for the interposer's table of blocks");
		return MEASURE_FAILED;
	}
	run.resident_fd = memory_open_resident();
	(void)memory_resident(run.resident_fd, &run.resident_before);
	if (!run_threads(&run, error))
		return MEASURE_FAILED;
	collect(&run);
	run.trace->live(&live);
	result->leaked_bytes = live.requested_bytes;
	status = verdict(&run, error);
	dispose_threads(&run);
	return status;
}
