#include "harness/runner/execute/pilot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

/* What was seen of one strategy under one allocator so far: the two largest sizes. */
struct history {
	uint64_t rows[2];
	double cold_ns[2];
	double warm_ns[2];
};

static void remember(struct history *history, uint64_t rows, const struct cell *cell)
{
	*history = (struct history){
		.rows = {history->rows[1], rows},
		.cold_ns = {history->cold_ns[1], cell->cold_ns},
		.warm_ns = {history->warm_ns[1], cell->warm_ns},
	};
}

static void predict(const struct history *history, const struct block *block, struct cell *cell)
{
	const uint64_t rows[3] = {history->rows[0], history->rows[1], block->size.rows};

	if (rows[1] == 0)
		return;
	cell->cold_ns = plan_extrapolate(block->strategy, rows, history->cold_ns);
	cell->warm_ns = plan_extrapolate(block->strategy, rows, history->warm_ns);
}

/* Enough builds for a fifth of a millisecond, so that one value tells the order of magnitude. */
static uint64_t pilot_iterations(const struct cell *cell)
{
	double wanted = 2e5 / cell->warm_ns;

	/* Where a build takes that long, cold and warm are the same for what is to be decided. */
	if (cell->cold_ns > 5e8)
		return 0;
	return wanted < 1 ? 1 : wanted > 10000 ? 10000 : (uint64_t)wanted;
}

/* False if there was nothing to see. */
static bool look(const struct plan *plan, struct worker_pool *pool, size_t b, size_t a)
{
	const struct block *block = &plan->blocks[b];
	struct cell *cell = plan_cell(plan, b, a);
	const struct worker_task task = {
		.pass = pass_names[plan_measuring_pass(block)],
		.strategy = block->strategy,
		.implementation = block->implementation,
		.size = block->size,
		.allocator = &plan->request->allocators[a],
		.iterations = plan->request->warm_limit_ns > 0 ? pilot_iterations(cell) : 0,
		.values = 1,
	};
	struct record record = record_init();
	bool seen;

	(void)worker_run(pool, &task, &record);
	seen = record_has_status(&record, "ok");
	if (seen) {
		cell->cold_ns = record_get_real(&record, "cold_build_ns", 0) +
				record_get_real(&record, "cold_release_ns", 0);
		cell->warm_ns =
			record_get_real(&record, "warm_build_release_median_ns", cell->cold_ns);
	}
	record_release(&record);
	return seen;
}

/* Are these blocks the same strategy, row size and threads, so that one is predicted from the
 * other? */
static bool same_series(const struct block *a, const struct block *b)
{
	return a->strategy == b->strategy && a->size.row_bytes == b->size.row_bytes &&
	       a->size.threads == b->size.threads;
}

/* Few rows, appended by a program that takes long to start, to an array that grows linearly: a loop
 * of an interpreter, in which values are long enough with the iterations that the model gives. */
static bool is_clear(const struct plan *plan, const struct block *block)
{
	return plan_is_slow_to_start(block) && !block->strategy->is_pattern &&
	       block->strategy->order < GROWTH_QUADRATIC && block->size.rows >= 100 &&
	       block->size.rows <= 10000 && plan->request->warm_limit_ns >= HUGE_VAL;
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

static void look_or_predict(struct plan *plan, struct worker_pool *pool, struct history *history,
			    size_t b, size_t a)
{
	const struct block *block = &plan->blocks[b];
	struct cell *cell = plan_cell(plan, b, a);

	if (cell->skip != CELL_MEASURED && cell->skip != CELL_PREDICTED)
		return;
	/* What takes long to start and little to build is not worth a look. */
	if (is_clear(plan, block))
		return;
	if (is_as_in_c(plan, b, a)) {
		if (!plan_affords(plan, block, cell->cold_ns + cell->warm_ns))
			cell->skip = CELL_PREDICTED;
		return;
	}
	predict(history, block, cell);
	if (!plan_affords(plan, block, cell->cold_ns + cell->warm_ns)) {
		cell->skip = CELL_PREDICTED;
		return;
	}
	if (look(plan, pool, b, a))
		remember(history, block->size.rows, cell);
}

bool pilot_run(struct plan *plan, struct worker_pool *pool, struct progress *progress)
{
	const struct request *request = plan->request;
	struct history *histories = g_new0(struct history, request->allocator_count);
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
			memset(histories, 0, request->allocator_count * sizeof *histories);
		for (size_t a = 0; a < request->allocator_count && whole; a++) {
			struct cell *cell = plan_cell(plan, b, a);
			double expected = cell->skip == CELL_MEASURED ? cell->worker_ns : 0;

			progress_show(progress, label);
			look_or_predict(plan, pool, &histories[a], b, a);
			progress_done(progress, expected);
			whole = *pool->interrupts == 0;
		}
	}
	progress_end(progress);
	g_free(histories);
	plan_decide(plan);
	return whole;
}

