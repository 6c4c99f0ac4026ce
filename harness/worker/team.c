#include "harness/worker/team.h"

#include <inttypes.h>
#include <string.h>

#include "harness/worker/aged.h"
#include "harness/worker/memory.h"

static bool prepare_thread(struct team_thread *thread, unsigned char *buffer, struct error *error)
{
	const struct measure_request *request = thread->team->request;
	const struct strategy *strategy = request->strategy;

	row_source_init(&thread->source, buffer, request->row_bytes, request->work);
	thread->source.parameter = strategy->value;
	return strategy->prepare == NULL ||
	       strategy->prepare(&thread->source, request->rows) == BUILD_OK ||
	       error_set(error, "no memory for what %s starts from", strategy->name);
}

uint64_t team_expected_checksum(const struct measure_request *request, struct row_source *source)
{
	if (request->strategy->expected != NULL)
		return request->strategy->expected(source, request->rows);
	return row_source_checksum(source, request->rows);
}

bool team_prepare(struct team *team, const struct measure_request *request, void *pass,
		  size_t own_bytes, struct error *error)
{
	const size_t buffer_bytes =
		(row_source_buffer_bytes(request->row_bytes) + 63) & ~(size_t)63;
	unsigned char *buffers = memory_map(request->threads * buffer_bytes);
	unsigned char *own = memory_map(request->threads * own_bytes);

	team->request = request;
	team->pass = pass;
	team->threads = memory_map(request->threads * sizeof *team->threads);
	if (team->threads == NULL || buffers == NULL || own == NULL)
		return error_set(error, "no memory for the row buffers of %u threads",
				 request->threads);
	/* Touched, or the first time that is noted would be a page fault of the build. */
	memset(own, 0, request->threads * own_bytes);
	for (unsigned i = 0; i < request->threads; i++) {
		struct team_thread *thread = &team->threads[i];

		thread->team = team;
		thread->number = i;
		thread->own = own + i * own_bytes;
		if (!prepare_thread(thread, buffers + i * buffer_bytes, error))
			return false;
	}
	team->expected_checksum = team_expected_checksum(request, &team->threads[0].source);
	return true;
}

void team_dispose(struct team *team)
{
	const struct measure_request *request = team->request;

	if (request->strategy->dispose != NULL)
		for (unsigned i = 0; i < request->threads; i++)
			request->strategy->dispose(&team->threads[i].source);
}

static void *start_thread(void *data)
{
	struct team_thread *thread = data;

	aged_make(thread->number);
	return thread->team->run(thread);
}

bool team_run(struct team *team, void *(*run)(void *thread), struct error *error)
{
	const unsigned threads = team->request->threads;

	if (threads > 1 && pthread_barrier_init(&team->barrier, NULL, threads) != 0)
		return error_set(error, "no barrier for %u threads", threads);
	team->run = run;
	for (unsigned i = 1; i < threads; i++)
		if (pthread_create(&team->threads[i].handle, NULL, start_thread,
				   &team->threads[i]) != 0)
			/* The threads so far wait at the barrier until the process ends. */
			return error_set(error, "only %u of %u threads could be started", i,
					 threads);
	(void)run(&team->threads[0]);
	for (unsigned i = 1; i < threads; i++)
		(void)pthread_join(team->threads[i].handle, NULL);
	if (threads > 1)
		(void)pthread_barrier_destroy(&team->barrier);
	return true;
}

void team_wait(struct team *team)
{
	if (team->request->threads > 1)
		(void)pthread_barrier_wait(&team->barrier);
}

void team_rewind(struct team_thread *thread)
{
	const struct measure_request *request = thread->team->request;

	row_source_rewind(&thread->source);
	if (request->strategy->rewind != NULL)
		request->strategy->rewind(&thread->source, request->rows);
}

void team_build(struct team_thread *thread)
{
	const struct measure_request *request = thread->team->request;
	struct array array = strategy_array(request->strategy, request->row_bytes);

	team_rewind(thread);
	thread->status = request->strategy->build(&array, request->rows, &thread->source);
	thread->checksum = request->strategy->scan(&array);
	request->strategy->release(&array);
}

enum measure_status team_verdict_of(const char *kind, enum build_status status, uint64_t checksum,
				    uint64_t expected_checksum, struct error *error)
{
	if (status != BUILD_OK) {
		(void)error_set(error, "the %s build ran out of memory", kind);
		return MEASURE_OUT_OF_MEMORY;
	}
	if (checksum != expected_checksum) {
		(void)error_set(error,
				"the %s build's rows have checksum %016" PRIx64
				" instead of %016" PRIx64,
				kind, checksum, expected_checksum);
		return MEASURE_WRONG_CHECKSUM;
	}
	return MEASURE_OK;
}

enum measure_status team_verdict(const struct team *team, const char *kind, struct error *error)
{
	enum measure_status status = MEASURE_OK;

	for (unsigned i = 0; i < team->request->threads && status == MEASURE_OK; i++)
		status = team_verdict_of(kind, team->threads[i].status, team->threads[i].checksum,
					 team->expected_checksum, error);
	return status;
}
