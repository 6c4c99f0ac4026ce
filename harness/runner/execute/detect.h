/*
 * detect.h - what a run can have here of what it was asked for; what it cannot is told at once, and
 * not only in the end.
 */
#ifndef GROWBENCH_HARNESS_DETECT_H
#define GROWBENCH_HARNESS_DETECT_H

#include <stdbool.h>

#include "harness/common/error.h"
#include "harness/runner/execute/run.h"

/* Sets what the run requires, and warns of what was named and the plan has no rows of. */
void detect_requirements(struct run *run);

/* Finds Valgrind, if there is anything to count, and checks each allocator with workers; cells of
 * those that cannot be measured are left out of the plan. */
void detect_allocators(struct run *run);

/* Finds out which implementations and allocators can be measured, and writes it down. True after an
 * interrupt as well, when nothing is written. */
bool detect(struct run *run, struct error *error);

#endif
