/*
 * columns.h - the columns of runs.csv, each with its meaning, as columns.def names them.
 *
 * To add a metric: add a row to columns.def and report a value of that name from the
 * worker (report.h). The CSV header, the check of what a worker sends, `growbench list --columns`
 * and the test of results/README.md follow from the table.
 */
#ifndef GROWBENCH_HARNESS_COLUMNS_H
#define GROWBENCH_HARNESS_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#define COLUMN(name, type, source, presence, since, help)
#define SCHEMA(version)                    \
	enum {                             \
		SCHEMA_VERSION = (version) \
	};
#include "harness/common/columns.def"
#undef SCHEMA
#undef COLUMN

#define COLUMN(name, type, source, presence, since, help) COLUMN_AT_##name,
#define SCHEMA(version)
enum {
#include "harness/common/columns.def"
	COLUMNS
};
#undef SCHEMA
#undef COLUMN

/* Numbers are below 2^63: no time and no memory is as large, but a counter that went below zero is,
 * and the scripts refuse a run that has one. */
enum column_type {
	COLUMN_TEXT,
	COLUMN_COUNT, /* a whole number >= 0, of at most 20 digits */
	COLUMN_REAL,  /* a number >= 0, '.' as decimal sign */
};

/* Who knows the value. A worker that sends another's column is refused. */
enum column_source {
	FROM_RUNNER,
	FROM_WORKER,
};

struct column {
	const char *name; /* with its unit as suffix */
	enum column_type type;
	enum column_source source;
	const char *help; /* one line, as in results/README.md */
};

/* All columns, then one whose name is NULL. */
extern const struct column columns[];

/* How many columns there are: COLUMNS. */
size_t column_count(void);

/* The index of the column of that name, or column_count() if there is none. */
size_t column_find(const char *name);

/* Is `text` a value that a column of this type may hold? Empty is not: a missing value is not
 * written at all. Text is printable UTF-8 without control characters. */
bool column_accepts(enum column_type type, const char *text);

#endif
