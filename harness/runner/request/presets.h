/*
 * presets.h - named sets of defaults for a request; presets.c has them, a row each.
 */
#ifndef GROWBENCH_HARNESS_PRESETS_H
#define GROWBENCH_HARNESS_PRESETS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/row_source.h"

/* Lists are as on the command line. */
struct preset {
	const char *name;
	const char *help;
	const char *implementations; /* whose strategies */
	const char *strategies;      /* which of them; NULL: all */
	const char *allocators;      /* NULL: all */
	const char *rows;
	const char *row_bytes; /* NULL: 80 */
	const char *shapes;    /* instead of each of rows with each of row_bytes; NULL: these */
	const char *threads;   /* NULL: 1 */
	/* Of implementations that are programs of their own, which take long to start: which
	 * strategies and numbers of rows. NULL: as the others. */
	const char *slow_strategies;
	const char *slow_rows;
	uint64_t rounds;
	/* Rounds whose time goes to the blocks with wide intervals, as far as the budget goes. */
	uint64_t extra_rounds;
	uint64_t budget_s;
	uint64_t timeout_s;    /* 0: 60 */
	uint64_t warm_limit_s; /* as of the option; 0: none */
	const char *passes;
	const char *timeline;         /* rows of the cells whose timeline is recorded; NULL: none */
	uint64_t latency_rounds;      /* 0: 1 */
	const char *instruction_rows; /* rows of the cells whose instructions are counted, unless
					 the pass was named; NULL: of all */
	const char *answer; /* the verb that is called on the run when it has ended, for what the
			       preset asks; NULL: none */
	uint64_t aged;      /* of --aged */
	enum row_work work;
	bool patterns;       /* copying patterns instead of strategies */
	bool is_short;       /* no time for probes in the middle of the run */
	bool always_article; /* the article's size is measured, whatever the budget says */
};

/* All of them, then one whose name is NULL. */
extern const struct preset presets[];

#endif
