/*
 * convert.h - makes a profile of what the recorder left in a folder.
 */
#ifndef GROWBENCH_HARNESS_RECORD_CONVERT_H
#define GROWBENCH_HARNESS_RECORD_CONVERT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/profile/profile.h"

struct convert_request {
	const char *folder;
	const char *path; /* of the profile, which is not there yet */
	bool has_stacks;
	bool has_names;
	/* Ends without a profile as soon as this is larger than at the beginning. Not NULL. */
	const volatile sig_atomic_t *interrupts;
};

struct convert_result {
	struct profile_facts facts;
	struct profile_process most; /* the process with the most events */
	uint64_t raw_bytes;          /* that the recorder had written */
	/* Processes: that ran into the limit, or a full disk or memory; that have not ended. */
	uint32_t limited;
	uint32_t no_space;
	uint32_t running;
};

/* What the profile says. False with a message, or none if interrupted; a part of the file may be
 * there then. */
bool convert(const struct convert_request *request, struct convert_result *result,
	     struct error *error);

#endif
