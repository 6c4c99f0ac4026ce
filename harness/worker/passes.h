/*
 * passes.h - what a worker can be asked for: does it, and reports what came of it.
 */
#ifndef GROWBENCH_HARNESS_WORKER_PASSES_H
#define GROWBENCH_HARNESS_WORKER_PASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/common/report.h"
#include "harness/profile/profile.h"
#include "harness/worker/measure_request.h"
#include "harness/worker/probes.h"
#include "harness/worker/program.h"

/* What a worker was asked for on its command line. */
struct worker_request {
	const struct worker_program *program;
	struct measure_request measure;
	const char *implementation;
	const char *strategy;
	const char *profile; /* what a replay is of; NULL: it is none */
	uint64_t process;    /* of the profile; PROFILE_UNKNOWN: its main one */
	const struct probe *probe;
	uint64_t points; /* of a timeline */
	int report_fd;
};

struct worker_pass {
	const char *name;
	/* Returns the status of the report; *error says more, if there is more to say. */
	const char *(*run)(const struct worker_request *request, struct report *report,
			   struct error *error);
	bool needs_strategy; /* and rows */
	bool is_of_patterns;
};

/* All of them, then one whose name is NULL. */
extern const struct worker_pass worker_passes[];

#endif
