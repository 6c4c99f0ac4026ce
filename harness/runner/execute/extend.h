/*
 * extend.h - which blocks of a run have more rounds: chosen once, from the run's own rows.
 *
 * The choice goes to machine.json ("extension") before the first of its rows is made, so that a run
 * that is gone on with has the same: rows there are those planned, and those of the extension.
 */
#ifndef GROWBENCH_HARNESS_EXTEND_H
#define GROWBENCH_HARNESS_EXTEND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/record/record.h"

/* What the rows so far have shown. */
struct extend_notes {
	/* Of each cell, headline and round the time in ns; 0: there is none. */
	double *times;
	/* Of each cell: time that its measuring workers lived, in ns, and how many they were. */
	double *measuring_ns;
	uint64_t *measured;
	double alive_ns; /* time that workers of all passes lived, in ns */
};

struct extend_notes extend_notes_init(const struct plan *plan);
void extend_notes_release(struct extend_notes *notes);

/* Takes account of the row of a visit. */
void extend_note(struct extend_notes *notes, const struct plan *plan, const struct visit *visit,
		 const struct record *record);

/* Chooses, and sets plan->extra_rounds. `used_ns` of the budget is spent besides what the rows say,
 * or set aside for what follows. */
void extend_choose(struct plan *plan, const struct extend_notes *notes, double used_ns);

/* The choice as JSON, and back. extend_load is false with a message if the JSON is of another plan.
 */
json_t *extend_save(const struct plan *plan);
bool extend_load(struct plan *plan, const json_t *extension, struct error *error);

#endif
