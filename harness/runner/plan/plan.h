/*
 * plan.h - which cells are measured, how, in which order, and how long that takes.
 *
 * A block is a strategy at a size; its cells are the block under each allocator. Each round visits
 * every cell once: the blocks in an order shuffled anew, and within a block all allocators next to
 * each other, in the order of a Latin square's row, so that over the rounds each allocator stands
 * in each place equally often (a randomised complete block design; the square is Williams's, which
 * for an even number of allocators also balances who follows whom: Austral. J. Sci. Res. A 2,
 * 1949). Everything depends on the seed and the request alone.
 *
 * Of a duet, allocators are measured in pairs: the first and the second of the request, the third
 * and the fourth. A pair stands next to each other in the order, its two workers run at once, and
 * the square is of the pairs. The one that comes first has the first CPU, which changes from round
 * to round. Only the pass measure is a duet.
 *
 * The other passes are visited in between: trace and latency in the first rounds, right after the
 * measurements of their block; the probes of the machine before the first round, in the middle, and
 * after the last, so that a machine that changes during a run is seen to. After the last round some
 * blocks may have more of them (extension.h), whose numbers follow those of the others.
 * Instructions are counted after these, in the order of the blocks, as they depend on nobody's
 * order, by as many workers at once as there are CPUs.
 *
 * plan.c makes it, prediction.c says what its cells take, budget.c which of them the budget has
 * room for, order.c who is visited when, extension.c who is visited more often, counting.c which
 * instructions are counted.
 */
#ifndef GROWBENCH_HARNESS_PLAN_H
#define GROWBENCH_HARNESS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/runner/request/request.h"
#include "harness/runner/machine/topology.h"
#include "harness/runner/plan/growth.h"
#include "harness/worker/probes.h"

enum {
	/* Fewer appends than that have no percentiles worth a worker. */
	PLAN_LATENCY_FEWEST_ROWS = 1000,
	/* Fewer rounds have no 95% interval of their median (extension_rank()). */
	PLAN_ROUNDS_FOR_INTERVAL = 6
};

struct size {
	uint64_t rows;
	uint64_t row_bytes;
	unsigned threads;
};

struct block {
	const struct strategy *strategy;
	const struct implementation *implementation; /* NULL: compiled in */
	struct size size;
	/* Builds and releases in a warm value: the same for all allocators, so that they are
	 * compared on the same work. */
	uint64_t iterations;
};

/* Why a cell is not measured. */
enum cell_skip {
	CELL_MEASURED,
	CELL_PREDICTED,   /* would blow the budget, and is predicted from smaller sizes */
	CELL_NO_BUDGET,   /* would blow the budget, and what was seen does not tell it */
	CELL_NO_MEMORY,   /* would not fit */
	CELL_UNSUPPORTED, /* its implementation has no rows of that size */
	CELL_UNAVAILABLE, /* its allocator is missing */
	CELL_WRONG_ALLOCATOR,
	CELL_NO_IMPLEMENTATION, /* its program is missing, or does not answer */
};

struct cell {
	enum cell_skip skip;
	/* Of one build and release, cold and warm, in ns: from the model, or from the pilot. */
	double cold_ns;
	double warm_ns;
	/* Where the pilot did not get as far: what it predicts, from sizes up to seen_rows. */
	struct growth_range cold;
	struct growth_range warm; /* all 0 where nothing warm was seen */
	uint64_t seen_rows;
	/* How many warm values a worker takes: fewer where one takes long. */
	unsigned values;
	/* In how many of the rounds it is measured: fewer where the budget has no room for all, and
	 * the preset wants the cell in any case or the command line named it. */
	uint64_t rounds;
	/* Of a cell that is not: the --budget that has room for it, in s. */
	uint64_t needed_budget_s;
	/* Of a whole worker, in ns. */
	double worker_ns;
};

/* A probe of the machine: one that concerns no allocator runs under the first that is there. */
struct probe_visit {
	const struct probe *probe;
	uint64_t bytes;
	size_t allocator;
};

struct plan {
	const struct request *request;
	struct block *blocks;
	size_t block_count;
	struct cell *cells; /* cells[block * allocator_count + allocator] */
	size_t cell_count;
	/* Of each block, rounds after those that all have: 0 until it is known which need them. */
	uint64_t *extra_rounds;
	struct probe_visit *probes;
	size_t probe_count;
	uint64_t memory_bytes; /* that a worker may use */
	double pilot_ns;       /* that the pilot took of the budget */
	unsigned cpus;         /* that this process may use */
};

/* A place in the order. */
struct visit {
	uint64_t round; /* from 0; of a probe: which of its visits this is */
	enum pass pass;
	size_t block; /* of a probe: which of plan->probes */
	size_t allocator;
};

/*
 * Makes the plan with times from the model. `topology` says which caches the probes are for, and
 * how much a worker may use; cells that need more are CELL_NO_MEMORY. False with a message if a
 * size does not fit in 64 bits, or there is nothing to measure. The plan keeps a pointer to the
 * request.
 */
bool plan_make(struct plan *plan, const struct request *request, const struct topology *topology,
	       uint64_t memory_bytes, struct error *error);

void plan_release(struct plan *plan);

/* Rows that runs.csv will have: one for each visit of plan_order. */
uint64_t plan_row_count(const struct plan *plan);

