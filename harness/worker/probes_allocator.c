/* What the allocator's calls cost when the memory is there: no page faults, no system calls if the
 * allocator can do without. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/worker/clock.h"
#include "harness/worker/probe_values.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

enum {
	LONG_ENOUGH_NS = 200 * 1000
};

static enum probe_status no_block(size_t bytes, struct error *error)
{
	(void)error_set(error, "malloc has no block of %zu bytes to probe", bytes);
	return PROBE_FAILED;
}

struct pair {
	size_t bytes;
	bool failed;
};

static void allocate_and_free(void *context, uint64_t count)
{
	struct pair *pair = context;

	while (count-- > 0) {
		void *block = malloc(pair->bytes);

		probe_use(block);
		pair->failed |= block == NULL;
		free(block);
	}
}

enum probe_status probe_malloc_free(size_t bytes, struct probe_result *result, struct error *error)
{
	struct pair pair = {.bytes = bytes};
	enum probe_status status = probe_repeat(allocate_and_free, &pair, result, error);

	return status == PROBE_OK && pair.failed ? no_block(bytes, error) : status;
}

enum {
	MOST_BLOCKS = 4096,
	LEAST_BLOCKS = 16
};

/* Bytes that a run of blocks takes at most, unless they are few. */
#define RUN_BYTES (32 * MIB)

struct run {
	size_t bytes;
	size_t count;
	void *plug;
	uint64_t malloc_ns;
	uint64_t free_ns;
	bool of_free; /* the freeing is what counts */
	void *blocks[MOST_BLOCKS];
};

static void free_blocks(struct run *run, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(run->blocks[i]);
}

/* All blocks once, and back. The first time, one more block is taken behind them and kept, so that
 * the end of the heap, which glibc gives back, is not where they were. */
static bool run_once(struct run *run)
{
	const uint64_t start = clock_now_ns();
	uint64_t middle;

	for (size_t i = 0; i < run->count; i++) {
		run->blocks[i] = malloc(run->bytes);
		if (run->blocks[i] == NULL) {
			free_blocks(run, i);
			return false;
		}
	}
	run->malloc_ns += clock_now_ns() - start;
	if (run->plug == NULL)
		run->plug = malloc(run->bytes);
	middle = clock_now_ns();
	free_blocks(run, run->count);
	run->free_ns += clock_now_ns() - middle;
	return true;
}

static enum probe_status time_runs(void *context, double *ns, struct error *error)
{
	struct run *run = context;
	const uint64_t *taken_ns = run->of_free ? &run->free_ns : &run->malloc_ns;
	size_t count = 0;

	run->malloc_ns = 0;
	run->free_ns = 0;
	while (*taken_ns < LONG_ENOUGH_NS) {
		if (!run_once(run))
			return no_block(run->bytes, error);
		count += run->count;
	}
	*ns = (double)*taken_ns / (double)count;
	return PROBE_OK;
}

static size_t blocks_in_run(size_t bytes)
{
	const size_t count = RUN_BYTES / bytes;

	if (count < LEAST_BLOCKS)
		return LEAST_BLOCKS;
	return count < MOST_BLOCKS ? count : MOST_BLOCKS;
}

static enum probe_status probe_run_of(size_t bytes, bool of_free, struct probe_result *result,
				      struct error *error)
{
	struct run *run = probe_map(sizeof *run, error);
	enum probe_status status;

	if (run == NULL)
		return PROBE_FAILED;
	memset(run, 0, sizeof *run);
	run->bytes = bytes;
	run->count = blocks_in_run(bytes);
	run->of_free = of_free;
	status = probe_take(time_runs, run, result, error);
	free(run->plug);
	(void)munmap(run, sizeof *run);
	return status;
}

enum probe_status probe_malloc_run(size_t bytes, struct probe_result *result, struct error *error)
{
	return probe_run_of(bytes, false, result, error);
}

enum probe_status probe_free_run(size_t bytes, struct probe_result *result, struct error *error)
{
	return probe_run_of(bytes, true, result, error);
}

