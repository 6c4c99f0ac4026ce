/*
 * profile_json.h - what is in a profile, for programs (../../profile/README.md has the members).
 */
#ifndef GROWBENCH_HARNESS_PROFILE_JSON_H
#define GROWBENCH_HARNESS_PROFILE_JSON_H

#include <jansson.h>

#include "harness/profile/analysis.h"

/* The profile has begun the process that the analysis is of, and begins others. frames: how many of
 * a stack are told. NULL with a message: the profile is damaged. */
json_t *profile_json(struct profile *profile, uint32_t process, const struct analysis *analysis,
		     size_t frames, struct error *error);

#endif
