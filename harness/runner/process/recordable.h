/*
 * recordable.h - programs that the recorder can be loaded into.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_RECORDABLE_H
#define GROWBENCH_HARNESS_RUNNER_RECORDABLE_H

#include <limits.h>
#include <stdbool.h>

#include "harness/common/error.h"

/* The file that a command's first word means, as a shell finds it, into path, which has room for
 * PATH_MAX. False with a message. */
bool recordable_find(const char *word, char *path, struct error *error);

/* Can it be recorded: is it for this processor, loaded by the dynamic linker, with no rights of its
 * own? Of a script, its interpreter is looked at. False with a message that says why not. */
bool recordable_check(const char *path, struct error *error);

#endif
