/*
 * identity.h - which library supplies malloc in this process.
 */
#ifndef GROWBENCH_HARNESS_IDENTITY_H
#define GROWBENCH_HARNESS_IDENTITY_H

#include <limits.h>
#include <stdbool.h>

#include "harness/common/build_id.h"
#include "harness/common/error.h"

struct identity {
	char path[PATH_MAX]; /* of the file, links resolved */
	char version[128];   /* as the library states it, else as its path does; may be empty */
	char build_id[BUILD_ID_SIZE]; /* in hexadecimal; may be empty */
};

/*
 * Finds the object that malloc, calloc, realloc and free resolve to for the program (dlsym,
 * dladdr). False with a message if there is none, or if they do not all come from one object, as
 * then no figure could be given one allocator's name.
 *
 * If the trace interposer (harness/trace/trace.h) is preloaded, it is the functions behind it that
 * are looked at. False with a message then if it is of another version than this was compiled for,
 * or if one of the four functions does not resolve to it, since it would not see all calls.
 */
bool identity_find(struct identity *identity, struct error *error);

#endif
