/*
 * command.h - the command line of a worker: which pass, its options, and the report.
 *
 * The whole of what a worker does, for growbench-worker and for programs in other languages that
 * bring strategies of their own (worker_kit.h). The protocol is in harness/README.md.
 */
#ifndef GROWBENCH_HARNESS_WORKER_COMMAND_H
#define GROWBENCH_HARNESS_WORKER_COMMAND_H

#include "harness/worker/program.h"

/*
 * Does what the command line asks for: argv[1] is a pass (measure, pattern, trace, latency, probe,
 * list, resolution, peak-lasts, peak-over), its options follow. Returns the exit status: 0 if a
 * report was written, 1 if it could not be, 2 for wrong usage, with a message on stderr. Names the
 * program in argv[0] as all workers are named.
 */
int worker_command(const struct worker_program *program, int argc, char **argv);

#endif
