#include "harness/runner/execute/pilot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/runner/execute/headline.h"

/* What was seen of one strategy under one allocator, in ascending order of rows: the last of it. */
enum {
	MOST_LOOKS = 8
};

struct look {
	uint64_t rows;
	unsigned times; /* how often: the least is kept */
	double cold_ns;
	double warm_ns; /* 0: not seen */
};

struct series {
	struct look looks[MOST_LOOKS];
	size_t count;
	/* Of a look that took longer than it may, so that there is no going up from there: its
	 * rows, and what it took at least. */
	uint64_t stuck_rows; /* 0: there was none */
	double stuck_ns;
};

struct pilot {
	struct plan *plan;
	struct worker_pool *pool;
	struct series *series; /* of each allocator */
	uint64_t start_ns;
	double allowed_ns; /* for looks beyond one at each cell that is measured anyway */
};

/* What the pilot may take of the budget. */
static const double pilot_share = 0.04;
/* Beside what is looked at: the start of a program, ours or one of another language. */
static const double start_ns = 0.5e9;
static const double foreign_start_ns = 5e9;
/* A first look, where nothing is known but the model's guess, takes at most this by it. */
static const double first_look_ns = 1e6;
/* A step up is worth a look if it goes this far at least. */
static const double least_step = 1.3;
/* A longer one is taken where it takes next to nothing only, as growth may change on the way. */
static const double longest_step = 10;
static const double long_step_ns = 2e6;

/* Of two looks at a size: the lesser, as one of them may have been disturbed. */
static void merge(struct look *look, const struct look *again)
{
	look->times += again->times;
	look->cold_ns = fmin(look->cold_ns, again->cold_ns);
	if (again->warm_ns > 0)
		look->warm_ns =
			look->warm_ns > 0 ? fmin(look->warm_ns, again->warm_ns) : again->warm_ns;
}

/* Without room for all, the smallest is forgotten. */
static void remember(struct series *series, const struct look *seen)
{
	size_t place = series->count;

	while (place > 0 && series->looks[place - 1].rows >= seen->rows)
		place--;
	if (place < series->count && series->looks[place].rows == seen->rows) {
		merge(&series->looks[place], seen);
		return;
	}
	if (series->count == MOST_LOOKS) {
		if (place == 0)
			return;
		memmove(series->looks, series->looks + 1, --place * sizeof *series->looks);
	} else {
		memmove(series->looks + place + 1, series->looks + place,
			(series->count - place) * sizeof *series->looks);
		series->count++;
	}
	series->looks[place] = *seen;
}

/* The cold or the warm times of the series; returns how many there are. */
static size_t points_of(const struct series *series, bool warm,
			struct growth_point points[MOST_LOOKS])
{
	size_t count = 0;

	for (size_t i = 0; i < series->count; i++) {
		const struct look *look = &series->looks[i];
		const double ns = warm ? look->warm_ns : look->cold_ns;

		if (ns > 0)
			points[count++] = (struct growth_point){look->rows, ns};
	}
	return count;
}

/* What a build and release of so many rows may well take: by what was seen, or by the model. */
static double bound_ns(const struct series *series, const struct block *block, uint64_t rows)
{
	struct growth_point points[MOST_LOOKS];
	const size_t count = points_of(series, false, points);

	return count > 0 ? growth_bound(points, count, rows) : plan_model_ns(block, rows, true);
}

static double spent_ns(const struct pilot *pilot)
{
	return (double)(process_now_ns() - pilot->start_ns);
}

/* Enough builds for a fifth of a millisecond, so that one value tells the order of magnitude. */
static uint64_t pilot_iterations(const struct pilot *pilot, const struct series *series,
				 const struct block *block, uint64_t rows)
{
	const struct look *last = series->count == 0 ? NULL : &series->looks[series->count - 1];
	double warm_ns = plan_model_ns(block, rows, false);
	double wanted;

	/* Where a build takes that long, cold and warm are the same for what is to be decided, but
	 * for whether there is a warm part. */
	if (bound_ns(series, block, rows) > 5e8)
		return pilot->plan->request->warm_limit_ns < HUGE_VAL ? 1 : 0;
	if (last != NULL && last->warm_ns > 0)
		warm_ns = last->warm_ns * (double)rows / (double)last->rows;
	wanted = 2e5 / warm_ns;
	return wanted < 1 ? 1 : wanted > 10000 ? 10000 : (uint64_t)wanted;
}

/* What the builds of a look take: a cold one, and warm ones. */
static double look_ns(const struct series *series, const struct block *block, uint64_t rows)
{
	return 2 * bound_ns(series, block, rows);
}

