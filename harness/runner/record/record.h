/*
 * record.h - one row of runs.csv on its way from the worker's report to the file.
 */
#ifndef GROWBENCH_HARNESS_RECORD_H
#define GROWBENCH_HARNESS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "harness/common/columns.h"
#include "harness/common/error.h"

enum {
	/* One more than there are, so that a line with too many fields is seen. */
	RECORD_MAX_COLUMNS = COLUMNS + 1
};

/* A value for each column of columns.h in its order; NULL: missing. */
struct record {
	char *values[RECORD_MAX_COLUMNS];
	/* The points of a timeline, each as "rows,live,peak,resident", or NULL. */
	GPtrArray *points;
};

/* An empty record: all values missing. */
struct record record_init(void);

/* Frees all values. */
void record_release(struct record *record);

/*
 * Sets a value, replacing one that is there; an unknown name aborts, since only a mistake in this
 * program can cause it. Text loses control characters, and what a spreadsheet takes for a
 * formula gets a ' before it. Empty text, and a number that no column holds, mean missing.
 */
void record_set_text(struct record *record, const char *name, const char *value);
void record_set_count(struct record *record, const char *name, uint64_t value);
void record_set_real(struct record *record, const char *name, double value);

/* Sets the status, and its detail as by printf. */
void record_set_status(struct record *record, const char *status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Is that its status? */
bool record_has_status(const struct record *record, const char *status);

/* The value of the column of that name, or NULL if it is missing. */
const char *record_get(const struct record *record, const char *name);

/* Copies the value, or as many whole characters of it as fit; nothing if it is missing. */
void record_copy(const struct record *record, const char *name, char *text, size_t size);

/* The value as a number, or `fallback` if it is missing. */
double record_get_real(const struct record *record, const char *name, double fallback);

/*
 * Takes over a worker's report (report.h) of `length` bytes: all of its values, its points, its
 * status and detail. False with a message if it is not a whole and valid report; nothing is taken
 * over then.
 */
bool record_read_report(struct record *record, const char *text, size_t length,
			struct error *error);

/* The header line, and a row, as RFC 4180 with '\n', the newline included; for g_free. */
char *record_csv_header(void);
char *record_csv_row(const struct record *record);

/*
 * Takes over a row of runs.csv, without its newline, as record_csv_row made it; `line` is cut to
 * pieces. The record has been empty. False with a message if it is not a whole row: of other
 * columns than ours, with a value that its column cannot hold, or without what every row has (all
 * to the status).
 */
bool record_read_row(struct record *record, char *line, struct error *error);

/* As above of timeline.csv: the header, and a line for each of the record's points, each with the
 * record's cell before it. */
const char *timeline_csv_header(void);
char *timeline_csv_rows(const struct record *record);

/*
 * Splits one CSV line (without its newline) in place into fields: fields[i] points into line. At
 * most `most`; returns how many there are, or 0 for a line that is not valid.
 */
size_t csv_split(char *line, char **fields, size_t most);

#endif
