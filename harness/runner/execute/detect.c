#include "harness/runner/execute/detect.h"

#include <string.h>

#include <glib.h>

#include "harness/runner/execute/rows.h"
#include "harness/runner/process/interrupts.h"

void detect_requirements(struct run *run)
{
	const uint64_t count = plan_row_count(&run->plan);
	g_auto(GStrv) unplanned = NULL;
	bool missing = true;

	run->requirements = requirements_init(run->request);
	for (uint64_t i = 0; i < count && missing; i++) {
		struct record record = record_init();

		rows_set_cell(run, &run->visits[i], i, &record);
		missing = requirements_plan(&run->requirements, &record);
		record_release(&record);
	}
	unplanned = requirements_unplanned(&run->requirements);
	progress_warn_all(&run->progress, unplanned);
}

/* What the system does not let a worker read is the same for all allocators: it is said once. */
struct warned {
	bool of_peaks;
	bool of_system_calls;
};

static void warn_of_the_system(struct run *run, const struct allocator_check *check,
			       struct warned *warned)
{
	if (!check->resolution_known && !warned->of_peaks)
		progress_warn(&run->progress,
			      "peaks of memory cannot be read here: %s; their columns stay empty, "
			      "and all else is measured",
			      check->detail);
	if (check->syscalls_unavailable[0] != '\0' && !warned->of_system_calls)
		progress_warn(&run->progress,
			      "system calls cannot be counted here: %s; their columns stay empty, "
			      "and all else is counted",
			      check->syscalls_unavailable);
	warned->of_peaks |= !check->resolution_known;
	warned->of_system_calls |= check->syscalls_unavailable[0] != '\0';
}

/* Finds Valgrind, if the plan has anything to count. */
static void find_valgrind(struct run *run)
{
	if (!run->request->passes[PASS_INSTRUCTIONS] || !plan_has_counts(&run->plan))
		return;
	run->valgrind = valgrind_find();
	run->pool.valgrind = run->valgrind.path;
	if (run->valgrind.path == NULL)
		progress_warn(&run->progress, "instructions are not counted: %s; all else is done",
			      run->valgrind.why_not.text);
}

static void check_counts(struct run *run, const struct allocator *allocator,
			 struct allocator_check *check)
{
	if (run->valgrind.path == NULL)
		return;
	check_counting(&run->pool, allocator, check);
	if (check->uncounted[0] != '\0')
		progress_warn(&run->progress, "instructions of %s are not counted: %s",
			      allocator->name, check->uncounted);
}

void detect_allocators(struct run *run)
{
	const struct request *request = run->request;
	struct warned warned = {false, false};

	find_valgrind(run);
	for (size_t a = 0; a < request->allocator_count; a++) {
		const struct allocator *allocator = &request->allocators[a];
		struct allocator_check *check = &run->checks[a];

		*check = check_allocator(&run->pool, allocator);
		if (strcmp(check->status, "ok") == 0) {
			if (request->passes[PASS_TRACE])
				check_trace(&run->pool, allocator, check);
			warn_of_the_system(run, check, &warned);
			if (check->untraced[0] != '\0')
				progress_warn(&run->progress, "%s is not traced: %s",
					      allocator->name, check->untraced);
			check_counts(run, allocator, check);
			continue;
		}
		progress_warn(&run->progress, "%s is left out (%s): %s", allocator->name,
			      check->status, check->detail);
		for (size_t b = 0; b < run->plan.block_count; b++) {
			struct cell *cell = plan_cell(&run->plan, b, a);

			if (cell->skip != CELL_UNSUPPORTED && cell->skip != CELL_NO_IMPLEMENTATION)
				cell->skip = allocator->missing != NULL ? CELL_UNAVAILABLE
									: CELL_WRONG_ALLOCATOR;
		}
	}
}

/* Says which implementations cannot be measured. */
static void warn_of_implementations(struct run *run)
{
	for (size_t i = 0; i < run->request->implementation_count; i++) {
		const struct implementation *implementation = &run->request->implementations[i];

		if (strcmp(implementation->status, "ok") != 0)
			progress_warn(&run->progress, "%s is left out (%s): %s",
				      implementation->name, implementation->status,
				      implementation->detail);
	}
}

bool detect(struct run *run, struct error *error)
{
	warn_of_implementations(run);
	detect_allocators(run);
	description_set_allocators(run->description, run->request, run->checks, &run->valgrind);
	return interrupts > 0 || description_write(run->description, &run->folder, error);
}
