#include "harness/worker/instructions.h"

#include "harness/worker/team.h"

/* Calls of these must be found by name, and end where they end: so they are not inlined, nor left
 * by a jump into what they call. */
#if defined(__clang__)
#define COUNTED_CALL __attribute__((noinline, used))
#else
#define COUNTED_CALL __attribute__((noipa, used))
#endif
#define END_OF_CALL() __asm__ volatile("" ::: "memory")

COUNTED_CALL enum build_status growbench_cold_build(const struct strategy *strategy,
						    struct array *array, size_t rows,
						    struct row_source *source)
{
	const enum build_status status = strategy->build(array, rows, source);

	END_OF_CALL();
	return status;
}

COUNTED_CALL enum build_status growbench_cold_release(const struct strategy *strategy,
						      struct array *array, size_t rows,
						      struct row_source *source)
{
	(void)rows;
	(void)source;
	strategy->release(array);
	END_OF_CALL();
	return BUILD_OK;
}

COUNTED_CALL enum build_status growbench_warm_build_release(const struct strategy *strategy,
							    struct array *array, size_t rows,
							    struct row_source *source)
{
	const enum build_status status = strategy->build(array, rows, source);

	strategy->release(array);
	END_OF_CALL();
	return status;
}

static void build_cold(struct team_thread *thread)
{
	const struct measure_request *request = thread->team->request;
	const struct strategy *strategy = request->strategy;
	struct array array = strategy_array(request->strategy, request->row_bytes);

	team_rewind(thread);
	thread->status = growbench_cold_build(strategy, &array, request->rows, &thread->source);
	thread->checksum = strategy->scan(&array);
	(void)growbench_cold_release(strategy, &array, request->rows, &thread->source);
}

static void build_warm(struct team_thread *thread)
{
	const struct measure_request *request = thread->team->request;
	struct array array = strategy_array(request->strategy, request->row_bytes);

	team_rewind(thread);
	thread->status = growbench_warm_build_release(request->strategy, &array, request->rows,
						      &thread->source);
}

static bool is_short(const struct measure_request *request)
{
	struct strategy_cost cost;

	strategy_cost_of(request->strategy, request->rows, request->row_bytes, &cost);
	return cost.copied_bytes <= INSTRUCTIONS_MOST_COPIED_BYTES;
}

enum measure_status instructions(const struct measure_request *request, uint64_t *checksum,
				 struct error *error)
{
	struct team team;
	struct team_thread *thread;
	enum measure_status status;

	if (request->threads != 1) {
		(void)error_set(error, "instructions are counted of one thread only");
		return MEASURE_FAILED;
	}
	if (!team_prepare(&team, request, NULL, 1, error))
		return MEASURE_FAILED;
	thread = &team.threads[0];
	build_cold(thread);
	*checksum = thread->checksum;
	status = team_verdict(&team, "cold", error);
	if (status == MEASURE_OK && request->strategy->paused_ns != NULL &&
	    request->strategy->paused_ns(&thread->source) > 0) {
		(void)error_set(error, "what the strategy does that is not its own would be "
				       "counted as well: it has too many rows for that");
		status = MEASURE_FAILED;
	}
	if (status == MEASURE_OK && is_short(request)) {
		team_build(thread); /* not counted */
		status = team_verdict(&team, "second", error);
	}
	if (status == MEASURE_OK) {
		build_warm(thread);
		/* Its rows are gone: how it ended is all that there is to know. */
		status = team_verdict_of("warm", thread->status, 0, 0, error);
	}
	team_dispose(&team);
	return status;
}
