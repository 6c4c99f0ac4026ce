#include "harness/runner/plan/plan.h"

#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include "harness/common/text.h"

/* Sizes of one probe: a cache level or two more than any machine has. */
enum {
	MOST_PROBE_SIZES = TOPOLOGY_MAX_CACHES + 2
};

bool plan_is_slow_to_start(const struct block *block)
{
	return block->implementation != NULL && block->implementation->is_known;
}

enum pass plan_measuring_pass(const struct block *block)
{
	return block->strategy->is_pattern ? PASS_PATTERN : PASS_MEASURE;
}

uint64_t plan_payload_bytes(const struct block *block)
{
	return block->size.rows * block->size.row_bytes * block->size.threads;
}

struct cell *plan_cell(const struct plan *plan, size_t block, size_t allocator)
{
	return &plan->cells[block * plan->request->allocator_count + allocator];
}

/* Would an implementation that takes long to start be measured at so many rows? */
static bool is_slow_size(const struct request *request, uint64_t rows)
{
	const char *list = request->preset->slow_rows;
	g_autofree char *text = g_strdup_printf("%" PRIu64, rows);

	return list == NULL || request->given.rows != NULL || request->given.shapes != NULL ||
	       is_in_list(text, list);
}

static bool add_block(struct plan *plan, const struct block *added, struct error *error)
{
	struct block *block = &plan->blocks[plan->block_count];
	uint64_t bytes;

	if (plan_is_slow_to_start(added) && !is_slow_size(plan->request, added->size.rows))
		return true;
	*block = *added;
	plan->block_count++;
	return (!__builtin_mul_overflow(block->size.rows, block->size.row_bytes, &bytes) &&
		!__builtin_mul_overflow(bytes, (uint64_t)block->size.threads, &bytes) &&
		bytes <= INT64_MAX) ||
	       error_set(error,
			 "%" PRIu64 " rows of %" PRIu64
			 " bytes in %u threads are more than can be addressed; give smaller --rows "
			 "or --row-bytes",
			 block->size.rows, block->size.row_bytes, block->size.threads);
}

static bool add_blocks(struct plan *plan, const struct strategy *strategy, struct error *error)
{
	const struct request *request = plan->request;

	for (size_t t = 0; t < request->threads.count; t++) {
		for (size_t i = 0; i < request->shape_count; i++) {
			const struct block added = {
				.strategy = strategy,
				.implementation = request_implementation(request, strategy),
				.size = {request->shapes[i].rows, request->shapes[i].row_bytes,
					 (unsigned)request->threads.values[t]},
			};

			/* Other languages' threads are another question. */
			if (added.size.threads > 1 &&
			    (strategy->is_pattern || added.implementation != NULL))
				continue;
			if (!add_block(plan, &added, error))
				return false;
		}
	}
	return true;
}

/* Adds a probe of `bytes` under each allocator, or under the first that is there. */
static void add_probe(struct plan *plan, const struct probe *probe, uint64_t bytes)
{
	const size_t first = probe->of_allocator ? 0 : request_first_allocator(plan->request);
	const size_t count = probe->of_allocator ? plan->request->allocator_count : 1;

	for (size_t a = first; a < first + count; a++) {
		struct probe_visit *visit = &plan->probes[plan->probe_count++];

		visit->probe = probe;
		visit->bytes = bytes;
		visit->allocator = a;
	}
}

size_t plan_probe_sizes(const struct topology *topology, const struct probe *probe, uint64_t *sizes,
			size_t most)
{
	uint64_t caches[TOPOLOGY_MAX_CACHES];
	size_t count = 0;

	for (size_t i = 0; i < topology->cache_count; i++)
		if (topology->caches[i].type != 'i')
			caches[count++] = topology->caches[i].bytes;
	return probe_sizes(probe, caches, count, sizes, most);
}

static void add_probes(struct plan *plan, const struct topology *topology)
{
	const struct request *request = plan->request;
	uint64_t sizes[MOST_PROBE_SIZES];
	size_t probes_count = 1; /* the last row, which has no name, as well */

	if (!request->passes[PASS_PROBE])
		return;
	while (probes[probes_count].name != NULL)
		probes_count++;
	plan->probes =
		g_new(struct probe_visit, probes_count * request->allocator_count *
						  (MOST_PROBE_SIZES + request->row_bytes.count));
	for (const struct probe *probe = probes; probe->name != NULL; probe++) {
		size_t count = plan_probe_sizes(topology, probe, sizes, MOST_PROBE_SIZES);

		for (size_t i = 0; i < count; i++)
			add_probe(plan, probe, sizes[i]);
		for (size_t i = 0;
		     probe->sizing == PROBE_SIZED_BY_ROWS && i < request->row_bytes.count; i++)
			add_probe(plan, probe, request->row_bytes.values[i]);
	}
}

bool plan_make(struct plan *plan, const struct request *request, const struct topology *topology,
	       uint64_t memory_bytes, struct error *error)
{
	/* At most. */
	size_t blocks = request->strategy_count * request->threads.count * request->shape_count;

	*plan = (struct plan){
		.request = request,
		.memory_bytes = memory_bytes,
		.cpus = topology->allowed > 0 ? topology->allowed : 1,
		.blocks = g_new0(struct block, blocks),
		.cells = g_new0(struct cell, blocks * request->allocator_count),
		.extra_rounds = g_new0(uint64_t, blocks),
	};
	for (size_t s = 0; s < request->strategy_count; s++)
		if (!add_blocks(plan, request->strategies[s], error))
			return false;
	plan->cell_count = plan->block_count * request->allocator_count;
	if (plan->cell_count == 0)
		return error_set(error, "there is nothing to measure");
	if (request->extra_rounds > 0 && request->rounds < PLAN_ROUNDS_FOR_INTERVAL)
		return error_set(error,
				 "--extra-rounds go to wide intervals, and %" PRIu64
				 " rounds have none; give --rounds %d or more",
				 request->rounds, PLAN_ROUNDS_FOR_INTERVAL);
	if (request->replay != NULL && plan_needed_bytes(&plan->blocks[0]) > memory_bytes)
		return error_set(error,
				 "%s: what this program had at once needs up to %" PRIu64
				 " MB, and a worker may use %" PRIu64
				 " MB; replay it on a machine with more memory",
				 request->given.profile,
				 plan_needed_bytes(&plan->blocks[0]) / 1000000,
				 memory_bytes / 1000000);
	plan_estimate(plan);
	add_probes(plan, topology);
	return plan_row_count(plan) > 0 ||
	       error_set(error,
			 "there is nothing to measure: latencies are of %d rows and more and "
			 "of one thread, and instructions are counted of compiled programs in one "
			 "thread",
			 PLAN_LATENCY_FEWEST_ROWS);
}

void plan_release(struct plan *plan)
{
	g_free(plan->blocks);
	g_free(plan->cells);
	g_free(plan->extra_rounds);
	g_free(plan->probes);
	memset(plan, 0, sizeof *plan);
}
