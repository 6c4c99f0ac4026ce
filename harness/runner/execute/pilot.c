#include "harness/runner/execute/pilot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/runner/execute/pilot_looks.h"
#include "harness/runner/execute/pilot_prediction.h"

/* What the pilot may take of the budget. */
static const double pilot_share = 0.08;
/* A first look, where nothing is known but the model's guess, takes at most this by it. */
static const double first_look_ns = 1e6;
/* A step up is worth a look if it goes this far at least. */
static const double least_step = 1.3;

/* ---- the way up to a cell ---- */

/* Where to look at first, of sizes that were not asked for: so far below that two more follow. */
static uint64_t first_rows(const struct pilot *pilot, uint64_t reach)
{
	uint64_t rows = reach < 16 ? 1 : reach / 16;

	while (rows > 1 && plan_model_ns(pilot->block, rows, true) > first_look_ns)
		rows /= 4;
	return look_is_allowed(pilot, rows) ? rows : 0;
}

/* The next size to look at on the way to the block's: itself if that can be afforded, else as far
 * up as can. 0: there is none. */
static uint64_t next_rows(const struct pilot *pilot)
{
	static const double steps[] = {4, 2, 1.5};
	const uint64_t last = pilot->series->last.rows;
	const uint64_t target = pilot->block->size.rows;
	const uint64_t most = pilot->plan->request->given.predict_above;
	const uint64_t reach = most != 0 && most < target ? most : target;

	if (look_is_allowed(pilot, target))
		return target;
	if (last == 0)
		return first_rows(pilot, reach);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		const double wanted = (double)last * steps[i];
		const uint64_t rows = wanted >= (double)reach ? reach : (uint64_t)wanted;

		if ((double)rows >= least_step * (double)last && look_is_allowed(pilot, rows))
			return rows;
	}
	return 0;
}

/* Looks below the one size that was seen, so that there is growth to see. */
static void look_below(struct pilot *pilot)
{
	const uint64_t only = pilot->series->last.rows;

	for (uint64_t share = 16; share > 1; share /= 4)
		if (only >= share * 2 && look_is_allowed(pilot, only / share))
			(void)look_at(pilot, only / share);
}

/* Goes up to the cell's own size, or as far as the time allows. Was it seen itself? */
static bool climb(struct pilot *pilot)
{
	const struct series *series = pilot->series;
	uint64_t rows = 1;

	while (rows > 0 && series->stuck_rows == 0) {
		rows = next_rows(pilot);
		if (rows == 0 && series->last.rows > 0 && series->before.rows == 0) {
			look_below(pilot);
			rows = next_rows(pilot);
		}
		if (rows > 0 && !look_at(pilot, rows))
			return false;
		if (rows == pilot->block->size.rows)
			return true;
	}
	return false;
}

/* ---- what becomes of a cell ---- */

/* Are these blocks the same strategy, row size and threads, so that one is predicted from the
 * other? */
static bool same_series(const struct block *a, const struct block *b)
{
	return a->strategy == b->strategy && a->size.row_bytes == b->size.row_bytes &&
	       a->size.threads == b->size.threads;
}

/* Few rows, appended by a program that takes long to start, to an array that grows linearly: a loop
 * of an interpreter that takes far less than a second, in which values are long enough with the
 * iterations that the model gives. */
static bool is_clear(const struct plan *plan, const struct block *block)
{
	return plan_is_slow_to_start(block) && !block->strategy->is_pattern &&
	       block->strategy->order < GROWTH_QUADRATIC && block->size.rows >= 100 &&
	       block->size.rows <= 10000 && plan->request->warm_limit_ns >= 1e9;
}

/* The cell of our kernel of the same name and size. */
static const struct cell *kernel_of(const struct pilot *pilot)
{
	const struct plan *plan = pilot->plan;
	const struct size *size = &pilot->block->size;

	for (const struct block *other = plan->blocks; other < pilot->block; other++)
		if (other->implementation == NULL &&
		    strcmp(other->strategy->implementation, "c") == 0 &&
		    strcmp(other->strategy->name, pilot->block->strategy->name) == 0 &&
		    other->size.rows == size->rows && other->size.row_bytes == size->row_bytes &&
		    other->size.threads == size->threads)
			return plan_cell(plan, (size_t)(other - plan->blocks),
					 (size_t)(pilot->allocator - plan->request->allocators));
	return NULL;
}

