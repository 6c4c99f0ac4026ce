/*
 * environment.h - what of our environment a worker gets: listed variables only.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_ENVIRONMENT_H
#define GROWBENCH_HARNESS_RUNNER_ENVIRONMENT_H

/* The listed ones of ours, and those that every worker gets, as "NAME=value": for g_strfreev. */
char **environment_for_workers(void);

#endif
