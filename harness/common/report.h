/*
 * report.h - what a worker says to the runner.
 *
 * A report is text on a private file descriptor, since allocators write to stdout and stderr:
 *
 *     growbench-report 1
 *     allocator_path /usr/lib/libfoo.so.1
 *     cold_build_ns 12345
 *     status ok
 *     end
 *
 * A first line with the version of the protocol; one line "name value" for each column of runs.csv
 * that the worker knows (columns.h), each at most once; "status" (a name of statuses.def);
 * optionally "status_detail" with a sentence; and "end". What stops before "end" was cut, and is
 * not believed. harness/README.md describes the protocol for workers in other languages.
 *
 * A trace that records a timeline adds any number of lines "point ROWS LIVE PEAK RESIDENT", whose
 * numbers are those of timeline.csv (results/README.md). The answer to `list` has a line "strategy
 * NAME KIND HELP" for each strategy, KIND being linear, quadratic or pattern and HELP some words
 * that may be left out, and "passes NAME...".
 */
#ifndef GROWBENCH_HARNESS_REPORT_H
#define GROWBENCH_HARNESS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#define REPORT_FIRST_LINE "growbench-report 1"
#define REPORT_LAST_LINE "end"
#define REPORT_POINT "point"
#define REPORT_STRATEGY "strategy"
#define REPORT_PASSES "passes"

/* The longest report that a runner reads, in bytes. */
enum {
	REPORT_MAX_BYTES = 128 * 1024
};

/* Collects a report in memory of its own (no malloc: the allocator is under measurement). */
struct report {
	int fd;
	bool overflowed;
	unsigned used;
	char text[REPORT_MAX_BYTES];
};

/* Starts a report that goes to fd. */
void report_begin(struct report *report, int fd);

/* Adds a line. `name` is a column that workers fill; another name aborts the process, since only a
 * mistake in this program can cause it. Characters that a line cannot hold become '?'. */
void report_text(struct report *report, const char *name, const char *value);
void report_count(struct report *report, const char *name, uint64_t value);
void report_real(struct report *report, const char *name, double value);

/* Adds a point of the timeline: after `rows` appends, bytes live, the most since the point before,
 * and resident. */
void report_point(struct report *report, uint64_t rows, uint64_t live_bytes,
		  uint64_t live_peak_bytes, uint64_t resident_bytes);

/* Adds a line for something that the worker can build, and one with the passes that it knows. */
void report_strategy(struct report *report, const char *name, const char *kind, const char *help);
void report_passes(struct report *report, const char *names);

/* Adds the status, and the detail if it is not NULL, ends the report and writes it. False if it
 * could not be written whole. */
bool report_end(struct report *report, const char *status, const char *detail);

#endif
