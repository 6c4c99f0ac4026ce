/* Who is visited when: the rounds of each pass, and the order within them. */
#include "harness/runner/plan/plan.h"

#include <string.h>

#include <glib.h>

#include "harness/runner/plan/extension.h"
#include "harness/common/random.h"

bool plan_measures(const struct plan *plan, const struct cell *cell, uint64_t round)
{
	const uint64_t rounds = plan->request->rounds;

	/* Spread evenly over the run. */
	return round >= rounds ||
	       (round + 1) * cell->rounds / rounds > round * cell->rounds / rounds;
}

/* Rounds of a pass other than the probes. */
static uint64_t pass_rounds(const struct plan *plan, enum pass pass)
{
	const struct request *request = plan->request;

	if (!request->passes[pass])
		return 0;
	return pass == PASS_TRACE          ? 1
	       : pass == PASS_LATENCY      ? request->latency_rounds
	       : pass == PASS_INSTRUCTIONS ? request->instruction_rounds
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

	if (pass == PASS_INSTRUCTIONS)
		return round < plan_counting_rounds(plan, of);
	if (is_unlisted(of))
		return pass == first_pass(plan) && round < pass_rounds(plan, pass);
	if (pass == PASS_LATENCY && (size->threads > 1 || size->rows < PLAN_LATENCY_FEWEST_ROWS))
		return false;
	if ((pass == PASS_MEASURE || pass == PASS_PATTERN) && pass != plan_measuring_pass(of))
		return false;
	if (pass == PASS_LATENCY &&
	    (of->strategy->is_pattern || of->strategy->takes_turns || plan_is_slow_to_start(of)))
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

uint64_t plan_probe_visits(const struct plan *plan)
{
	return round_count(plan) > 1 && !plan->request->preset->is_short ? 3 : 2;
}

uint64_t plan_row_count(const struct plan *plan)
{
	uint64_t count = plan->probe_count * plan_probe_visits(plan) + extension_row_count(plan);

	for (enum pass pass = PASS_MEASURE; pass < PASS_PROBE; pass++)
		for (size_t b = 0; b < plan->block_count; b++)
			if (has_pass(plan, pass, b, 0))
				count += plan->request->allocator_count * pass_rounds(plan, pass);
	for (size_t b = 0; b < plan->block_count; b++)
		count += plan->request->allocator_count *
			 plan_counting_rounds(plan, &plan->blocks[b]);
	return count;
}

/* Entry `place` of row `row` of Williams's square of order `order`: 0, 1, n-1, 2, n-2, ... shifted
 * by the row. Every row and every column holds each of 0 ... n-1 once. */
static size_t latin_square(size_t order, size_t row, size_t place)
{
	size_t zigzag = place % 2 == 1 ? (place + 1) / 2 : (order - place / 2) % order;

	return (zigzag + row) % order;
}

/* Which allocator stands in that place of a block; row: from 0, one more in each round. Of a duet
 * the square is of the pairs, and which of a pair comes first changes from round to round. */
static size_t allocator_at(const struct request *request, size_t row, size_t place)
{
	const size_t count = request->allocator_count;

	if (request->pairing == PAIRING_INTERLEAVED)
		return latin_square(count, row, place);
	return 2 * latin_square(count / 2, row / 2 % (count / 2), place / 2) + (row + place) % 2;
}

bool plan_is_duet(const struct plan *plan, const struct visit *visit)
{
	return plan->request->pairing == PAIRING_DUET && visit->pass == PASS_MEASURE;
}

void plan_round(const struct plan *plan, uint64_t round, struct visit *visits)
{
	const size_t allocators = plan->request->allocator_count;
	/* A state of its own for each round, so that a resumed run needs no earlier ones. */
	uint64_t state = plan->request->seed ^ (round + 1) * UINT64_C(0xd1342543de82ef95);
	uint64_t first_rows = plan->request->seed;
	g_autofree size_t *order = g_new(size_t, plan->block_count);

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
			visit->allocator = allocator_at(plan->request, row, place);
		}
	}
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

/* The visits whose workers count, and ask no clock. */
static void add_counting_visits(const struct plan *plan, struct order *order)
{
	for (uint64_t round = 0; round < pass_rounds(plan, PASS_INSTRUCTIONS); round++)
		for (size_t b = 0; b < plan->block_count; b++)
			for (size_t a = 0; a < plan->request->allocator_count; a++)
				if (has_pass(plan, PASS_INSTRUCTIONS, b, round))
					order->visits[order->count++] =
						(struct visit){round, PASS_INSTRUCTIONS, b, a};
}

struct visit *plan_order(const struct plan *plan)
{
	const uint64_t rounds = round_count(plan);
	struct visit *round_visits = g_new(struct visit, plan->cell_count);
	struct order order = {g_new(struct visit, plan_row_count(plan)), 0};
	uint64_t probed = 0;

	for (uint64_t round = 0; round < rounds; round++) {
		if (round == 0 || (round == rounds / 2 && plan_probe_visits(plan) == 3))
			add_probe_visits(plan, probed++, &order);
		plan_round(plan, round, round_visits);
		for (size_t i = 0; i < plan->cell_count; i += plan->request->allocator_count)
			for (enum pass pass = PASS_MEASURE; pass < PASS_PROBE; pass++)
				add_pass_visits(plan, pass, &round_visits[i], &order);
	}
	extension_order(plan, &order.visits[order.count]);
	order.count += extension_row_count(plan);
	/* Before the counting, which is busy on all CPUs: a host is another right after that. */
	while (probed < plan_probe_visits(plan))
		add_probe_visits(plan, probed++, &order);
	add_counting_visits(plan, &order);
	g_free(round_visits);
	return order.visits;
}

uint64_t plan_rounds_end(const struct plan *plan, const struct visit *visits)
{
	uint64_t end = plan_row_count(plan);

	while (end > 0 && visits[end - 1].pass >= PASS_PROBE)
		end--;
	return end;
}

double plan_visits_ns(const struct plan *plan, const struct visit *visits, uint64_t count)
{
	double sum = 0;

	for (uint64_t i = 0; i < count; i++)
		sum += plan_visit_ns(plan, &visits[i]) / (visits[i].pass == PASS_INSTRUCTIONS
								  ? plan->cpus
							  : plan_is_duet(plan, &visits[i]) ? 2
											   : 1);
	return sum;
}

double plan_expected_ns(const struct plan *plan)
{
	g_autofree struct visit *visits = plan_order(plan);

	return plan_visits_ns(plan, visits, plan_row_count(plan));
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
