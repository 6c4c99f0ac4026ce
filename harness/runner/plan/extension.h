/*
 * extension.h - more rounds for the blocks whose intervals are wide.
 *
 * After the rounds that every cell has, the run looks once at how wide the intervals are, and
 * spends the time that its preset or --extra-rounds sets aside on more rounds of some blocks. A
 * block is measured under all allocators again, in the same order as before (plan.h), so that
 * rounds stay pairs and allocators stay balanced.
 *
 * That there is one look, and that the numbers to choose from are few and fixed beforehand, is what
 * keeps the intervals honest (C. Stein, Ann. Math. Statist. 16, 1945, for the t interval). Of those
 * of order statistics: a value is below its distribution's median with probability 1/2, whatever
 * the distribution, so how often an interval misses after any rule that looks once, even one that
 * knows the median, is a sum over binomial counts: 6.20% at most for 6 rounds that may become 9 or
 * 12, and 6.18% for 9 that may become 12 or 15. `growbench validate statistics` computes both, and
 * prints what the rule below comes to.
 */
#ifndef GROWBENCH_HARNESS_EXTENSION_H
#define GROWBENCH_HARNESS_EXTENSION_H

#include <stddef.h>
#include <stdint.h>

#include "harness/runner/plan/plan.h"

enum {
	/* The two numbers of rounds that a block may have more. */
	EXTENSION_STEPS = 2
};

/* A block, and what its rounds so far have shown. */
struct extension_candidate {
	size_t block;
	/* How much too wide its intervals are, added up over its cells: extension_need(). */
	double need;
	/* What one more round of it takes, in ns. */
	double round_ns;
	uint64_t extra_rounds; /* the answer; 0: none */
};

/*
 * Which order statistic bounds the 95% interval of a median of `count` values: k, from 1; 0 below 6
 * values. The same as interval_rank() of scripts/growbench/statistics/order.py.
 */
uint64_t extension_rank(uint64_t count);

/* How many rounds more than `rounds` the interval needs to lose one more value on each side, and
 * two: in between it becomes wider, not narrower. `rounds` is 6 or more. */
void extension_steps(uint64_t rounds, uint64_t steps[EXTENSION_STEPS]);

/*
 * By how much the interval of the values' median is wider than what need not be narrower, +-2%: its
 * half width over the median, less 0.02, and never below 0. 0 below 6 values. Sorts the values.
 */
double extension_need(double *values, size_t count);

/*
 * Sets extra_rounds of each candidate: those with the most need for the time of a round come first,
 * at equal need the earlier block, and each gets the larger of the steps that the time left has
 * room for. Needs nothing but its arguments, and reorders the candidates.
 */
void extension_choose(uint64_t rounds, double time_ns, struct extension_candidate *candidates,
		      size_t count);

/* Rows of the extension that the plan has. */
uint64_t extension_row_count(const struct plan *plan);

/* Its visits, into visits[extension_row_count()]. */
void extension_order(const struct plan *plan, struct visit *visits);

/* The time that is set aside for it as the plan expects it, in ns: that of request->extra_rounds
 * rounds of measurements, as far as the budget goes. */
double extension_expected_ns(const struct plan *plan);

#endif
