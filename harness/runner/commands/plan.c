#include <inttypes.h>
#include <stdio.h>

#include <glib.h>

#include "harness/runner/commands/command.h"
#include "harness/runner/machine/machine.h"
#include "harness/runner/plan/extension.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/process/progress.h"

static const char *const skip_notes[] = {
	[CELL_MEASURED] = "",
	[CELL_PREDICTED] = "skipped_predicted",
	[CELL_NO_BUDGET] = "skipped_budget",
	[CELL_NO_MEMORY] = "skipped_memory",
	[CELL_UNSUPPORTED] = "unsupported",
	[CELL_UNAVAILABLE] = "unavailable",
	[CELL_WRONG_ALLOCATOR] = "wrong_allocator",
	[CELL_NO_IMPLEMENTATION] = "without a program",
};

/* What will become of a cell. Of those that the budget has no room for: are there smaller sizes
 * that the pilot has time for, to predict it from? */
static enum cell_skip expected_skip(const struct plan *plan, size_t b, size_t a)
{
	const struct block *block = &plan->blocks[b];
	const struct cell *cell = plan_cell(plan, b, a);

	if (cell->skip == CELL_NO_BUDGET && block->size.rows >= 64 &&
	    2 * plan_model_ns(block, block->size.rows / 64, true) <= plan_longest_look_ns(plan))
		return CELL_PREDICTED;
	return cell->skip;
}

static void print_probe_visit(const struct plan *plan, const struct visit *visit, uint64_t position)
{
	const struct probe_visit *probe = &plan->probes[visit->block];

	(void)printf("%" PRIu64 ",%" PRIu64 ",probe,c,%s,%s,1,%" PRIu64 ",1,%.3f,\n", position,
		     visit->round + 1, probe->probe->name,
		     plan->request->allocators[visit->allocator].name, probe->bytes,
		     plan_visit_ns(plan, visit) / 1e6);
}

static void print_visit(const struct plan *plan, const struct visit *visit, uint64_t position)
{
	const struct block *block;
	const struct cell *cell;
	const char *note;

	if (visit->pass == PASS_PROBE) {
		print_probe_visit(plan, visit, position);
		return;
	}
	block = &plan->blocks[visit->block];
	cell = plan_cell(plan, visit->block, visit->allocator);
	note = cell->skip == CELL_NO_IMPLEMENTATION
		       ? block->implementation->status
		       : skip_notes[expected_skip(plan, visit->block, visit->allocator)];
	if (visit->pass == plan_measuring_pass(block) && cell->skip == CELL_MEASURED &&
	    !plan_measures(plan, cell, visit->round))
		note = "skipped_rounds";
	(void)printf("%" PRIu64 ",%" PRIu64 ",%s,%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%u,%.3f,%s\n",
		     position, visit->round + 1, pass_names[visit->pass],
		     block->strategy->implementation, block->strategy->name,
		     plan->request->allocators[visit->allocator].name, block->size.rows,
		     block->size.row_bytes, block->size.threads, plan_visit_ns(plan, visit) / 1e6,
		     note);
}

/* What follows the rows above is chosen when they are there. */
static void print_extension(const struct plan *plan)
{
	uint64_t steps[EXTENSION_STEPS];
	char duration[16];

	if (plan->request->extra_rounds == 0)
		return;
	extension_steps(plan->request->rounds, steps);
	progress_duration(extension_expected_ns(plan), duration, sizeof duration);
	(void)fprintf(stderr,
		      "about %s of it on %" PRIu64 " or %" PRIu64
		      " more rounds where the intervals of these turn out widest\n",
		      duration, steps[0], steps[1]);
}

static void print_plan_end(const struct plan *plan)
{
	size_t skipped[sizeof skip_notes / sizeof *skip_notes] = {0};
	char duration[16];

	for (size_t b = 0; b < plan->block_count; b++)
		for (size_t a = 0; a < plan->request->allocator_count; a++)
			skipped[expected_skip(plan, b, a)]++;
	progress_duration(plan_expected_ns(plan) + extension_expected_ns(plan), duration,
			  sizeof duration);
	for (size_t i = 0; i < plan->request->allocator_count; i++)
		if (plan->request->allocators[i].worker != NULL)
			(void)fprintf(stderr, "%s is measured with %s\n",
				      plan->request->allocators[i].name,
				      plan->request->allocators[i].worker);
	(void)fprintf(stderr,
		      "%" PRIu64 " rows: %zu cells x %" PRIu64 " rounds, seed %" PRIu64
		      "\nexpected time: about %s, by a model of typical machines; the pilot of a "
		      "run measures it\n",
		      plan_row_count(plan), plan->cell_count, plan->request->rounds,
		      plan->request->seed, duration);
	print_extension(plan);
	for (size_t i = 1; i < sizeof skipped / sizeof *skipped; i++)
		if (skipped[i] > 0)
			(void)fprintf(stderr, "%zu cells will be %s%s\n", skipped[i], skip_notes[i],
				      i == CELL_PREDICTED ? ", unless the pilot finds them faster"
							  : "");
	if (skipped[CELL_NO_MEMORY] > 0)
		(void)fprintf(stderr, "a worker may use %" PRIu64 " MB here\n",
			      plan->memory_bytes / 1000000);
}

static void print_plan(const struct plan *plan)
{
	g_autofree struct visit *visits = plan_order(plan);
	const uint64_t count = plan_row_count(plan);

	(void)puts("position,round,pass,implementation,strategy,allocator,rows,row_bytes,threads,"
		   "expected_ms,note");
	for (uint64_t i = 0; i < count; i++)
		print_visit(plan, &visits[i], i + 1);
	print_plan_end(plan);
}

static int run(const struct request *request)
{
	struct error error;
	struct plan plan = {.request = NULL};
	struct topology topology;
	const bool ok = topology_load(&topology, request->cpu, &error) &&
			plan_make(&plan, request, &topology, machine_memory_bytes(), &error);

	if (ok)
		print_plan(&plan);
	plan_release(&plan);
	return ok ? finish_output() : usage_error(&error);
}

const struct command command_plan = {
	.name = "plan",
	.run = run,
	.help = "every cell, the order and the expected time, without running",
	.examples =
		"  growbench plan --preset full | head\n  growbench plan --seed 1 > order.csv\n",
};