static const char *const skip_names[] = {
	[CELL_MEASURED] = "measured",
	[CELL_PREDICTED] = "predicted",
	[CELL_NO_MEMORY] = "no_memory",
	[CELL_UNSUPPORTED] = "unsupported",
	[CELL_UNAVAILABLE] = "unavailable",
	[CELL_WRONG_ALLOCATOR] = "wrong_allocator",
	[CELL_NO_IMPLEMENTATION] = "no_implementation",
};

enum {
	SKIP_COUNT = sizeof skip_names / sizeof *skip_names
};

static json_t *save_cell(const struct plan *plan, size_t b, size_t a)
{
	const struct block *block = &plan->blocks[b];
	const struct cell *cell = plan_cell(plan, b, a);

	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:s, s:f, s:f, s:I}", "implementation",
			 block->strategy->implementation, "strategy", block->strategy->name,
			 "allocator", plan->request->allocators[a].name, "rows",
			 (json_int_t)block->size.rows, "row_bytes",
			 (json_int_t)block->size.row_bytes, "threads", (int)block->size.threads,
			 "plan", skip_names[cell->skip], "cold_build_release_ns", cell->cold_ns,
			 "warm_build_release_ns", cell->warm_ns, "warm_iteration_count",
			 (json_int_t)block->iterations);
}

json_t *pilot_save(const struct plan *plan)
{
	json_t *array = json_array();

	for (size_t b = 0; b < plan->block_count; b++)
		for (size_t a = 0; a < plan->request->allocator_count; a++)
			(void)json_array_append_new(array, save_cell(plan, b, a));
	return array;
}

/* Can it be a time in ns? Sums and products of such are finite. */
static bool is_time(double ns)
{
	return ns >= 0 && ns <= 1e100;
}

/* Is the entry of this cell of the plan? */
static bool is_of_cell(const json_t *entry, const struct plan *plan, size_t b, size_t a)
{
	static const char *const keys[] = {"implementation", "strategy",  "allocator",
					   "rows",           "row_bytes", "threads"};
	json_t *expected = save_cell(plan, b, a);
	bool same = true;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		same &= json_equal(json_object_get(entry, keys[i]),
				   json_object_get(expected, keys[i])) == 1;
	json_decref(expected);
	return same;
}

static bool load_cell(struct plan *plan, size_t b, size_t a, const json_t *entry)
{
	struct cell *cell = plan_cell(plan, b, a);
	const char *skip;
	json_int_t iterations;

	if (!is_of_cell(entry, plan, b, a) ||
	    json_unpack((json_t *)entry, "{s:s, s:F, s:F, s:I}", "plan", &skip,
			"cold_build_release_ns", &cell->cold_ns, "warm_build_release_ns",
			&cell->warm_ns, "warm_iteration_count", &iterations) != 0 ||
	    iterations < 1 || !is_time(cell->cold_ns) || !is_time(cell->warm_ns))
		return false;
	for (int i = 0; i < SKIP_COUNT; i++)
		if (strcmp(skip, skip_names[i]) == 0) {
			cell->skip = (enum cell_skip)i;
			return true;
		}
	return false;
}

bool pilot_load(struct plan *plan, const json_t *pilot, struct error *error)
{
	const size_t allocators = plan->request->allocator_count;

	if (json_array_size(pilot) != plan->cell_count)
		return error_set(error, "its plan has %zu cells instead of %zu",
				 json_array_size(pilot), plan->cell_count);
	for (size_t i = 0; i < plan->cell_count; i++)
		if (!load_cell(plan, i / allocators, i % allocators, json_array_get(pilot, i)))
			return error_set(error, "its plan has other cells");
	plan_decide(plan);
	return true;
}