/* Is this a cell of the plan that is measured in any case, so that looking costs no more than one
 * of its rounds? */
static bool is_measured_anyway(const struct pilot *pilot, const struct series *series,
			       const struct block *block, uint64_t rows)
{
	return rows == block->size.rows &&
	       plan_affords(pilot->plan, block, look_ns(series, block, rows));
}

static bool may_look(const struct pilot *pilot, const struct series *series,
		     const struct block *block, uint64_t rows)
{
	const double ns = look_ns(series, block, rows);

	if (!plan_may_measure(pilot->plan, rows))
		return false;
	if (ns > long_step_ns && series->count > 0 &&
	    (double)rows > longest_step * (double)series->looks[series->count - 1].rows)
		return false;
	return is_measured_anyway(pilot, series, block, rows) ||
	       (ns <= plan_longest_look_ns(pilot->plan) &&
		spent_ns(pilot) + ns + plan_start_ns(block) <= pilot->allowed_ns);
}

/* The time limit of a look: some times what it may take, but for cells that the preset wants
 * whatever they take. */
static uint64_t timeout_ns(const struct pilot *pilot, const struct series *series,
			   const struct block *block, uint64_t rows)
{
	const double start = block->implementation == NULL ? start_ns : foreign_start_ns;
	const double longest_ns = plan_longest_look_ns(pilot->plan);
	const double limit_ns = start + 4 * longest_ns;
	const uint64_t usual_ns = pilot->pool->timeout_ns;

	if (limit_ns > (double)usual_ns ||
	    (rows == block->size.rows && plan_affords(pilot->plan, block, HUGE_VAL)) ||
	    (look_ns(series, block, rows) > longest_ns &&
	     is_measured_anyway(pilot, series, block, rows)))
		return usual_ns;
	return (uint64_t)limit_ns;
}

/* A worker that builds this many rows of this many bytes, for a look. False if there was nothing to
 * see; *timed_out says whether that was for its time. */
static bool run_look(struct pilot *pilot, size_t b, size_t a, const struct size *size,
		     uint64_t iterations, struct look *seen, bool *timed_out)
{
	const struct plan *plan = pilot->plan;
	const struct block *block = &plan->blocks[b];
	const struct worker_task task = {
		.pass = pass_names[plan_measuring_pass(block)],
		.strategy = block->strategy,
		.implementation = block->implementation,
		.size = *size,
		.allocator = &plan->request->allocators[a],
		.iterations = plan->request->warm_limit_ns > 0 ? iterations : 0,
		.values = 1,
	};
	struct record record = record_init();
	bool ok;

	(void)worker_run(pilot->pool, &task, &record);
	ok = record_has_status(&record, "ok");
	*timed_out = record_has_status(&record, "timeout");
	*seen = (struct look){.rows = size->rows, .times = 1};
	if (ok) {
		seen->cold_ns = headline_ns(&record, HEADLINE_COLD);
		seen->warm_ns = headline_ns(&record, HEADLINE_WARM);
	}
	record_release(&record);
	return ok;
}

/* A look at the cell's strategy with so many rows. False if there was nothing to see. */
static bool look(struct pilot *pilot, size_t b, size_t a, uint64_t rows)
{
	const struct block *block = &pilot->plan->blocks[b];
	struct series *series = &pilot->series[a];
	const struct size size = {rows, block->size.row_bytes, block->size.threads};
	const uint64_t usual_ns = pilot->pool->timeout_ns;
	struct look seen;
	bool timed_out;
	bool ok;

	pilot->pool->timeout_ns = timeout_ns(pilot, series, block, rows);
	ok = run_look(pilot, b, a, &size, pilot_iterations(pilot, series, block, rows), &seen,
		      &timed_out);
	if (ok)
		remember(series, &seen);
	if (timed_out) {
		series->stuck_rows = rows;
		series->stuck_ns = (double)pilot->pool->timeout_ns;
	}
	pilot->pool->timeout_ns = usual_ns;
	return ok;
}

/* Where to look at first, of sizes that were not asked for: so far below that two more follow. */
static uint64_t first_rows(const struct pilot *pilot, const struct block *block, uint64_t reach)
{
	uint64_t rows = reach < 16 ? 1 : reach / 16;

	while (rows > 1 && plan_model_ns(block, rows, true) > first_look_ns)
		rows /= 4;
	return may_look(pilot, &(struct series){.count = 0}, block, rows) ? rows : 0;
}

/* The next size to look at on the way to the block's: itself if that can be afforded, else as far
 * up as can. 0: there is none. */