enum {
	/* A batch asks for so much more in all that it mostly stays within a size class, of which
	 * there are four and more in each octave: the next of 64 KiB is 80 KiB. */
	BATCH_BYTES = 4 << 10,
	MOST_CALLS_IN_BATCH = 32,
	BATCHES_OF_BLOCK = 16,
	/* After so many blocks without one batch in place, it never is. */
	MOST_BLOCKS_IN_VAIN = 64,
	IN_PLACE_NS = 50 * 1000
};

#define FIRST_BYTES (64 * KIB)

struct growing {
	size_t step_bytes;
	size_t batch_calls;
	double clock_ns;
	double in_place_ns;
	size_t in_place_calls;
};

/* One batch of reallocs that each ask for a step more; *block and *bytes are as the batch left
 * them. Counts if the block was never moved. False without memory. */
static bool grow_by_batch(struct growing *growing, unsigned char **block, size_t *bytes)
{
	unsigned char *const place = *block;
	bool in_place = true;
	uint64_t ns = clock_now_ns();

	for (size_t call = 0; call < growing->batch_calls; call++) {
		unsigned char *grown = realloc(*block, *bytes + growing->step_bytes);

		if (grown == NULL)
			return false;
		*block = grown;
		*bytes += growing->step_bytes;
		in_place &= grown == place;
	}
	ns = clock_now_ns() - ns;
	if (in_place) {
		growing->in_place_ns += (double)ns - growing->clock_ns;
		growing->in_place_calls += growing->batch_calls;
	}
	return true;
}

static bool grow_a_block(struct growing *growing)
{
	size_t bytes = FIRST_BYTES;
	unsigned char *block = malloc(bytes);
	bool grown = block != NULL;

	for (size_t batch = 0; batch < BATCHES_OF_BLOCK && grown; batch++)
		grown = grow_by_batch(growing, &block, &bytes);
	free(block);
	return grown;
}

static enum probe_status time_in_place(void *context, double *ns, struct error *error)
{
	struct growing *growing = context;
	int blocks_in_vain = 0;

	growing->in_place_ns = 0;
	growing->in_place_calls = 0;
	while (growing->in_place_ns < IN_PLACE_NS) {
		const size_t calls_before = growing->in_place_calls;

		if (!grow_a_block(growing))
			return no_block(FIRST_BYTES, error);
		blocks_in_vain = growing->in_place_calls == calls_before ? blocks_in_vain + 1 : 0;
		if (blocks_in_vain == MOST_BLOCKS_IN_VAIN) {
			(void)error_set(error,
					"not available: realloc from 64 KiB on by %zu bytes a time "
					"never stays in place",
					growing->step_bytes);
			return PROBE_UNAVAILABLE;
		}
	}
	*ns = growing->in_place_ns / (double)growing->in_place_calls;
	return PROBE_OK;
}

/* A block of a few steps is at most some megabytes then. */
#define MOST_STEP_BYTES ((size_t)1 << 20)

enum probe_status probe_realloc_in_place(size_t bytes, struct probe_result *result,
					 struct error *error)
{
	struct growing growing = {.step_bytes = bytes, .batch_calls = BATCH_BYTES / bytes};
	struct probe_result clock;
	enum probe_status status;

	if (bytes > MOST_STEP_BYTES) {
		(void)error_set(error,
				"not available: steps of %zu bytes are too large for blocks "
				"that grow in place many times",
				bytes);
		return PROBE_UNAVAILABLE;
	}
	status = probe_clock(1, &clock, error);

	if (status != PROBE_OK)
		return status;
	if (growing.batch_calls < 1)
		growing.batch_calls = 1;
	if (growing.batch_calls > MOST_CALLS_IN_BATCH)
		growing.batch_calls = MOST_CALLS_IN_BATCH;
	growing.clock_ns = clock.probe_ns;
	return probe_take(time_in_place, &growing, result, error);
}
