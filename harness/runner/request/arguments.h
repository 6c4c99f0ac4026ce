/*
 * arguments.h - what a person typed after one of the runner's verbs: the options as they stand.
 *
 * One table in arguments.c holds every option: parsing, --help, the manual pages and completion
 * derive from it. What the words mean together with the preset is for request.h.
 */
#ifndef GROWBENCH_HARNESS_ARGUMENTS_H
#define GROWBENCH_HARNESS_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/common/error.h"

/* Of an option that may be repeated. */
struct texts {
	const char *items[32];
	size_t count;
};

/* Of an option whose 0 means something. */
struct number {
	bool given;
	uint64_t value;
};

/* Texts point into argv; they are NULL, and numbers are 0 or not given, where nothing was said. */
struct arguments {
	const char *preset;
	const char *implementations;
	const char *strategies;
	const char *profile;
	struct number process; /* of the profile */
	const char *allocators;
	struct texts allocator;
	struct number aged;
	const char *rows;
	const char *row_bytes;
	const char *shapes;
	const char *threads;
	uint64_t rounds;
	struct number extra_rounds;
	const char *pairing;
	const char *passes;
	const char *timeline;
	uint64_t timeline_points;
	uint64_t latency_rounds;
	struct number seed;
	const char *work;
	uint64_t budget_s;
	uint64_t predict_above;
	uint64_t timeout_s;
	struct number cpu;
	struct texts worker; /* NAME=COMMAND, or a path */
	struct number warm_limit_s;
	const char *out;
	bool overwrite;
	const char *resume;
	bool no_summary;
	bool quiet;
	bool columns;
	uint64_t limit_bytes;
	bool stacks;
	bool names;
	bool help;
	char **words; /* what stands beside the options, NULL-terminated */
};

/*
 * Reads the words after the verb: argv[0] is the verb. False with a message that names the valid or
 * the nearest choice. argv is reordered as getopt_long does.
 */
bool arguments_parse(int argc, char **argv, struct arguments *arguments, struct error *error);

/* What the verb takes beside options, for its usage; "" if nothing. */
const char *arguments_words(const char *verb);

/* Writes the options of a verb, a line or two each. */
void arguments_help(const char *verb, FILE *stream);

/* The same for programs: a line each of verb, option, value and help, with tabs between them. */
void arguments_list(const char *verb, FILE *stream);

#endif