static uint64_t next_rows(const struct pilot *pilot, const struct series *series,
			  const struct block *block)
{
	static const double steps[] = {4, 2, 1.5};
	const uint64_t target = block->size.rows;
	const uint64_t most = pilot->plan->request->given.predict_above;
	const uint64_t reach = most != 0 && most < target ? most : target;
	uint64_t last;

	if (may_look(pilot, series, block, target))
		return target;
	if (series->count == 0)
		return first_rows(pilot, block, reach);
	last = series->looks[series->count - 1].rows;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		const double wanted = (double)last * steps[i];
		const uint64_t rows = wanted >= (double)reach ? reach : (uint64_t)wanted;

		if ((double)rows >= least_step * (double)last &&
		    may_look(pilot, series, block, rows))
			return rows;
	}
	return 0;
}

/* Looks below the one size that was seen, so that there is growth to see. */
static void look_below(struct pilot *pilot, size_t b, size_t a)
{
	const struct series none = {.count = 0};
	const uint64_t only = pilot->series[a].looks[0].rows;

	for (uint64_t share = 16; share > 1; share /= 4)
		if (only >= share * 2 && *pilot->pool->interrupts == 0 &&
		    may_look(pilot, &none, &pilot->plan->blocks[b], only / share))
			(void)look(pilot, b, a, only / share);
}

/* Goes up to the cell's own size, or as far as the time allows. Was it seen itself? */
static bool climb(struct pilot *pilot, size_t b, size_t a)
{
	const struct block *block = &pilot->plan->blocks[b];
	struct series *series = &pilot->series[a];
	uint64_t rows = 1;

	while (rows > 0 && series->stuck_rows == 0 && *pilot->pool->interrupts == 0) {
		rows = next_rows(pilot, series, block);
		if (rows == 0 && series->count == 1) {
			look_below(pilot, b, a);
			rows = next_rows(pilot, series, block);
		}
		if (rows > 0 && !look(pilot, b, a, rows))
			return false;
		if (rows == block->size.rows)
			return true;
	}
	return false;
}

/* A second look at the sizes that a prediction rests on most, as far as the time allows: one that
 * was disturbed is found out. */
static void look_again(struct pilot *pilot, size_t b, size_t a)
{
	struct series *series = &pilot->series[a];

	for (size_t i = series->count; i > 0 && i + GROWTH_POINTS > series->count; i--)
		if (series->looks[i - 1].times == 1 && *pilot->pool->interrupts == 0 &&
		    may_look(pilot, series, &pilot->plan->blocks[b], series->looks[i - 1].rows))
			(void)look(pilot, b, a, series->looks[i - 1].rows);
}

/* ---- the shape of what grows faster than its rows ---- */

/* Rows of a coarse look at least: each is a sample of what an append takes at its size. */
static const uint64_t fewest_coarse_rows = 8;

/*
 * Of a strategy that copies its array for each row, an append takes what an array of that many
 * bytes takes, whatever its rows are: with rows k times as large there are k times fewer appends at
 * the same sizes, in 1/k of the time. So the larger sizes' caches, pages and thresholds are seen
 * where all the appends would take too long; what is taken from there is how many times as much
 * time the larger array takes than the largest that was seen itself. False if there was nothing to
 * see, or no time for it.
 */
static bool look_coarsely(struct pilot *pilot, size_t b, size_t a, uint64_t rows, uint64_t coarser,
			  struct look *seen)
{
	const struct block *block = &pilot->plan->blocks[b];
	const struct size size = {rows / coarser, block->size.row_bytes * coarser,
				  block->size.threads};
	const double left_ns = pilot->allowed_ns - spent_ns(pilot);
	const uint64_t usual_ns = pilot->pool->timeout_ns;
	const double limit_ns = start_ns + 2 * plan_longest_look_ns(pilot->plan);
	struct look again;
	bool timed_out;
	bool ok;

	if (left_ns < plan_start_ns(block) || *pilot->pool->interrupts != 0)
		return false;
	if (limit_ns < (double)usual_ns && block->implementation == NULL)
		pilot->pool->timeout_ns = (uint64_t)limit_ns;
	ok = run_look(pilot, b, a, &size, 1, seen, &timed_out);
	if (ok && run_look(pilot, b, a, &size, 1, &again, &timed_out))
		merge(seen, &again);
	pilot->pool->timeout_ns = usual_ns;
	return ok && seen->cold_ns > 0;
}

/* Cold and warm shapes of the way from the size that was seen to the block's own. */
static bool look_at_shapes(struct pilot *pilot, size_t b, size_t a, uint64_t coarser,
			   struct growth_shape shapes[2])
{
	const struct block *block = &pilot->plan->blocks[b];
	const struct series *series = &pilot->series[a];
	const uint64_t sizes[2] = {series->looks[series->count - 1].rows, block->size.rows};

