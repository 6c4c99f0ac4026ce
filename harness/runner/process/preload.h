/*
 * preload.h - LD_PRELOAD for libraries whose paths the dynamic linker would not take as they are.
 *
 * It ends a name at a blank or a colon, and puts something else in the place of $ORIGIN and the
 * like. Such a file is named as a descriptor of ours (/proc/PID/fd/N), which is a link to it: what
 * a worker has loaded from there is the file itself, and says so once links are resolved.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_PRELOAD_H
#define GROWBENCH_HARNESS_RUNNER_PRELOAD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/common/error.h"

enum {
	PRELOAD_MOST = 2
};

struct preload {
	char list[PRELOAD_MOST *
		  PATH_MAX];   /* the value of LD_PRELOAD; empty if nothing is loaded */
	int fds[PRELOAD_MOST]; /* to be open as long as somebody loads from it */
	size_t fd_count;
};

struct preload preload_init(void);

/* Adds a library behind those that are there, PRELOAD_MOST at most. False with a message if its
 * path needs a descriptor, and none can be had. */
bool preload_add(struct preload *preload, const char *path, struct error *error);

/* Closes the descriptors. */
void preload_release(struct preload *preload);

#endif
