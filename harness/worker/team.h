/*
 * team.h - the threads of a pass: each builds the rows of the request from a source of its own, all
 * start together, and there is one verdict over what they built.
 *
 * A strategy that has `prepare`, `rewind`, `expected` or `dispose` (strategy.h) is treated as these
 * say. Memory is mapped, not malloc'ed, and stays until the process ends.
 */
#ifndef GROWBENCH_HARNESS_TEAM_H
#define GROWBENCH_HARNESS_TEAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/worker/measure_request.h"

struct team_thread {
	struct team *team;
	unsigned number; /* from 0 */
	struct row_source source;
	void *own;                /* what the pass keeps of each thread; zeros at first */
	enum build_status status; /* of its last build */
	uint64_t checksum;        /* of the rows of that */
	pthread_t handle;
};

struct team {
	const struct measure_request *request;
	void *pass; /* what the pass keeps of all threads */
	struct team_thread *threads;
	uint64_t expected_checksum;
	pthread_barrier_t barrier;
	void *(*run)(void *thread); /* of team_run */
};

/* Fills in the team for a request that outlives it, with own_bytes for each thread, and has the
 * strategy prepare what it starts from. False with a message if there is no memory for that. */
bool team_prepare(struct team *team, const struct measure_request *request, void *pass,
		  size_t own_bytes, struct error *error);

/* Has the strategy give that back. */
void team_dispose(struct team *team);

/* Calls the function with each struct team_thread in a thread of its own, the first in this one;
 * the others age their heaps before (aged.h), if this one's was. */
bool team_run(struct team *team, void *(*run)(void *thread), struct error *error);

/* Returns when all threads have come here. */
void team_wait(struct team *team);

/* Brings the source, and what the strategy has prepared, to where a verified build starts from. */
void team_rewind(struct team_thread *thread);

/* A whole lifecycle from there: builds, scans and releases; sets status and checksum. */
void team_build(struct team_thread *thread);

/* What the scan of all rows of the source has to find; rewinds it before and after. */
uint64_t team_expected_checksum(const struct measure_request *request, struct row_source *source);

/* The verdict over a build of that kind ("cold", say). */
enum measure_status team_verdict_of(const char *kind, enum build_status status, uint64_t checksum,
				    uint64_t expected_checksum, struct error *error);
/* Over all threads' last builds. */
enum measure_status team_verdict(const struct team *team, const char *kind, struct error *error);

#endif
