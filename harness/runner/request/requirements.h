/*
 * requirements.h - what the command line named, and whether it was measured.
 *
 * Requested means required: of each thing that an option named (an allocator, an implementation, a
 * strategy, a pass, a size, a number of threads) one row at least has to be measured, though not
 * every one: the thing, not each of its cells. A size may be predicted instead, since a prediction
 * is made from other sizes; whatever else is only predicted was not measured. What only a preset
 * named is not required. statuses.h says what each status means.
 *
 * Whatever was named, a run measures something: a row at least, and where it was to time builds
 * (the passes measure and pattern) a row of these.
 *
 * Probes are of the machine, and not of cells: their rows count for the pass of that name, and for
 * the other things only where nothing but probes was asked for.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_REQUIREMENTS_H
#define GROWBENCH_HARNESS_RUNNER_REQUIREMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/runner/request/request.h"
#include "harness/runner/record/record.h"

/* A thing that was named: the rows that have these values in these columns. */
struct requirement {
	const char *option;
	struct {
		const char *column; /* NULL: no more */
		char value[96];
	} keys[2];
	bool is_size;
	bool is_pass;
	bool is_planned; /* has the run rows of it? */
	bool is_met;
	char reason[800]; /* why its first row was not measured */
};

struct requirements {
	struct requirement *items;
	size_t count;
	bool only_probes;
	bool is_timed; /* is a pass of the run to time builds? */
	bool any_measured;
	bool any_timed;
	char first_reason[800];
};

/* What this request names; nothing of it is planned or met yet. */
struct requirements requirements_init(const struct request *request);

void requirements_release(struct requirements *requirements);

/* The run will have a row of this cell and pass. False as soon as there are rows of all that was
 * named, so that there is no need to go on. */
bool requirements_plan(struct requirements *requirements, const struct record *row);

/* The row has been written. */
void requirements_note(struct requirements *requirements, const struct record *row);

/* Of what was named there are no rows in the plan: a sentence each, for g_strfreev. */
char **requirements_unplanned(const struct requirements *requirements);

/* What was not measured of all that was named (if all was, whether anything was at all), and why: a
 * sentence for each reason, for g_strfreev. */
char **requirements_unmet(const struct requirements *requirements);

#endif