/* How often each probe is run: at the start, in the middle and at the end; of a short run not in
 * the middle. */
uint64_t plan_probe_visits(const struct plan *plan);

/* probe_sizes() of the machine's data caches. */
size_t plan_probe_sizes(const struct topology *topology, const struct probe *probe, uint64_t *sizes,
			size_t most);

/* The visits of one round of measurements, in order, into visits[cell_count]. */
void plan_round(const struct plan *plan, uint64_t round, struct visit *visits);

/* All visits of the run, of all passes, in order: an array of plan_row_count() for g_free. */
struct visit *plan_order(const struct plan *plan);

/* How many of these visits come before what stands at the end of every run: where the rounds end.
 */
uint64_t plan_rounds_end(const struct plan *plan, const struct visit *visits);

/* Are this visit and its neighbour made at once? The visits of the pass stand in pairs then. */
bool plan_is_duet(const struct plan *plan, const struct visit *visit);

/* A number that tells plans apart: of each visit in order, what is visited in which round and pass.
 * FNV-1a (Fowler, Noll, Vo), 64 bits. */
uint64_t plan_digest(const struct plan *plan, const struct visit *visits);

/* The pass in which the block is measured: PASS_MEASURE, or PASS_PATTERN of a copying pattern. */
enum pass plan_measuring_pass(const struct block *block);

/* Is a measured cell visited in this round, or left out of it because it is slow? In a round after
 * those that all have it is. */
bool plan_measures(const struct plan *plan, const struct cell *cell, uint64_t round);

/* Is the block measured by one of our programs that load an interpreter first? */
bool plan_is_slow_to_start(const struct block *block);

/* Is the warm part of this cell measured? */
bool plan_has_warm(const struct plan *plan, const struct cell *cell);

/* Are the block's instructions counted? */
bool plan_counts(const struct plan *plan, const struct block *block);

/* Of any block? */
bool plan_has_counts(const struct plan *plan);

/* In how many rounds they are: 0 of what is not counted, one of what takes long or is not in C,
 * unless rounds were asked for. */
uint64_t plan_counting_rounds(const struct plan *plan, const struct block *block);

/* What counting them takes, worker and Valgrind's start included, in ns: by closed forms, and no
 * clock, so that whether a cell is counted is the same on each machine. */
double plan_counting_ns(const struct block *block);

/* Is that little, or within what one cell may take of the budget? */
bool plan_counting_is_affordable(const struct plan *plan, const struct block *block);

/* The expected time of one visit, in ns: 0 where no worker is started. */
double plan_visit_ns(const struct plan *plan, const struct visit *visit);

struct cell *plan_cell(const struct plan *plan, size_t block, size_t allocator);

/* rows x row_bytes x threads. */
uint64_t plan_payload_bytes(const struct block *block);

/* What a worker of this block needs at most, in bytes, its closed form included. */
uint64_t plan_needed_bytes(const struct block *block);

/* The same of a traced one, whose interposer remembers each block. */
uint64_t plan_trace_bytes(const struct block *block);

/* What a worker takes beside the measurement, in ns. */
double plan_start_ns(const struct block *block);

/* A rough time of one build and release of so many rows, in ns, for the first look at a plan: of
 * typical machines, and with each realloc taken to move its block at times. */
double plan_model_ns(const struct block *block, uint64_t rows, bool cold);

/* Sets each cell's times from the model, and decides. */
void plan_estimate(struct plan *plan);

/* Sets the iterations of each block, and values and worker_ns of each cell, from warm_ns and
 * cold_ns as they now stand; then says which cells are measured, and in how many rounds. */
void plan_decide(struct plan *plan);

/* The second part of it (budget.c): which cells the budget has room for.
 *
 * Cells that take little, those that stay within what one cell may take of the budget, and those of
 * the article's size that the preset wants in any case are measured. Of the others, what the
 * command line named is measured as far as the rest of the budget goes, the fastest first: all of
 * them once, then as often as an interval needs, then in all rounds. What is left over is
 * CELL_PREDICTED where the pilot saw enough, else CELL_NO_BUDGET. */
void plan_allocate(struct plan *plan);

/* Sets iterations, values and worker_ns anew for cells that were decided before. */
void plan_redo(struct plan *plan);

/* What the passes but the measuring one take of a cell that is measured, in ns. */
double plan_other_passes_ns(const struct plan *plan, const struct block *block,
			    const struct cell *cell);

/* Does a cell whose worker takes this long stay within what one cell may take of the budget, or is
 * it wanted in any case? */
bool plan_affords(const struct plan *plan, const struct block *block, double worker_ns);

/* The longest build and release that is always measured or looked at, in ns. */
double plan_longest_look_ns(const struct plan *plan);

/* May cells of so many rows be measured at all (--predict-above)? */
bool plan_may_measure(const struct plan *plan, uint64_t rows);

/* Did the command line name this block's strategy, size or implementation? */
bool plan_is_named(const struct plan *plan, const struct block *block);

/* Of these cells it is for the budget to say whether they are measured. */
bool plan_is_open(const struct cell *cell);

/* That of so many visits, of which those that count, and pairs of a duet, run beside each other. */
double plan_visits_ns(const struct plan *plan, const struct visit *visits, uint64_t count);

/* The expected time of the whole run, pilot excluded, in ns. */
double plan_expected_ns(const struct plan *plan);

#endif
