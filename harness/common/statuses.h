/*
 * statuses.h - what can become of a row of runs.csv, as statuses.def says it.
 *
 * results/README.md explains them to who reads the file.
 */
#ifndef GROWBENCH_HARNESS_STATUSES_H
#define GROWBENCH_HARNESS_STATUSES_H

#include <stdbool.h>

enum status_class {
	/* The row has figures. */
	STATUS_MEASURED,
	/* Not measured on purpose, by a limit of the run: the cell's other rounds have the figures.
	 */
	STATUS_LEFT_OUT,
	/* Not measured on purpose, by a limit of the run, and predicted from other sizes. */
	STATUS_PREDICTED,
	/* It cannot be measured here: something is missing, or it would not fit in the memory or
	 * the time that there is. */
	STATUS_IMPOSSIBLE,
	/* A worker was to measure it, and something went wrong. */
	STATUS_FAILURE,
};

struct status {
	const char *name;
	enum status_class kind;
	bool from_worker; /* may a worker give it to itself? */
};

/* All of them, then one whose name is NULL. */
extern const struct status statuses[];

/* The class of the status of that name; what is not known is a failure, and so is NULL. */
enum status_class status_class_of(const char *name);

/* May a worker's report have this status? */
bool status_is_from_worker(const char *name);

#endif
