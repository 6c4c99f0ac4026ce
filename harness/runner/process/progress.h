/*
 * progress.h - how far a run is: a bar with an ETA on a terminal, plain lines otherwise.
 *
 * All of it goes to standard error, and no text makes the terminal do anything. NO_COLOR is
 * respected (no-color.org).
 */
#ifndef GROWBENCH_HARNESS_PROGRESS_H
#define GROWBENCH_HARNESS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool quiet;
	bool terminal;
	bool colour;
	bool drawn; /* a bar stands on the present line */
	const char *what;
	uint64_t total; /* steps */
	uint64_t done;
	double total_ns; /* expected time of all steps */
	double done_ns;  /* expected time of the steps done */
	uint64_t start_ns;
	uint64_t last_ns; /* when something was last shown */
	unsigned last_percent;
};

/* For one program; shows nothing yet. */
struct progress progress_init(bool quiet);

/* Starts to show `total` steps of expected time total_ns in all. `what` names them ("pilot"). */
void progress_start(struct progress *progress, const char *what, uint64_t total, double total_ns);

/* Shows that the step called `label` is now being done. */
void progress_show(struct progress *progress, const char *label);

/* Notes that a step of this expected time is done. */
void progress_done(struct progress *progress, double expected_ns);

/* Notes that a step need not be done: it counts for neither the time spent nor the rest. */
void progress_skip(struct progress *progress, double expected_ns);

/* Takes the bar away. */
void progress_end(struct progress *progress);

/* A line of its own above the bar, unless quiet. */
void progress_note(struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, marked as a warning, quiet or not. */
void progress_warn(struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Each sentence of a NULL-terminated list as a warning. */
void progress_warn_all(struct progress *progress, char *const *sentences);

/* "2m05s", "41s", "3h20m", into text. */
void progress_duration(double ns, char *text, unsigned size);

#endif
