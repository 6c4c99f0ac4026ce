/*
 * exit_status.h - what the program growbench ends with (README.md has the table for people).
 */
#ifndef GROWBENCH_HARNESS_EXIT_STATUS_H
#define GROWBENCH_HARNESS_EXIT_STATUS_H

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,  /* the runner itself could not go on */
	EXIT_USAGE = 2,   /* nothing was written */
	EXIT_WORKERS = 3, /* the run is whole, but workers failed: see the status column */
	/* The run is whole, but something that was named has no row that was measured, or there is
	 * no such row at all (requirements.h). More than EXIT_WORKERS, which may be true as well.
	 */
	EXIT_UNMEASURED = 4,
	EXIT_INTERRUPTED = 130,
};

#endif
