/*
 * headline.h - the figures of a cell that are ranked, predicted, and to hold still: the one place
 * that names their columns for the runner.
 */
#ifndef GROWBENCH_HARNESS_HEADLINE_H
#define GROWBENCH_HARNESS_HEADLINE_H

#include "harness/runner/record/record.h"

/* Of a build and its release. */
enum headline {
	HEADLINE_COLD,
	HEADLINE_WARM,
	HEADLINES
};

/* The figure of a worker's row, in ns; 0 if it has none. */
double headline_ns(const struct record *record, enum headline headline);

#endif
