/* The pilot's result as a part of machine.json, and back. */
#include "harness/runner/execute/pilot.h"

#include <string.h>

static const char *const skip_names[] = {
	[CELL_MEASURED] = "measured",
	[CELL_PREDICTED] = "predicted",
	[CELL_NO_BUDGET] = "no_budget",
	[CELL_NO_MEMORY] = "no_memory",
	[CELL_UNSUPPORTED] = "unsupported",
	[CELL_UNAVAILABLE] = "unavailable",
	[CELL_WRONG_ALLOCATOR] = "wrong_allocator",
	[CELL_NO_IMPLEMENTATION] = "no_implementation",
};

enum {
	SKIP_COUNT = sizeof skip_names / sizeof *skip_names
};

static void save_range(json_t *entry, const char *key, const struct growth_range *range)
{
	if (range->ns > 0)
		(void)json_object_set_new(
			entry, key,
			json_pack("[f, f, f]", range->low_ns, range->ns, range->high_ns));
}

static json_t *save_cell(const struct plan *plan, size_t b, size_t a)
{
	const struct block *block = &plan->blocks[b];
	const struct cell *cell = plan_cell(plan, b, a);

	json_t *entry = json_pack(
		"{s:s, s:s, s:s, s:I, s:I, s:i, s:s, s:f, s:f, s:I, s:I}", "implementation",
		block->strategy->implementation, "strategy", block->strategy->name, "allocator",
		plan->request->allocators[a].name, "rows", (json_int_t)block->size.rows,
		"row_bytes", (json_int_t)block->size.row_bytes, "threads", (int)block->size.threads,
		"plan", skip_names[cell->skip], "cold_build_release_ns", cell->cold_ns,
		"warm_build_release_ns", cell->warm_ns, "warm_iteration_count",
		(json_int_t)block->iterations, "rounds", (json_int_t)cell->rounds);

	if (cell->skip == CELL_PREDICTED || cell->skip == CELL_NO_BUDGET)
		(void)json_object_set_new(entry, "needed_budget_s",
					  json_integer((json_int_t)cell->needed_budget_s));
	if (cell->skip == CELL_PREDICTED) {
		(void)json_object_set_new(entry, "seen_rows",
					  json_integer((json_int_t)cell->seen_rows));
		save_range(entry, "cold_prediction_ns", &cell->cold);
		save_range(entry, "warm_prediction_ns", &cell->warm);
	}
	return entry;
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

/* "" is none: so it is of what was not warm. */
static bool load_range(const json_t *entry, const char *key, struct growth_range *range)
{
	const json_t *saved = json_object_get(entry, key);

	*range = (struct growth_range){0};
	if (saved == NULL)
		return true;
	return json_unpack((json_t *)saved, "[F, F, F!]", &range->low_ns, &range->ns,
			   &range->high_ns) == 0 &&
	       range->low_ns > 0 && range->low_ns <= range->ns && range->ns <= range->high_ns &&
	       is_time(range->high_ns);
}

static bool load_skip(const json_t *entry, enum cell_skip *skip)
{
	const char *name = json_string_value(json_object_get(entry, "plan"));

	for (int i = 0; name != NULL && i < SKIP_COUNT; i++)
		if (strcmp(name, skip_names[i]) == 0) {
			*skip = (enum cell_skip)i;
			return true;
		}
	return false;
}

/* What runs of older versions have not is left as it is. */
static bool load_decision(const struct plan *plan, const json_t *entry, struct cell *cell)
{
	json_int_t rounds = (json_int_t)cell->rounds;
	json_int_t seen_rows = 0;
	json_int_t budget_s = 0;

	if (json_unpack((json_t *)entry, "{s?I, s?I, s?I}", "rounds", &rounds, "seen_rows",
			&seen_rows, "needed_budget_s", &budget_s) != 0 ||
	    rounds < 1 || rounds > (json_int_t)plan->request->rounds || seen_rows < 0 ||
	    budget_s < 0 || !load_range(entry, "cold_prediction_ns", &cell->cold) ||
	    !load_range(entry, "warm_prediction_ns", &cell->warm))
		return false;
	cell->rounds = (uint64_t)rounds;
	cell->seen_rows = (uint64_t)seen_rows;
	cell->needed_budget_s = (uint64_t)budget_s;
	return true;
}

static bool load_cell(struct plan *plan, size_t b, size_t a, const json_t *entry)
{
	struct cell *cell = plan_cell(plan, b, a);
	json_int_t iterations;

	return is_of_cell(entry, plan, b, a) &&
	       json_unpack((json_t *)entry, "{s:F, s:F, s:I}", "cold_build_release_ns",
			   &cell->cold_ns, "warm_build_release_ns", &cell->warm_ns,
			   "warm_iteration_count", &iterations) == 0 &&
	       iterations >= 1 && is_time(cell->cold_ns) && is_time(cell->warm_ns) &&
	       load_skip(entry, &cell->skip) && load_decision(plan, entry, cell);
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
	if (plan->cell_count > 0 && json_object_get(json_array_get(pilot, 0), "rounds") == NULL)
		plan_decide(plan);
	else
		plan_redo(plan);
	return true;
}