	if (sizes[0] / (4 * coarser) < fewest_coarse_rows ||
	    !strategy_supports(block->strategy, block->size.row_bytes * coarser * 4))
		return false;
	for (size_t i = 0; i < 2; i++) {
		struct look fine;
		struct look coarse;

		if (!look_coarsely(pilot, b, a, sizes[i], 4 * coarser, &coarse) ||
		    !look_coarsely(pilot, b, a, sizes[i], coarser, &fine))
			return false;
		shapes[0].fine_ns[i] = fine.cold_ns;
		shapes[0].coarse_ns[i] = coarse.cold_ns;
		shapes[1].fine_ns[i] = fine.warm_ns;
		shapes[1].coarse_ns[i] = coarse.warm_ns;
	}
	shapes[0].coarser = shapes[1].coarser = (double)coarser;
	return true;
}

/* Does the strategy itself copy its array for each append? Where realloc may, it does at sizes of
 * its own, or where no room is left behind the array: nothing that other rows tell. */
static bool copies(const struct block *block)
{
	struct strategy_cost cost;

	block->strategy->cost(block->size.rows, block->size.row_bytes, &cost);
	return cost.copied_bytes > cost.realloc_moved_bytes;
}

/* Predicts with rows that are only so much coarser that there is time for them. */
static void predict_by_shape(struct pilot *pilot, size_t b, size_t a, struct cell *cell)
{
	const struct block *block = &pilot->plan->blocks[b];
	const struct series *series = &pilot->series[a];
	const struct look *last = &series->looks[series->count - 1];
	const double longest_ns = plan_longest_look_ns(pilot->plan);
	const double expected_ns = bound_ns(series, block, block->size.rows);
	struct growth_shape shapes[2];
	uint64_t coarser = 4;

	if (block->size.rows / GROWTH_FARTHEST > last->rows)
		return;
	while (2 * expected_ns / (double)coarser > longest_ns)
		coarser *= 2;
	if (!look_at_shapes(pilot, b, a, coarser, shapes))
		return;
	(void)growth_by_shape(last->cold_ns, &shapes[0], &cell->cold);
	(void)growth_by_shape(last->warm_ns, &shapes[1], &cell->warm);
}

static void take_over(const struct look *seen, struct cell *cell)
{
	cell->cold_ns = seen->cold_ns;
	cell->warm_ns = seen->warm_ns > 0 ? seen->warm_ns : seen->cold_ns;
}

/* What the block takes at least, by a look that was ended; 0 if none was. */
static double at_least_ns(const struct series *series, const struct block *block)
{
	return series->stuck_rows == 0
		       ? 0
		       : series->stuck_ns * (double)block->size.rows / (double)series->stuck_rows;
}

/* A prediction that is less than what was seen to be exceeded is none. */
static void refute(double least_ns, struct growth_range *range)
{
	if (range->high_ns < least_ns)
		*range = (struct growth_range){0};
	else if (range->ns > 0 && range->low_ns < least_ns)
		*range = (struct growth_range){fmax(range->ns, least_ns), least_ns, range->high_ns};
}

/* Sets the times that the cell is planned with, as far as something was seen. */
static void expect(const struct series *series, const struct block *block, struct cell *cell)
{
	struct growth_point points[MOST_LOOKS];
	const uint64_t rows = block->size.rows;
	size_t count = points_of(series, false, points);
	struct growth_range range;

	if (count == 0) {
		cell->cold_ns = fmax(cell->cold_ns, at_least_ns(series, block));
		cell->warm_ns = fmax(cell->warm_ns, at_least_ns(series, block));
		return;
	}
	cell->cold_ns = growth_predict(points, count, rows, &range)
				? range.high_ns
				: growth_bound(points, count, rows);
	cell->cold_ns = fmax(cell->cold_ns, at_least_ns(series, block));
	cell->warm_ns = cell->cold_ns;
	count = points_of(series, true, points);
	if (growth_predict(points, count, rows, &range))
		cell->warm_ns = range.high_ns;
}

