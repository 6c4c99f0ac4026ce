/*
 * program.h - the worker programs of builds.
 *
 * A build is a folder that holds growbench-worker and, beside it, the libraries of the trace and
 * the instructions pass.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_PROGRAM_H
#define GROWBENCH_HARNESS_RUNNER_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/common/error.h"

#define WORKER_PROGRAM "growbench-worker"

/* Why the file cannot be executed, or NULL if nothing speaks against it. */
const char *program_why_not(const char *path);

/* The worker program of a build, which is named by its folder or by the program itself (under any
 * name), links resolved, into path, which has room for PATH_MAX. False with a message that says
 * what to give instead. */
bool program_of_build(const char *build, char *path, struct error *error);

/* The worker program that was named, or, if that is NULL, the one beside the runner, into path,
 * which has room for PATH_MAX. False with a message if it cannot be executed. */
bool program_worker(const char *named, char *path, struct error *error);

/* The file of the interposer beside a worker program, for g_free. It need not be there. */
char *program_interposer(const char *program);

/* The same of the clock for the instructions pass (worker/even_clock.c). */
char *program_clock(const char *program);

/* The folder of the running program, links resolved, into path, which has room for PATH_MAX. False
 * with a message if the system does not tell. */
bool program_own_folder(char *path, struct error *error);

/* The folder of the scripts: beside that of the program, as in a checkout with its build and where
 * growbench is installed; else the one that it was built from. Static. */
const char *program_scripts(void);

#endif
