#include "harness/runner/execute/pilot_looks.h"

#include <math.h>

#include "harness/runner/execute/headline.h"

/* Beside what is looked at: the start of a program, ours or one of another language. */
static const double start_ns = 0.5e9;
static const double foreign_start_ns = 5e9;
/* A size that goes further than this beyond the last is looked at where it takes next to nothing
 * only, as growth may change on the way. */
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

static void remember(struct series *series, const struct look *seen)
{
	if (seen->rows == series->last.rows) {
		merge(&series->last, seen);
	} else if (seen->rows > series->last.rows) {
		series->before = series->last;
		series->last = *seen;
	} else if (seen->rows == series->before.rows) {
		merge(&series->before, seen);
	} else if (seen->rows > series->before.rows) {
		series->before = *seen;
	}
}

double pilot_spent_ns(const struct pilot *pilot)
{
	return (double)(process_now_ns() - pilot->start_ns);
}

double look_bound_ns(const struct pilot *pilot, uint64_t rows)
{
	const struct look *before = &pilot->series->before;
	const struct look *last = &pilot->series->last;

	if (last->rows == 0)
		return plan_model_ns(pilot->block, rows, true);
	/* What a pattern does is the same for each element. */
	if (pilot->block->strategy->is_pattern)
		return last->cold_ns * (double)rows / (double)last->rows;
	return growth_bound((struct growth_point){before->rows, before->cold_ns},
			    (struct growth_point){last->rows, last->cold_ns}, rows);
}

/* Enough builds for a fifth of a millisecond, so that one value tells the order of magnitude. */
static uint64_t iterations_of(const struct pilot *pilot, uint64_t rows)
{
	const struct look *last = &pilot->series->last;
	double warm_ns = plan_model_ns(pilot->block, rows, false);
	double wanted;

	/* Where a build takes that long, cold and warm are the same for what is to be decided, but
	 * for whether there is a warm part. */
	if (look_bound_ns(pilot, rows) > 5e8)
		return pilot->plan->request->warm_limit_ns < HUGE_VAL ? 1 : 0;
	if (last->warm_ns > 0)
		warm_ns = last->warm_ns * (double)rows / (double)last->rows;
	wanted = 2e5 / warm_ns;
	return wanted < 1 ? 1 : wanted > 10000 ? 10000 : (uint64_t)wanted;
}

/* What the builds of a look take: a cold one, and warm ones. */
static double look_ns(const struct pilot *pilot, uint64_t rows)
{
	return 2 * look_bound_ns(pilot, rows);
}

/* Is this a cell of the plan that is measured in any case, so that looking costs no more than one
 * of its rounds? */
static bool is_measured_anyway(const struct pilot *pilot, uint64_t rows)
{
	return rows == pilot->block->size.rows &&
	       plan_affords(pilot->plan, pilot->block, look_ns(pilot, rows));
}

bool look_is_allowed(const struct pilot *pilot, uint64_t rows)
{
	const double ns = look_ns(pilot, rows);
	const uint64_t last = pilot->series->last.rows;

	if (*pilot->pool->interrupts != 0 || !plan_may_measure(pilot->plan, rows))
		return false;
	if (ns > long_step_ns && last > 0 && (double)rows > longest_step * (double)last &&
	    !pilot->block->strategy->is_pattern)
		return false;
	return is_measured_anyway(pilot, rows) ||
	       (ns <= plan_longest_look_ns(pilot->plan) &&
		pilot_spent_ns(pilot) + ns + plan_start_ns(pilot->block) <= pilot->allowed_ns);
}

/* The time limit of a look: some times what it may take, but for cells that the preset wants
 * whatever they take. */
static uint64_t limit_ns(const struct pilot *pilot, uint64_t rows)
{
	const double start = pilot->block->implementation == NULL ? start_ns : foreign_start_ns;
	const double wanted_ns = start + 4 * plan_longest_look_ns(pilot->plan);
	const uint64_t usual_ns = pilot->pool->timeout_ns;

	if (wanted_ns > (double)usual_ns ||
	    (rows == pilot->block->size.rows && plan_affords(pilot->plan, pilot->block, HUGE_VAL)))
		return usual_ns;
	return (uint64_t)wanted_ns;
}

/* The same of a look at larger rows. */
static uint64_t coarse_limit_ns(const struct pilot *pilot)
{
	const double wanted_ns = start_ns + 2 * plan_longest_look_ns(pilot->plan);
	const uint64_t usual_ns = pilot->pool->timeout_ns;

	return pilot->block->implementation == NULL && wanted_ns < (double)usual_ns
		       ? (uint64_t)wanted_ns
		       : usual_ns;
}

/* A worker that builds this many rows of this many bytes, of no longer than timeout_ns. False if
 * there was nothing to see; *timed_out says whether that was for its time. */
static bool run_look(const struct pilot *pilot, const struct size *size, uint64_t iterations,
		     uint64_t timeout_ns, struct look *seen, bool *timed_out)
{
	const struct worker_task task = {
		.pass = pass_names[plan_measuring_pass(pilot->block)],
		.strategy = pilot->block->strategy,
		.implementation = pilot->block->implementation,
		.size = *size,
		.allocator = pilot->allocator,
		.iterations = pilot->plan->request->warm_limit_ns > 0 ? iterations : 0,
		.values = 1,
	};
	const uint64_t usual_ns = pilot->pool->timeout_ns;
	struct record record = record_init();

	pilot->pool->timeout_ns = timeout_ns;
	(void)worker_run(pilot->pool, &task, &record);
	pilot->pool->timeout_ns = usual_ns;
	*timed_out = record_has_status(&record, "timeout");
	*seen = (struct look){.rows = size->rows, .times = 1};
	if (record_has_status(&record, "ok")) {
		seen->cold_ns = headline_ns(&record, HEADLINE_COLD);
		seen->warm_ns = headline_ns(&record, HEADLINE_WARM);
	}
	record_release(&record);
	return seen->cold_ns > 0;
}

bool look_at(struct pilot *pilot, uint64_t rows)
{
	const struct size *own = &pilot->block->size;
	const struct size size = {rows, own->row_bytes, own->threads};
	const uint64_t timeout_ns = limit_ns(pilot, rows);
	struct look seen;
	bool timed_out;

	if (run_look(pilot, &size, iterations_of(pilot, rows), timeout_ns, &seen, &timed_out)) {
		remember(pilot->series, &seen);
		return true;
	}
	if (timed_out) {
		pilot->series->stuck_rows = rows;
		pilot->series->stuck_ns = (double)timeout_ns;
	}
	return false;
}

bool look_coarsely(struct pilot *pilot, uint64_t rows, uint64_t coarser, struct look *seen)
{
	const struct size *own = &pilot->block->size;
	const struct size size = {rows / coarser, own->row_bytes * coarser, own->threads};
	const uint64_t timeout_ns = coarse_limit_ns(pilot);
	struct look again;
	bool timed_out;

	if (*pilot->pool->interrupts != 0 ||
	    pilot->allowed_ns - pilot_spent_ns(pilot) < plan_start_ns(pilot->block) ||
	    !run_look(pilot, &size, 1, timeout_ns, seen, &timed_out))
		return false;
	if (run_look(pilot, &size, 1, timeout_ns, &again, &timed_out))
		merge(seen, &again);
	return true;
}
