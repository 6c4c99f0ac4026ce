/*
 * options.h - what a person asks of the runner.
 *
 * One table in options.c holds every option with its help; parsing and --help derive from it.
 */
#ifndef GROWBENCH_HARNESS_OPTIONS_H
#define GROWBENCH_HARNESS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/common/error.h"
#include "harness/runner/allocators.h"
#include "kernels/strategy.h"

/* What a worker can be asked for; each row of runs.csv is of one of them. */
enum pass {
	PASS_MEASURE,
	PASS_TRACE,
	PASS_LATENCY,
	PASS_PROBE,
	PASS_COUNT
};

/* Their names, in that order, then NULL. */
extern const char *const pass_names[];

struct counts {
	uint64_t *values;
	size_t count;
};

/* A named set of defaults. */
struct preset {
	const char *name;
	const char *help;
	const char *implementations; /* whose strategies, where none are named; NULL: all */
	const char *rows;            /* lists as on the command line */
	const char *row_bytes;
	const char *threads;
	uint64_t rounds;
	uint64_t budget_s;
	uint64_t timeout_s;
	bool always_article;  /* the article's size is measured, whatever the budget says */
	const char *passes;   /* a list, too */
	const char *timeline; /* rows of the cells whose timeline is recorded: a list, or "none" */
	uint64_t latency_rounds;
};

/* All of them, then one whose name is NULL. */
extern const struct preset presets[];

struct options {
	const struct preset *preset;
	const struct strategy **strategies; /* in the order of the registry, NULL-terminated */
	size_t strategy_count;
	struct allocator *allocators;
	size_t allocator_count;
	struct counts rows;
	struct counts row_bytes;
	struct counts threads;
	bool passes[PASS_COUNT];
	struct counts timeline; /* rows of the cells whose timeline is recorded */
	uint64_t timeline_points;
	uint64_t rounds;
	uint64_t latency_rounds;
	uint64_t seed;
	bool seed_given;
	enum row_work work;
	uint64_t budget_s;  /* time that the whole run should take at most */
	uint64_t timeout_s; /* after which a worker is killed */
	int cpu;            /* -1: the runner chooses */
	const char *worker; /* NULL: growbench-worker beside the runner */
	const char *out;    /* NULL: results/<machine>-<UTC time> */
	const char *resume; /* NULL: a new run */
	bool overwrite;
	bool no_summary;
	bool quiet;
	bool columns;
	bool help;
	bool version;

	/* Raw texts that are read once the preset is known. */
	const char *strategies_text;
	const char *allocators_text;
	const char *rows_text;
	const char *row_bytes_text;
	const char *threads_text;
	const char *passes_text;
	const char *timeline_text;
	const char *allocator_texts[32];
	size_t allocator_text_count;
};

/*
 * Reads the words after the subcommand: argv[0] is the subcommand. False with a message that names
 * the valid or the nearest choice; nothing has been written then. The options point into argv and
 * must be released either way.
 */
bool options_parse(int argc, char **argv, struct options *options, struct error *error);

void options_release(struct options *options);

/* Writes the table of options. */
void options_help(FILE *stream);

#endif
