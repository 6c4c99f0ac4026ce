#include "harness/runner/plan/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/common/constants.h"
#include "harness/runner/plan/random.h"
#include "harness/worker/measure.h"

/* A worker's own time beside the measurement: exec, libraries, exit. */
static const double worker_overhead_ns = 6e6;
/* The same of one in another language, with its interpreter and libraries to load. Not measured, so
 * that a plan is the same each time. */
static const double foreign_overhead_ns = 130e6;

/* Warm values last about this long, if one build and release is not longer; */
static const double value_ns = 1e6;
/* less, where the slowest allocator's would last longer than this; */
static const double longest_value_ns = 50e6;
/* and a worker takes as many as fit into this, */
static const double warm_ns_wanted = 3e6;
/* but at least so many where they fit into that, as a median needs them. */
enum {
	FEWEST_VALUES = 3,
	MOST_VALUES = 25
};
static const double warm_ns_allowed = 60e6;

/* Rounds that an interval needs (scripts/growbench/statistics.py). */
enum {
	ROUNDS_FOR_INTERVAL = 6
};

/* Fewer appends than that have no percentiles worth a worker. */
enum {
	LATENCY_FEWEST_ROWS = 1000
};

/* Sizes of one probe: a cache level or two more than any machine has. */
enum {
	MOST_PROBE_SIZES = TOPOLOGY_MAX_CACHES + 2
};

/* What a probe takes, worker included. */
static const double probe_ns = 50e6;

/* Memory of a worker that is not the array's. */
static const uint64_t worker_own_bytes = 16 << 20;

static double overhead_ns(const struct block *block)
{
	return block->implementation == NULL ? worker_overhead_ns : foreign_overhead_ns;
}

bool plan_is_slow_to_start(const struct block *block)
{
	return block->implementation != NULL && block->implementation->is_known;
}