/* What takes long to start is not looked at where it is known well enough: a loop that is mostly
 * copying takes about what it takes in C. */
static bool is_as_in_c(const struct pilot *pilot)
{
	const struct block *block = pilot->block;
	const struct cell *kernel = kernel_of(pilot);

	if (!plan_is_slow_to_start(block) || block->strategy->order < GROWTH_QUADRATIC ||
	    block->size.rows < 1000 || kernel == NULL)
		return false;
	pilot->cell->cold_ns = kernel->cold_ns;
	pilot->cell->warm_ns = kernel->warm_ns;
	return true;
}

/* Is the cell measured, by the times that it is planned with? */
static bool is_afforded(const struct pilot *pilot)
{
	return plan_affords(pilot->plan, pilot->block, pilot->cell->cold_ns + pilot->cell->warm_ns);
}

/* Looks at the cell, or predicts it. */
static void look_or_predict(struct pilot *pilot)
{
	const struct series *series = pilot->series;
	const struct look *last = &series->last;
	struct cell *cell = pilot->cell;

	if (!plan_is_open(cell))
		return;
	/* What takes long to start and little to build is not worth a look. */
	if (is_clear(pilot->plan, pilot->block))
		return;
	if (is_as_in_c(pilot) && is_afforded(pilot))
		return;
	if (climb(pilot)) {
		cell->cold_ns = last->cold_ns;
		cell->warm_ns = last->warm_ns > 0 ? last->warm_ns : last->cold_ns;
		return;
	}
	pilot_expect(pilot);
	if (is_afforded(pilot))
		return;
	pilot_predict(pilot);
	/* Nobody knows by how much it is slower than that. */
	if (series->stuck_rows > 0 && cell->cold.ns <= 0)
		cell->cold_ns = fmax(cell->cold_ns, (double)pilot->plan->request->budget_s * 1e9);
}

/* The time that a cell's step is expected to take. */
static double step_ns(const struct cell *cell)
{
	return cell->skip == CELL_MEASURED ? cell->worker_ns : 0;
}

/* Goes to the cells of a block; false if it was interrupted. */
static bool pilot_block(struct pilot *pilot, size_t b, struct series *series,
			struct progress *progress)
{
	const struct plan *plan = pilot->plan;
	char label[128];

	pilot->block = &plan->blocks[b];
	(void)snprintf(label, sizeof label, "%s %" PRIu64 " x %" PRIu64 " B",
		       pilot->block->strategy->name, pilot->block->size.rows,
		       pilot->block->size.row_bytes);
	for (size_t a = 0; a < plan->request->allocator_count; a++) {
		double expected_ns;

		pilot->allocator = &plan->request->allocators[a];
		pilot->series = &series[a];
		pilot->cell = plan_cell(plan, b, a);
		expected_ns = step_ns(pilot->cell);
		progress_show(progress, label);
		look_or_predict(pilot);
		progress_done(progress, expected_ns);
		if (*pilot->pool->interrupts != 0)
			return false;
	}
	return true;
}

bool pilot_run(struct plan *plan, struct worker_pool *pool, struct progress *progress)
{
	const size_t allocators = plan->request->allocator_count;
	struct series *series = g_new0(struct series, allocators);
	struct pilot pilot = {
		.plan = plan,
		.pool = pool,
		.start_ns = process_now_ns(),
		.allowed_ns = (double)plan->request->budget_s * 1e9 * pilot_share,
	};
	bool whole = true;
	double expected_ns = 0;

	for (size_t i = 0; i < plan->cell_count; i++)
		expected_ns += step_ns(&plan->cells[i]);
	progress_start(progress, "pilot", plan->cell_count, expected_ns);
	for (size_t b = 0; b < plan->block_count && whole; b++) {
		if (b > 0 && !same_series(&plan->blocks[b], &plan->blocks[b - 1]))
			memset(series, 0, allocators * sizeof *series);
		whole = pilot_block(&pilot, b, series, progress);
	}
	progress_end(progress);
	g_free(series);
	plan->pilot_ns = pilot_spent_ns(&pilot);
	plan_decide(plan);
	return whole;
}
