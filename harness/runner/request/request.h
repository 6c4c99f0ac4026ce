/*
 * request.h - what is asked of the runner: the arguments (arguments.h) with what they leave open
 * taken from the preset (presets.h), names looked up and lists read.
 */
#ifndef GROWBENCH_HARNESS_REQUEST_H
#define GROWBENCH_HARNESS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "harness/common/error.h"
#include "harness/runner/request/allocators.h"
#include "harness/runner/request/arguments.h"
#include "harness/runner/request/implementations.h"
#include "harness/runner/request/passes.h"
#include "harness/runner/request/presets.h"
#include "harness/worker/replay.h"
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

/* How workers of the pass measure stand to each other. */
enum pairing {
	PAIRING_INTERLEAVED, /* one at a time */
	PAIRING_DUET, /* the first and the second allocator at once, the third and the fourth */
};

/* Their names, in that order, then NULL. */
extern const char *const pairing_names[];

struct request {
	/* The words that it was read from: the verb, then its options. */
	int argc;
	char **argv;
	/* As typed: texts, and what needs no reading (out, resume, overwrite, quiet ...). */
	struct arguments given;
	const struct preset *preset;
	/* Programs with strategies of their own, each asked what it can build. */
	struct implementation *implementations;
	size_t implementation_count;
	/* In the order of the registry, then of the implementations; NULL-terminated. */
	const struct strategy **strategies;
	size_t strategy_count;
	/* Of those that were named, by the command line or the preset: the list, each value of a
	 * parameter written in its one way, NULL if none were; and the strategies that were made
	 * for it, struct strategy_instance. */
	char *strategy_names;
	GPtrArray *instances;
	struct allocator *allocators;
	size_t allocator_count;
	struct shape *shapes; /* in ascending order of row_bytes, then of rows */
	size_t shape_count;
	struct counts row_bytes; /* of the shapes, each once */
	struct counts threads;
	bool passes[PASS_COUNT];
	struct counts timeline; /* rows of the cells whose timeline is recorded */
	uint64_t timeline_points;
	struct counts instruction_rows; /* rows of the cells whose instructions are counted; none:
					   of all */
	uint64_t instruction_rounds;
	bool repeats_long_counts; /* counts all in each of these rounds, whatever it takes */
	uint64_t rounds;
	uint64_t extra_rounds; /* whose time goes to the blocks with wide intervals */
	enum pairing pairing;
	uint64_t latency_rounds;
	uint64_t seed;
	enum row_work work;
	uint64_t budget_s;    /* time that the whole run should take at most */
	uint64_t timeout_s;   /* after which a worker is killed */
	int cpu;              /* -1: the runner chooses */
	const char *worker;   /* NULL: growbench-worker beside the runner */
	double warm_limit_ns; /* the warm part is left out where one build takes longer; HUGE_VAL:
				 nowhere */
	struct texts workers; /* NAME=COMMAND of --worker */
	/* Of a run of a recorded program; NULL of others. */
	const struct replay_facts *replay;
	char *profile_digest; /* SHA-256 of its file */
};

/* The program that measures the strategy, or NULL for one that is compiled in. */
const struct implementation *request_implementation(const struct request *request,
						    const struct strategy *strategy);

/* CPUs that a worker of so many threads wants: one for each, but of those that take turns. */
unsigned request_cpus(const struct strategy *strategy, uint64_t threads);

/* The most that a worker of the request wants. */
unsigned request_most_cpus(const struct request *request);

/* Was the allocator of this label named on the command line, and not by a preset alone? */
bool request_names_allocator(const struct request *request, const char *label);

/* The place of the first allocator that is there, or 0: under it runs what concerns none. */
size_t request_first_allocator(const struct request *request);

/* Frees what was read; the request may be one that could not be read to its end. */
void request_release(struct request *request);

#endif