static uint64_t digest(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t digest_text(uint64_t hash, const char *text)
{
	return digest(hash, text, strlen(text) + 1);
}

uint64_t plan_digest(const struct plan *plan, const struct visit *visits)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (uint64_t i = 0; i < plan_row_count(plan); i++) {
		const struct visit *visit = &visits[i];

		hash = digest(hash, &visit->round, sizeof visit->round);
		hash = digest_text(hash, pass_names[visit->pass]);
		hash = digest_text(hash, plan->request->allocators[visit->allocator].name);
		if (visit->pass == PASS_PROBE) {
			const struct probe_visit *probe = &plan->probes[visit->block];

			hash = digest_text(hash, probe->probe->name);
			hash = digest(hash, &probe->bytes, sizeof probe->bytes);
		} else {
			const struct block *block = &plan->blocks[visit->block];

			hash = digest_text(hash, block->strategy->implementation);
			hash = digest_text(hash, block->strategy->name);
			hash = digest(hash, &block->size.rows, sizeof block->size.rows);
			hash = digest(hash, &block->size.row_bytes, sizeof block->size.row_bytes);
			hash = digest(hash, &block->size.threads, sizeof block->size.threads);
		}
	}
	return hash;
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

uint64_t plan_needed_bytes(const struct block *block)
{
	struct strategy_cost cost;
	uint64_t blocks;
	uint64_t around;
	uint64_t all;

	// NOLINTNEXTLINE(clang-analyzer-core.NullDereference): every block has a strategy
	block->strategy->cost(block->size.rows, block->size.row_bytes, &cost);
	blocks = cost.malloc_count > cost.free_count ? cost.malloc_count - cost.free_count : 0;
	/* What allocators put around small blocks: up to 32 bytes each. */
	if (__builtin_mul_overflow(blocks, (uint64_t)32, &around) ||
	    __builtin_add_overflow(cost.peak_moving_bytes, around, &all) ||
	    __builtin_mul_overflow(all, (uint64_t)block->size.threads, &all) ||
	    __builtin_add_overflow(all, worker_own_bytes, &all))
		return UINT64_MAX;
	return all;
}

uint64_t plan_trace_bytes(const struct block *block)
{
	/* A table of blocks that is at most half full, of 24 bytes each. */
	const uint64_t block_bytes = 64;
	struct strategy_cost cost;
	uint64_t all;

	block->strategy->cost(block->size.rows, block->size.row_bytes, &cost);
	if (block->strategy->order >= GROWTH_QUADRATIC)
		return plan_needed_bytes(block);
	if (__builtin_mul_overflow(cost.malloc_count, block_bytes * block->size.threads, &all) ||
	    __builtin_add_overflow(all, plan_needed_bytes(block), &all))
		return UINT64_MAX;
	return all;
}

/* A rough time of one build and release: for the first look at a plan, before the pilot. */
static double model_ns(const struct block *block, bool cold)
{
	const double call_ns = 25;
	const double row_ns = 6;
	const double write_byte_ns = 0.05;
	const double copy_byte_ns = 0.04;
	const double page_ns = cold ? 1000 : 100;
	struct strategy_cost cost;
	double calls;

	block->strategy->cost(block->size.rows, block->size.row_bytes, &cost);
	calls = (double)cost.malloc_count + (double)cost.calloc_count +
		2 * (double)cost.realloc_count + (double)cost.free_count +
		20 * (double)cost.mprotect_count;
	return calls * call_ns + (double)block->size.rows * row_ns +
	       (double)plan_payload_bytes(block) * write_byte_ns +
	       ((double)cost.copied_bytes + 0.1 * (double)cost.realloc_moved_bytes) * copy_byte_ns +
	       (double)cost.peak_moving_bytes / (double)sysconf(_SC_PAGESIZE) * page_ns;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static uint64_t choose_iterations(double median_ns, double largest_ns)
{
	double wanted = value_ns / median_ns;

	if (wanted * largest_ns > longest_value_ns)
		wanted = longest_value_ns / largest_ns;
	return wanted < 1 ? 1 : wanted > 1e7 ? (uint64_t)1e7 : (uint64_t)round(wanted);
}

static unsigned choose_values(double value)
{
	double wanted = round(warm_ns_wanted / value);

	if (wanted < FEWEST_VALUES && value * (FEWEST_VALUES + 1) <= warm_ns_allowed)
		return FEWEST_VALUES;
	return wanted < 1 ? 1 : wanted > MOST_VALUES ? MOST_VALUES : (unsigned)wanted;
}

static bool within_share(const struct plan *plan, double worker_ns)
{
	double allowed = (double)plan->request->budget_s * 1e7 * BUDGET_SHARE_PERCENT;

	return worker_ns * (double)plan->request->rounds <= allowed;
}

bool plan_affords(const struct plan *plan, const struct block *block, double worker_ns)
{
	if (block->strategy->order < GROWTH_QUADRATIC)
		return true;
	/* A program that takes long to start has no room to take long as well, but in a preset that
	 * is about it. */
	if (plan_is_slow_to_start(block) && plan->request->preset->slow_rounds != 0)
		return within_share(plan, worker_ns);
	if (plan->request->preset->always_article && block->size.rows <= ARTICLE_ROWS &&
	    block->size.row_bytes <= ARTICLE_ROW_BYTES && block->size.threads == ARTICLE_THREADS)
		return true;
	return within_share(plan, worker_ns);
}

/* A slow cell that is measured in any case is measured in as many rounds as an interval needs. */
static uint64_t choose_rounds(const struct plan *plan, const struct block *block, double worker_ns)
{
	const uint64_t rounds =
		plan_is_slow_to_start(block) && plan->request->slow_rounds < plan->request->rounds
			? plan->request->slow_rounds
			: plan->request->rounds;

	if (block->strategy->order < GROWTH_QUADRATIC || rounds <= ROUNDS_FOR_INTERVAL ||
	    within_share(plan, worker_ns))
		return rounds;
	return ROUNDS_FOR_INTERVAL;
}

bool plan_measures(const struct plan *plan, const struct cell *cell, uint64_t round)
{
	const uint64_t rounds = plan->request->rounds;

	/* Spread evenly over the run. */
	return (round + 1) * cell->rounds / rounds > round * cell->rounds / rounds;
}

/* Is it for the budget to say whether the cell is measured? */
static bool may_be_measured(const struct cell *cell)
{
	return cell->skip == CELL_MEASURED || cell->skip == CELL_PREDICTED;
}

/* The median and the largest of the block's warm times over the allocators that the budget allows.
 */
static void block_warm_ns(const struct plan *plan, const struct block *block,
			  const struct cell *cells, double *median, double *largest)
{
	size_t most = plan->request->allocator_count;
	double *times = calloc(most + 1, sizeof *times);
	size_t count = 0;

	*median = value_ns;
	*largest = value_ns;
	for (size_t i = 0; times != NULL && i < most; i++)
		if (may_be_measured(&cells[i]) && cells[i].warm_ns > 0 &&
		    plan_affords(plan, block, cells[i].cold_ns + cells[i].warm_ns))
			times[count++] = cells[i].warm_ns;
	if (count > 0) {
		qsort(times, count, sizeof *times, compare_doubles);
		*median = (times[(count - 1) / 2] + times[count / 2]) / 2;
		*largest = times[count - 1];
	}
	free(times);
}

bool plan_has_warm(const struct plan *plan, const struct cell *cell)
{
	return cell->warm_ns <= plan->request->warm_limit_ns;
}

/* What a worker will do for this cell, and whether the budget allows that. */
static void decide_cell(const struct plan *plan, const struct block *block, struct cell *cell)
{
	double value = (double)block->iterations * cell->warm_ns;
	double warm_up;

	cell->values = choose_values(value);
	warm_up =
		cell->values > 1 || cell->cold_ns <= MEASURE_LONGEST_WARM_UP_NS ? cell->warm_ns : 0;
	if (!plan_has_warm(plan, cell)) {
		warm_up = 0;
		value = 0;
	}
	cell->worker_ns = overhead_ns(block) + cell->cold_ns * 1.1 + warm_up + cell->values * value;
	/* The warm scans take as long again. */
	if (block->strategy->is_pattern)
		cell->worker_ns += warm_up + cell->values * value;
	cell->rounds = choose_rounds(plan, block, cell->worker_ns);
	/* Anew each time: the pilot's times take the place of the model's. */
	if (may_be_measured(cell))
		cell->skip =
			plan_affords(plan, block, cell->worker_ns) ? CELL_MEASURED : CELL_PREDICTED;
}

void plan_decide(struct plan *plan)
{
	for (size_t b = 0; b < plan->block_count; b++) {
		struct block *block = &plan->blocks[b];
		double median_ns;
		double largest_ns;

		block_warm_ns(plan, block, plan_cell(plan, b, 0), &median_ns, &largest_ns);
		block->iterations = choose_iterations(median_ns, largest_ns);
		for (size_t a = 0; a < plan->request->allocator_count; a++)
			decide_cell(plan, block, plan_cell(plan, b, a));
	}
}

double plan_extrapolate(const struct strategy *strategy, const uint64_t rows[3], const double ns[2])
{
	double exponent = strategy->order;

	if (ns[0] > 0 && ns[1] > 0)
		exponent = log(ns[1] / ns[0]) / log((double)rows[1] / (double)rows[0]);
	if (exponent > 1.5 || exponent > strategy->order)
		exponent = strategy->order;
	if (exponent < 1)
		exponent = 1;
	return ns[1] * pow((double)rows[2] / (double)rows[1], exponent);
}

double plan_visit_ns(const struct plan *plan, const struct visit *visit)
{
	const struct cell *cell;
	double start_ns;
	double rows;

	if (visit->pass == PASS_PROBE)
		return probe_ns;
	cell = plan_cell(plan, visit->block, visit->allocator);
	start_ns = overhead_ns(&plan->blocks[visit->block]);
	rows = (double)plan->blocks[visit->block].size.rows;
	if (cell->skip != CELL_MEASURED)
		return 0;
	switch (visit->pass) {
	case PASS_TRACE:
		return start_ns + 2 * cell->cold_ns;
	case PASS_LATENCY:
		return start_ns + cell->cold_ns + rows * 50;
	default:
		return plan_measures(plan, cell, visit->round) ? cell->worker_ns : 0;
	}
}

double plan_expected_ns(const struct plan *plan)
{
	struct visit *visits = plan_order(plan);
	uint64_t count = plan_row_count(plan);
	double sum = 0;

	for (uint64_t i = 0; visits != NULL && i < count; i++)
		sum += plan_visit_ns(plan, &visits[i]);
	free(visits);
	return sum;
}

/* Rounds of a pass other than the probes. */
static uint64_t pass_rounds(const struct plan *plan, enum pass pass)
{
	const struct request *request = plan->request;

	if (!request->passes[pass])
		return 0;
	return pass == PASS_TRACE     ? 1
	       : pass == PASS_LATENCY ? request->latency_rounds
				      : request->rounds;
}

/* A program that could not be asked what it can build: its rows say why, in the first of the passes
 * that there are. */
static bool is_unlisted(const struct block *block)
{
	return block->implementation != NULL &&
	       strcmp(block->strategy->name, IMPLEMENTATION_UNLISTED) == 0;
}

static enum pass first_pass(const struct plan *plan)
{
	enum pass pass = PASS_MEASURE;

	while (pass < PASS_PROBE && !plan->request->passes[pass])
		pass++;
	return pass;
}

static bool has_pass(const struct plan *plan, enum pass pass, size_t block, uint64_t round)
{
	const struct block *of = &plan->blocks[block];
	const struct size *size = &of->size;

	if (is_unlisted(of))
		return pass == first_pass(plan) && round < pass_rounds(plan, pass);
	if (pass == PASS_LATENCY && (size->threads > 1 || size->rows < LATENCY_FEWEST_ROWS))
		return false;
	if ((pass == PASS_MEASURE || pass == PASS_PATTERN) && pass != plan_measuring_pass(of))
		return false;
	if (pass == PASS_LATENCY && (of->strategy->is_pattern || plan_is_slow_to_start(of)))
		return false;
	/* A program need not know all of the passes; that it cannot be asked at all has to be told.
	 */
	if (of->implementation != NULL && !of->implementation->passes[pass] &&
	    pass != plan_measuring_pass(of))
		return false;
	return round < pass_rounds(plan, pass);
}

/* Rounds of the run: those of its longest pass. */
static uint64_t round_count(const struct plan *plan)
{
	uint64_t most = 0;

	for (enum pass pass = PASS_MEASURE; pass < PASS_PROBE; pass++)
		if (pass_rounds(plan, pass) > most)
			most = pass_rounds(plan, pass);
	return most;
}

/* How often each probe is run: at the start, in the middle and at the end; of a short run not in
 * the middle. */
static uint64_t probe_visits(const struct plan *plan)
{
	return round_count(plan) > 1 && !plan->request->preset->is_short ? 3 : 2;
}

uint64_t plan_row_count(const struct plan *plan)
{
	uint64_t count = plan->probe_count * probe_visits(plan);

	for (enum pass pass = PASS_MEASURE; pass < PASS_PROBE; pass++)
		for (size_t b = 0; b < plan->block_count; b++)
			if (has_pass(plan, pass, b, 0))
				count += plan->request->allocator_count * pass_rounds(plan, pass);
	return count;
}

/* Would an implementation that takes long to start be measured at so many rows? */
static bool is_slow_size(const struct request *request, uint64_t rows)
{
	const char *next = request->preset->slow_rows;
	char *end;

	if (next == NULL || request->given.rows != NULL || request->given.shapes != NULL)
		return true;
	for (; *next != '\0'; next = *end == ',' ? end + 1 : end)
		if (strtoull(next, &end, 10) == rows)
			return true;
	return false;
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

/* Why the block's cells cannot be measured under any allocator. */
static bool is_out(const struct block *block, enum cell_skip *why)
{
	if (block->implementation != NULL && strcmp(block->implementation->status, "ok") != 0)
		*why = CELL_NO_IMPLEMENTATION;
	else if (!strategy_supports(block->strategy, block->size.row_bytes))
		*why = CELL_UNSUPPORTED;
	else
		return false;
	return true;
}

static void estimate_cells(struct plan *plan)
{
	for (size_t b = 0; b < plan->block_count; b++) {
		const struct block *block = &plan->blocks[b];
		bool fits = plan_needed_bytes(block) <= plan->memory_bytes;

		for (size_t a = 0; a < plan->request->allocator_count; a++) {
			struct cell *cell = plan_cell(plan, b, a);

			cell->cold_ns = model_ns(block, true);
			cell->warm_ns = model_ns(block, false);
			cell->rounds = plan->request->rounds;
			if (is_out(block, &cell->skip))
				continue;
			if (plan->request->allocators[a].missing != NULL)
				cell->skip = CELL_UNAVAILABLE;
			else
				cell->skip = fits ? CELL_MEASURED : CELL_NO_MEMORY;
		}
	}
	plan_decide(plan);
}

/* The first allocator that is there, or the first of all. */
static size_t first_allocator(const struct request *request)
{
	for (size_t a = 0; a < request->allocator_count; a++)
		if (request->allocators[a].missing == NULL)
			return a;
	return 0;
}

/* Adds a probe of `bytes` under each allocator, or under the first that is there. */
static void add_probe(struct plan *plan, const struct probe *probe, uint64_t bytes)
{
	const size_t first = probe->of_allocator ? 0 : first_allocator(plan->request);
	const size_t count = probe->of_allocator ? plan->request->allocator_count : 1;

	for (size_t a = first; a < first + count; a++) {
		struct probe_visit *visit = &plan->probes[plan->probe_count++];

		visit->probe = probe;
		visit->bytes = bytes;
		visit->allocator = a;
	}
}

static bool add_probes(struct plan *plan, const struct topology *topology, struct error *error)
{
	const struct request *request = plan->request;
	uint64_t sizes[MOST_PROBE_SIZES];
	uint64_t caches[TOPOLOGY_MAX_CACHES];
	size_t cache_count = 0;
	size_t probes_count = 1; /* the last row, which has no name, as well */

	if (!request->passes[PASS_PROBE])
		return true;
	for (size_t i = 0; i < topology->cache_count; i++)
		if (topology->caches[i].type != 'i')
			caches[cache_count++] = topology->caches[i].bytes;
	while (probes[probes_count].name != NULL)
		probes_count++;
	plan->probes = calloc(probes_count * request->allocator_count *
				      (MOST_PROBE_SIZES + request->row_bytes.count),
			      sizeof *plan->probes);
	if (plan->probes == NULL)
		return error_set(error, "no memory for the probes");
	for (const struct probe *probe = probes; probe->name != NULL; probe++) {
		size_t count = probe_sizes(probe, caches, cache_count, sizes, MOST_PROBE_SIZES);

		for (size_t i = 0; i < count; i++)
			add_probe(plan, probe, sizes[i]);
		for (size_t i = 0;
		     probe->sizing == PROBE_SIZED_BY_ROWS && i < request->row_bytes.count; i++)
			add_probe(plan, probe, request->row_bytes.values[i]);
	}
	return true;
}

bool plan_make(struct plan *plan, const struct request *request, const struct topology *topology,
	       uint64_t memory_bytes, struct error *error)
{
	/* At most. */
	size_t blocks = request->strategy_count * request->threads.count * request->shape_count;

	memset(plan, 0, sizeof *plan);
	plan->request = request;
	plan->memory_bytes = memory_bytes;
	plan->blocks = calloc(blocks + 1, sizeof *plan->blocks);
	plan->cells = calloc(blocks * request->allocator_count + 1, sizeof *plan->cells);
	if (plan->blocks == NULL || plan->cells == NULL)
		return error_set(error, "no memory for a plan of %zu cells",
				 blocks * request->allocator_count);
	for (size_t s = 0; s < request->strategy_count; s++)
		if (!add_blocks(plan, request->strategies[s], error))
			return false;
	plan->cell_count = plan->block_count * request->allocator_count;
	if (plan->cell_count == 0)
		return error_set(error, "there is nothing to measure");
	estimate_cells(plan);
	if (!add_probes(plan, topology, error))
		return false;
	return plan_row_count(plan) > 0 ||
	       error_set(error,
			 "there is nothing to measure: latencies are of %d rows and more and "
			 "of one thread",
			 LATENCY_FEWEST_ROWS);
}

void plan_release(struct plan *plan)
{
	free(plan->blocks);
	free(plan->cells);
	free(plan->probes);
	memset(plan, 0, sizeof *plan);
}

/* Entry `place` of row `row` of Williams's square of order `order`: 0, 1, n-1, 2, n-2, ... shifted
 * by the row. Every row and every column holds each of 0 ... n-1 once. */
static size_t latin_square(size_t order, size_t row, size_t place)
{
	size_t zigzag = place % 2 == 1 ? (place + 1) / 2 : (order - place / 2) % order;

	return (zigzag + row) % order;
}

void plan_round(const struct plan *plan, uint64_t round, struct visit *visits)
{
	const size_t allocators = plan->request->allocator_count;
	/* A state of its own for each round, so that a resumed run needs no earlier ones. */
	uint64_t state = plan->request->seed ^ (round + 1) * UINT64_C(0xd1342543de82ef95);
	uint64_t first_rows = plan->request->seed;
	size_t *order = calloc(plan->block_count, sizeof *order);

	if (order == NULL)
		abort();
	for (size_t i = 0; i < plan->block_count; i++)
		order[i] = i;
	/* Fisher and Yates. */
	for (size_t i = plan->block_count; i > 1; i--) {
		size_t j = random_below(&state, i);
		size_t swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
	for (size_t i = 0; i < plan->block_count; i++) {
		uint64_t of_block = first_rows + order[i];
		size_t row = (random_next(&of_block) + round) % allocators;

		for (size_t place = 0; place < allocators; place++) {
			struct visit *visit = &visits[i * allocators + place];

			visit->round = round;
			visit->pass = PASS_MEASURE;
			visit->block = order[i];
			visit->allocator = latin_square(allocators, row, place);
		}
	}
	free(order);
}

/* An order under construction. */
struct order {
	struct visit *visits;
	uint64_t count;
};

static void add_probe_visits(const struct plan *plan, uint64_t which, struct order *order)
{
	for (size_t i = 0; i < plan->probe_count; i++)
		order->visits[order->count++] =
			(struct visit){which, PASS_PROBE, i, plan->probes[i].allocator};
}

/* The visits of a block's pass: as those of its measurements, whose order is in `measured`. */
static void add_pass_visits(const struct plan *plan, enum pass pass, const struct visit *measured,
			    struct order *order)
{
	if (!has_pass(plan, pass, measured->block, measured->round))
		return;
	for (size_t i = 0; i < plan->request->allocator_count; i++) {
		struct visit *visit = &order->visits[order->count++];

		*visit = measured[i];
		visit->pass = pass;
	}
}

struct visit *plan_order(const struct plan *plan)
{
	const uint64_t rounds = round_count(plan);
	struct visit *round_visits = calloc(plan->cell_count, sizeof *round_visits);
	struct order order = {calloc(plan_row_count(plan) + 1, sizeof *order.visits), 0};
	uint64_t probed = 0;

	if (round_visits == NULL || order.visits == NULL) {
		free(round_visits);
		free(order.visits);
		return NULL;
	}
	for (uint64_t round = 0; round < rounds; round++) {
		if (round == 0 || (round == rounds / 2 && probe_visits(plan) == 3))
			add_probe_visits(plan, probed++, &order);
		plan_round(plan, round, round_visits);
		for (size_t i = 0; i < plan->cell_count; i += plan->request->allocator_count)
			for (enum pass pass = PASS_MEASURE; pass < PASS_PROBE; pass++)
				add_pass_visits(plan, pass, &round_visits[i], &order);
	}
	while (probed < probe_visits(plan))
		add_probe_visits(plan, probed++, &order);
	free(round_visits);
	return order.visits;
}
