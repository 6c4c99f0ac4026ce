/*
 * host.h - which host a run saw: what a few things cost there, at three moments of the run.
 *
 * A label is no host: two machines of one model, or one before and after its neighbours became
 * busy, have the same name. What tells them apart are prices that no code of a cell has a part in:
 *
 *   instruction   probe instruction: one addition that needs the one before
 *   call          probe system_call
 *   page          probe touch, of 1 MiB
 *   copy_near     probe copy, of a working set that the nearest cache holds
 *   copy_far      probe copy, of one that no cache holds
 *
 * In a run with the pass probe they come from its rows. In any other a worker for each of the first
 * four takes them, at the start, and in the middle and at the end of a run that takes more than two
 * seconds; so they do in the middle of a run whose probes leave that out.
 *
 * host.c takes the prices; host_told.c tells what they say, in words and in machine.json. What a
 * change is, is decided there and nowhere else: the Python package reads it.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_HOST_H
#define GROWBENCH_HARNESS_RUNNER_HOST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/runner/execute/worker.h"
#include "harness/runner/plan/plan.h"
#include "harness/runner/record/record.h"

enum host_moment {
	HOST_START,
	HOST_MIDDLE,
	HOST_END,
	HOST_MOMENTS
};

enum {
	HOST_PRICES = 5
};

/* What a price is of. */
struct host_source {
	const char *name; /* of the price */
	const char *probe;
	size_t size;       /* its place among the sizes that the probe is meant for */
	bool of_pass_only; /* takes too long for a run without the pass probe */
};

extern const struct host_source host_sources[HOST_PRICES];

struct host_price {
	double median_ns; /* of one operation; 0: not known */
	double min_ns;
};

struct host_look {
	char utc[24]; /* when; empty: nobody has looked */
	double load;  /* of a minute, this run's workers among it; -1: not known */
	double mhz;   /* of the workers' first CPU; 0: not known */
	struct host_price prices[HOST_PRICES];
};

/* From the smallest to the largest that was seen; most < least: nothing was. */
struct host_range {
	double least;
	double most;
};

struct host {
	const struct topology *topology;
	/* How often the plan visits the probes; 0: it does not. */
	uint64_t probe_visits;
	/* Who supplies malloc in the workers that take prices. */
	const struct allocator *allocator;
	uint64_t bytes[HOST_PRICES];
	char why_not[HOST_PRICES][160]; /* a price could not be taken; "" */
	uint64_t since_ns;              /* when this session began to look; 0: it has not */
	struct host_look looks[HOST_MOMENTS];
	struct host_range load; /* over the rounds and moments */
	struct host_range mhz;
};

/* A host that nobody has looked at. What is pointed to must outlive it; plan is NULL where there is
 * none. */
struct host host_init(const struct topology *topology, const struct request *request,
		      const struct plan *plan);

/* False, and nothing set, unless it is a price: from a picosecond to 16 minutes, as what a file
 * says may be anything. */
bool host_set_price(struct host_price *price, double median_ns, double min_ns);

/* Takes the price that a row of the pass probe has; others are none. */
void host_note(struct host *host, const struct record *record);

/* Looks at the host, unless somebody has at that moment. Returns for how long workers lived that it
 * needed for it, in ns; as soon as there is an interrupt it starts no more of them. */
uint64_t host_look(struct host *host, enum host_moment moment, struct worker_pool *pool);

/* Looks at load and frequency alone: two small files. */
void host_sample(struct host *host);

/*
 * What changed most while the run went on, as "page +35% (start to end)", and so on, for g_free;
 * NULL if no price did. Between two moments it did if they are further apart than 10%, and than
 * twice what its own values were: largest of median / min - 1 at both.
 */
char *host_changes(const struct host *host);

/* What prices and state of the host are, in one line, for g_free. */
char *host_text(const struct host *host);

/* "host" of machine.json: see results/README.md. Owned by the caller. */
json_t *host_describe(const struct host *host);

/* And back, into a host that nobody has looked at; anything there that cannot be is left out. */
void host_load(struct host *host, const json_t *described);

#endif