/* Predicts the cell, where that can be earned. */
static void predict(struct pilot *pilot, size_t b, size_t a, struct cell *cell)
{
	const struct block *block = &pilot->plan->blocks[b];
	const struct series *series = &pilot->series[a];
	const double least_ns = at_least_ns(series, block);
	struct growth_point points[MOST_LOOKS];

	if (points_of(series, false, points) < GROWTH_FEWEST_POINTS)
		return;
	look_again(pilot, b, a);
	expect(series, block, cell);
	if (block->strategy->order >= GROWTH_QUADRATIC && copies(block))
		predict_by_shape(pilot, b, a, cell);
	refute(least_ns, &cell->cold);
	if (cell->cold.ns <= 0) {
		cell->warm = (struct growth_range){0};
		return;
	}
	cell->seen_rows = series->looks[series->count - 1].rows;
	cell->cold_ns = cell->cold.high_ns;
	cell->warm_ns = cell->warm.ns > 0 ? cell->warm.high_ns : cell->cold_ns;
}

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
static const struct cell *kernel_of(const struct plan *plan, size_t b, size_t a)
{
	const struct block *block = &plan->blocks[b];

	for (size_t i = 0; i < b; i++) {
		const struct block *other = &plan->blocks[i];

		if (other->implementation == NULL &&
		    strcmp(other->strategy->implementation, "c") == 0 &&
		    strcmp(other->strategy->name, block->strategy->name) == 0 &&
		    other->size.rows == block->size.rows &&
		    other->size.row_bytes == block->size.row_bytes &&
		    other->size.threads == block->size.threads)
			return plan_cell(plan, i, a);
	}
	return NULL;
}

/* What takes long to start is not looked at where it is known well enough: a loop that is mostly
 * copying takes about what it takes in C. */
static bool is_as_in_c(const struct plan *plan, size_t b, size_t a)
{
	const struct block *block = &plan->blocks[b];
	const struct cell *kernel = kernel_of(plan, b, a);
	struct cell *cell = plan_cell(plan, b, a);

	if (!plan_is_slow_to_start(block) || block->strategy->order < GROWTH_QUADRATIC ||
	    block->size.rows < 1000 || kernel == NULL)
		return false;
	cell->cold_ns = kernel->cold_ns;
	cell->warm_ns = kernel->warm_ns;
	return true;
}

/* Looks at a cell, or predicts it. */
static void look_or_predict(struct pilot *pilot, size_t b, size_t a)
{
	const struct plan *plan = pilot->plan;
	const struct block *block = &plan->blocks[b];
	struct series *series = &pilot->series[a];
	struct cell *cell = plan_cell(plan, b, a);

	if (!plan_is_open(cell))
		return;
	/* What takes long to start and little to build is not worth a look. */
	if (is_clear(plan, block))
		return;
	if (is_as_in_c(plan, b, a) && plan_affords(plan, block, cell->cold_ns + cell->warm_ns))
		return;
	if (climb(pilot, b, a)) {
		take_over(&series->looks[series->count - 1], cell);
		return;
	}
	expect(series, block, cell);
	if (plan_affords(plan, block, cell->cold_ns + cell->warm_ns))
		return;
	predict(pilot, b, a, cell);
	/* Nobody knows by how much it is slower than that. */
	if (series->stuck_rows > 0 && cell->cold.ns <= 0)
		cell->cold_ns = fmax(cell->cold_ns, (double)plan->request->budget_s * 1e9);
}

bool pilot_run(struct plan *plan, struct worker_pool *pool, struct progress *progress)
{
	const struct request *request = plan->request;
	struct pilot pilot = {
		.plan = plan,
		.pool = pool,
		.series = g_new0(struct series, request->allocator_count),
		.start_ns = process_now_ns(),
		.allowed_ns = (double)request->budget_s * 1e9 * pilot_share,
	};
	bool whole = true;
	double expected_ns = 0;

	for (size_t i = 0; i < plan->cell_count; i++)
		if (plan->cells[i].skip == CELL_MEASURED)
			expected_ns += plan->cells[i].worker_ns;
	progress_start(progress, "pilot", plan->cell_count, expected_ns);
	for (size_t b = 0; b < plan->block_count && whole; b++) {
		const struct block *block = &plan->blocks[b];
		char label[128];

		(void)snprintf(label, sizeof label, "%s %" PRIu64 " x %" PRIu64 " B",
			       block->strategy->name, block->size.rows, block->size.row_bytes);
		if (b > 0 && !same_series(block, &plan->blocks[b - 1]))
			memset(pilot.series, 0, request->allocator_count * sizeof *pilot.series);
		for (size_t a = 0; a < request->allocator_count && whole; a++) {
			struct cell *cell = plan_cell(plan, b, a);
			double expected = cell->skip == CELL_MEASURED ? cell->worker_ns : 0;

			progress_show(progress, label);
			look_or_predict(&pilot, b, a);
			progress_done(progress, expected);
			whole = *pool->interrupts == 0;
		}
	}
	progress_end(progress);
	g_free(pilot.series);
	plan->pilot_ns = spent_ns(&pilot);
	plan_decide(plan);
	return whole;
}
