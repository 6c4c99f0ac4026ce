/*
 * environment.h - what of our environment a worker gets: listed variables only.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_ENVIRONMENT_H
#define GROWBENCH_HARNESS_RUNNER_ENVIRONMENT_H

#include <stddef.h>

/* The listed ones of ours, and those that every worker gets, as "NAME=value": an array to be given
 * to environment_free, ended by NULL; *count is how many there are. NULL without memory. */
char **environment_for_workers(size_t *count);

void environment_free(char **environment);

#endif
