#include "harness/worker/traced.h"

#include <dlfcn.h>
#include <string.h>

#include "harness/worker/clock.h"
#include "harness/worker/memory.h"
#include "harness/worker/team.h"

enum {
	MOST_BLOCKS = 1 << 22
};

/* Of each thread. */
struct traced_thread {
	struct array array;
	struct trace_counts build;
	struct trace_counts scan;
	struct trace_counts release;
	uint64_t copied_bytes; /* by the strategy, where the allocator decides how much */
	uint64_t build_ns;
	uint64_t release_ns;
};

struct traced_run {
	struct team team;
	const struct trace *trace;
	struct traced_result *result;
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
static enum build_status build_with_points(struct team_thread *thread)
{
	struct traced_run *run = thread->team->pass;
	struct traced_thread *own = thread->own;
	const struct strategy *strategy = thread->team->request->strategy;
	const uint64_t rows = thread->team->request->rows;
	const uint64_t wanted = run->result->points_wanted;
	const uint64_t every = rows / wanted + (rows % wanted != 0);
	enum build_status status = BUILD_OK;

	if (strategy->begin != NULL)
		status = strategy->begin(&own->array, rows);
	for (uint64_t row = 0; row < rows && status == BUILD_OK; row++) {
		status = strategy->append(&own->array, row_source_next(&thread->source));
		if (row == 0 || ((row + 1) % every == 0 && row + 1 < rows))
			take_point(run, row + 1, false);
	}
	if (status == BUILD_OK && strategy->finish != NULL)
		status = strategy->finish(&own->array);
	take_point(run, rows, true);
	return status;
}

/* ---- one thread ---- */

static void *run_thread(void *data)
{
	struct team_thread *thread = data;
	struct team *team = thread->team;
	struct traced_run *run = team->pass;
	struct traced_thread *own = thread->own;
	const struct measure_request *request = team->request;
	const struct trace *trace = run->trace;
	uint64_t start;
	bool walked;

	own->array = strategy_array(request->strategy, request->row_bytes);
	team_rewind(thread);
	team_wait(team);

	start = clock_now_ns();
	trace->start();
	thread->status =
		run->result->points_wanted > 0
			? build_with_points(thread)
			: request->strategy->build(&own->array, request->rows, &thread->source);
	trace->stop(&own->build);
	own->build_ns = clock_now_ns() - start;
	own->copied_bytes = own->array.copied_bytes;

	team_wait(team);
	if (thread->number == 0)
		trace->live(&run->result->at_end);
	team_wait(team);

	trace->start();
	walked = request->strategy->walk != NULL && thread->status == BUILD_OK;
	if (walked)
		request->strategy->walk(&own->array);
	else
		thread->checksum = request->strategy->scan(&own->array);
	trace->stop(&own->scan);
	if (walked)
		thread->checksum = request->strategy->scan(&own->array);

	team_wait(team);
	start = clock_now_ns();
	trace->start();
	request->strategy->release(&own->array);
	trace->stop(&own->release);
	own->release_ns = clock_now_ns() - start;
	team_wait(team);
	return NULL;
}

/* ---- before and after ---- */

/* Room in the interposer's table, which takes more by itself if it has to: for all blocks that are
 * ever made and the few of realloc; but a strategy that makes a new block for each row keeps two.
 */
static size_t live_blocks(const struct measure_request *request)
{
	struct strategy_cost cost = {0};
	size_t blocks = 8;

	strategy_cost_of(request->strategy, request->rows, request->row_bytes, &cost);
	if (cost.live_block_count > 0)
		blocks += cost.live_block_count;
	else if (request->strategy->order == GROWTH_LINEAR)
		blocks += cost.malloc_count + cost.calloc_count;
	return blocks > MOST_BLOCKS / request->threads ? MOST_BLOCKS : blocks * request->threads;
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
	sum->realloc_reused_count += counts->realloc_reused_count;
	sum->realloc_reused_bytes += counts->realloc_reused_bytes;
	sum->system_calls_seen = sum->system_calls_seen && counts->system_calls_seen;
	add_system_calls(&sum->allocator, &counts->allocator);
	add_system_calls(&sum->program, &counts->program);
}

static void collect(struct traced_run *run)
{
	const struct measure_request *request = run->team.request;
	struct traced_result *result = run->result;
	struct strategy_cost cost;

	result->build.system_calls_seen = true;
	result->release.system_calls_seen = true;
	result->thread_calls_min = UINT64_MAX;
	for (unsigned i = 0; i < request->threads; i++) {
		const struct traced_thread *own = run->team.threads[i].own;
		uint64_t calls = calls_of(&own->build);

		add_counts(&result->build, &own->build);
		add_counts(&result->release, &own->release);
		result->scan_calls += calls_of(&own->scan);
		result->strategy_copied_bytes += own->copied_bytes;
		if (calls < result->thread_calls_min)
			result->thread_calls_min = calls;
		if (calls > result->thread_calls_max)
			result->thread_calls_max = calls;
		if (own->build_ns + own->release_ns > result->build_release_ns)
			result->build_release_ns = own->build_ns + own->release_ns;
	}
	strategy_cost_of(request->strategy, request->rows, request->row_bytes, &cost);
	if (!request->strategy->allocator_decides)
		result->strategy_copied_bytes = cost.copied_bytes * request->threads;
	result->checksum = run->team.threads[0].checksum;
}

static enum measure_status verdict(const struct traced_run *run, struct error *error)
{
	const enum measure_status status = team_verdict(&run->team, "traced", error);

	if (status == MEASURE_OK && run->trace->incomplete() != NULL) {
		(void)error_set(error, "the trace is not whole: %s", run->trace->incomplete());
		return MEASURE_FAILED;
	}
	return status;
}

enum measure_status traced(const struct measure_request *request, struct traced_result *result,
			   struct error *error)
{
	struct traced_run run = {.trace = dlsym(RTLD_DEFAULT, TRACE_SYMBOL), .result = result};
	const unsigned wanted = request->threads == 1 && request->strategy->append != NULL
					? result->points_wanted
					: 0;
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
	if (!team_prepare(&run.team, request, &run, sizeof(struct traced_thread), error))
		return MEASURE_FAILED;
	if (!run.trace->reset(live_blocks(request))) {
		(void)error_set(error, "no memory for the interposer's table of blocks");
		return MEASURE_FAILED;
	}
	run.resident_fd = memory_open_resident();
	(void)memory_resident(run.resident_fd, &run.resident_before);
	if (!team_run(&run.team, run_thread, error))
		return MEASURE_FAILED;
	collect(&run);
	run.trace->live(&live);
	result->leaked_bytes = live.requested_bytes;
	status = verdict(&run, error);
	team_dispose(&run.team);
	return status;
}
