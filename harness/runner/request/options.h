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
#include "harness/runner/request/allocators.h"
#include "harness/runner/request/implementations.h"
#include "harness/runner/request/passes.h"
#include "kernels/strategy.h"

struct counts {
	uint64_t *values;
	size_t count;
};

/* The shape of an array: rows of row_bytes bytes. */
struct shape {
	uint64_t rows;
	uint64_t row_bytes;
};

/* A named set of defaults: lists as on the command line. */
struct preset {
	const char *name;
	const char *help;
	const char *implementations; /* whose strategies */
	const char *strategies;      /* which of them; NULL: all */
	const char *allocators;      /* NULL: all */
	const char *rows;
	const char *row_bytes;
	const char *shapes; /* instead of each of rows with each of row_bytes; NULL: these */
	const char *threads;
	/* Of implementations that are programs of their own, which take long to start: which
	 * strategies and numbers of rows, and in how many of the rounds. NULL, 0: as the others. */
	const char *slow_strategies;
	const char *slow_rows;
	uint64_t slow_rounds;
	uint64_t rounds;
	uint64_t budget_s;
	uint64_t timeout_s;
	uint64_t warm_limit_s; /* as of the option; 0: none */
	const char *passes;
	const char *timeline; /* rows of the cells whose timeline is recorded, or "none" */
	uint64_t latency_rounds;
	enum row_work work;
	bool patterns;       /* copying patterns instead of strategies */
	bool is_short;       /* no time for probes in the middle of the run */
	bool always_article; /* the article's size is measured, whatever the budget says */
};

/* All of them, then one whose name is NULL. */
extern const struct preset presets[];

struct options {
	const struct preset *preset;
	/* Programs with strategies of their own, each asked what it can build. */
	struct implementation *implementations;
	size_t implementation_count;
	/* In the order of the registry, then of the implementations; NULL-terminated. */
	const struct strategy **strategies;
	size_t strategy_count;
	struct allocator *allocators;
	size_t allocator_count;
	struct shape *shapes; /* in ascending order of row_bytes, then of rows */
	size_t shape_count;
	struct counts row_bytes; /* of the shapes, each once */
	struct counts threads;
	bool passes[PASS_COUNT];
	struct counts timeline; /* rows of the cells whose timeline is recorded */
	uint64_t timeline_points;
	uint64_t rounds;
	uint64_t slow_rounds; /* of programs that take long to start */
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
	/* The warm part is left out where one build takes longer; HUGE_VAL: nowhere. */
	double warm_limit_ns;
	bool warm_limit_given;
	bool quiet;
	bool columns;
	bool help;

	/* Raw texts that are read once the preset is known. */
	const char *implementations_text;
	const char *strategies_text;
	const char *allocators_text;
	const char *rows_text;
	const char *row_bytes_text;
	const char *shapes_text;
	const char *threads_text;
	const char *passes_text;
	const char *timeline_text;
	const char *allocator_texts[32];
	size_t allocator_text_count;
	const char *worker_texts[16]; /* NAME=COMMAND */
	size_t worker_text_count;
	bool work_given;
};

/*
 * Reads the words after the subcommand: argv[0] is the subcommand. False with a message that names
 * the valid or the nearest choice; nothing has been written then. The options point into argv and
 * must be released either way.
 */
bool options_parse(int argc, char **argv, struct options *options, struct error *error);

/* The program that measures the strategy, or NULL for one that is compiled in. */
const struct implementation *options_implementation(const struct options *options,
						    const struct strategy *strategy);

/* Was the allocator of this label named on the command line, and not by a preset alone? */
bool options_name_allocator(const struct options *options, const char *label);

void options_release(struct options *options);

/* Writes the table of options. */
void options_help(FILE *stream);

#endif
