/*
 * judge.h - what the end of a worker and its report come to.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_JUDGE_H
#define GROWBENCH_HARNESS_RUNNER_JUDGE_H

#include <stdint.h>

#include "harness/runner/process/process.h"
#include "harness/runner/record/record.h"
#include "harness/runner/request/allocators.h"

/* Sets the status of a worker whose process has ended (worker.h has them), and, if that is "ok",
 * its figures: those of this pass, which it cannot be without, and a proof that the file
 * that is expected supplied malloc, on a heap that was aged if that was asked for. */
void judge(const char *pass, const struct allocator *allocator, uint64_t timeout_ns,
	   const struct process_result *process, struct record *record);

#endif
