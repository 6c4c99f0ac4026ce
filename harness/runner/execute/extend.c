#include "harness/runner/execute/extend.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <glib.h>

#include "harness/runner/execute/headline.h"
#include "harness/runner/plan/extension.h"

/* Of the rounds' time, what is not the workers': the most that the runner takes for itself. */
static const double runner_share = 0.05;

struct extend_notes extend_notes_init(const struct plan *plan)
{
	return (struct extend_notes){
		.times = g_new0(double, plan->cell_count *HEADLINES * plan->request->rounds),
		.measuring_ns = g_new0(double, plan->cell_count),
		.measured = g_new0(uint64_t, plan->cell_count),
	};
}

void extend_notes_release(struct extend_notes *notes)
{
	g_free(notes->times);
	g_free(notes->measuring_ns);
	g_free(notes->measured);
}

/* The times of a cell's headline, one for each round that all have. */
static double *times_of(const struct extend_notes *notes, const struct plan *plan, size_t cell,
			size_t headline)
{
	return &notes->times[(cell * HEADLINES + headline) * plan->request->rounds];
}

void extend_note(struct extend_notes *notes, const struct plan *plan, const struct visit *visit,
		 const struct record *record)
{
	const double alive_ns = record_get_real(record, "worker_ns", 0);
	size_t cell;

	notes->alive_ns += alive_ns;
	if (visit->pass == PASS_PROBE || visit->round >= plan->request->rounds ||
	    visit->pass != plan_measuring_pass(&plan->blocks[visit->block]) || alive_ns <= 0)
		return;
	cell = visit->block * plan->request->allocator_count + visit->allocator;
	notes->measuring_ns[cell] += alive_ns;
	notes->measured[cell]++;
	if (record_has_status(record, "ok"))
		for (size_t h = 0; h < HEADLINES; h++)
			times_of(notes, plan, cell, h)[visit->round] =
				headline_ns(record, (enum headline)h);
}

/* The need of the cell's figure that needs most. */
static double cell_need(const struct extend_notes *notes, const struct plan *plan, size_t cell)
{
	g_autofree double *values = g_new(double, plan->request->rounds);
	double need = 0;

	for (size_t h = 0; h < HEADLINES; h++) {
		const double *times = times_of(notes, plan, cell, h);
		size_t count = 0;

		for (uint64_t round = 0; round < plan->request->rounds; round++)
			if (times[round] > 0)
				values[count++] = times[round];
		need = fmax(need, extension_need(values, count));
	}
	return need;
}

static struct extension_candidate candidate_of(const struct plan *plan,
					       const struct extend_notes *notes, size_t block)
{
	const size_t allocators = plan->request->allocator_count;
	struct extension_candidate candidate = {.block = block};

	for (size_t cell = block * allocators; cell < (block + 1) * allocators; cell++) {
		candidate.need += cell_need(notes, plan, cell);
		if (notes->measured[cell] > 0)
			candidate.round_ns +=
				notes->measuring_ns[cell] / (double)notes->measured[cell];
	}
	return candidate;
}

void extend_choose(struct plan *plan, const struct extend_notes *notes, double used_ns)
{
	const struct request *request = plan->request;
	g_autofree struct extension_candidate *candidates =
		g_new(struct extension_candidate, plan->block_count);
	double measured_ns = 0;
	double time_ns;

	for (size_t i = 0; i < plan->cell_count; i++)
		measured_ns += notes->measuring_ns[i];
	time_ns = fmin(measured_ns / (double)request->rounds * (double)request->extra_rounds,
		       (double)request->budget_s * 1e9 - used_ns -
			       notes->alive_ns / (1 - runner_share));
	for (size_t b = 0; b < plan->block_count; b++)
		candidates[b] = candidate_of(plan, notes, b);
	extension_choose(request->rounds, time_ns, candidates, plan->block_count);
	for (size_t i = 0; i < plan->block_count; i++)
		plan->extra_rounds[candidates[i].block] = candidates[i].extra_rounds;
}

static json_t *save_block(const struct plan *plan, size_t b)
{
	const struct block *block = &plan->blocks[b];

	return json_pack("{s:s, s:s, s:I, s:I, s:i, s:I}", "implementation",
			 block->strategy->implementation, "strategy", block->strategy->name, "rows",
			 (json_int_t)block->size.rows, "row_bytes",
			 (json_int_t)block->size.row_bytes, "threads", (int)block->size.threads,
			 "extra_rounds", (json_int_t)plan->extra_rounds[b]);
}

json_t *extend_save(const struct plan *plan)
{
	json_t *blocks = json_array();

	for (size_t b = 0; b < plan->block_count; b++)
		if (plan->extra_rounds[b] > 0)
			(void)json_array_append_new(blocks, save_block(plan, b));
	return json_pack("{s:I, s:o}", "row_count", (json_int_t)extension_row_count(plan), "blocks",
			 blocks);
}

/* Sets the rounds of the block that the entry is of: false if there is none. */
static bool load_block(struct plan *plan, const json_t *entry)
{
	const json_int_t rounds = json_integer_value(json_object_get(entry, "extra_rounds"));
	uint64_t steps[EXTENSION_STEPS];

	extension_steps(plan->request->rounds, steps);
	for (size_t b = 0; b < plan->block_count; b++) {
		json_t *expected;
		bool same;

		if (plan->extra_rounds[b] > 0)
			continue;
		plan->extra_rounds[b] = rounds > 0 ? (uint64_t)rounds : 0;
		expected = save_block(plan, b);
		same = json_equal(entry, expected) == 1 &&
		       (plan->extra_rounds[b] == steps[0] || plan->extra_rounds[b] == steps[1]);
		json_decref(expected);
		if (same)
			return true;
		plan->extra_rounds[b] = 0;
	}
	return false;
}

bool extend_load(struct plan *plan, const json_t *extension, struct error *error)
{
	const json_t *blocks = json_object_get(extension, "blocks");
	bool ok = json_is_array(blocks) && extension_rank(plan->request->rounds) > 0;

	for (size_t i = 0; ok && i < json_array_size(blocks); i++)
		ok = load_block(plan, json_array_get(blocks, i));
	return (ok && json_integer_value(json_object_get(extension, "row_count")) ==
			      (json_int_t)extension_row_count(plan)) ||
	       error_set(error,
			 "machine.json: its extension is of other cells, or of other rounds; "
			 "begin a new run");
}
