/*
 * description.h - machine.json: what a run was asked for, what it ran on, what became of it.
 */
#ifndef GROWBENCH_HARNESS_DESCRIPTION_H
#define GROWBENCH_HARNESS_DESCRIPTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/runner/execute/callgrind.h"
#include "harness/runner/execute/check.h"
#include "harness/runner/record/folder.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/machine/topology.h"

struct description_facts {
	const char *run_id;
	const char *machine_id;
	const struct request *request;
	const struct plan *plan;
	const struct visit *visits; /* plan_order() of it */
	const struct topology *topology;
	bool runner_has_its_own_cpu;
};

/* A new description, of a run that begins now. */
json_t *description_begin(const struct description_facts *facts);

/* Sets the allocators and how they were found, one check for each; and what counts instructions, if
 * it was looked for. */
void description_set_allocators(json_t *description, const struct request *request,
				const struct allocator_check *checks,
				const struct valgrind *valgrind);

/* Sets how the run ended. */
void description_end(json_t *description, const char *state, uint64_t row_count, uint64_t rounds_ns,
		     double runner_share);

/* Writes machine.json into the folder, and reads it. */
bool description_write(const json_t *description, const struct folder *folder, struct error *error);
json_t *description_read(const struct folder *folder, struct error *error);

/* The words with which the run was begun: an array for g_free whose strings belong to the JSON. */
char **description_arguments(const json_t *description, int *argc, struct error *error);

/* Are machine, system, build and plan still those of the description? */
bool description_check_same(const json_t *description, const struct description_facts *facts,
			    struct error *error);

/* Are allocators and implementations? */
bool description_check_allocators(const json_t *description, const struct description_facts *facts,
				  const struct allocator_check *checks, struct error *error);

/* Does what counts instructions count as it did? A run that was begun before that was written down,
 * or counted none, does not know. */
bool description_check_valgrind(const json_t *description, const struct valgrind *valgrind,
				struct error *error);

#endif
