/*
 * profile_json.h - what is in a profile, for programs.
 *
 * Counts are of calls, blocks, events or bytes, as their names say; those above 2^63 - 1 are that.
 * `processes` has all of them; the rest is of one, `process`.
 *
 * sizes, lives: classes of new blocks by size, and of freed ones by the events of the process
 * meanwhile: from (and to twice that), count, bytes.
 *
 * never_freed; freed_elsewhere: by another thread than made the block; enlarged, not_enlarged:
 * reallocs, with the smaller of both sizes as bytes.
 *
 * peaks: live_bytes between calls; moving_bytes: with both blocks of each realloc that moved.
 *
 * growth: of all blocks that grew (growth.h); of groups of them, by the call that made them
 * largest, or else by powers of two; of single blocks: those that can have copied most.
 * preallocated: the peaks with each such block, or those of one group, at its largest size at once;
 * with all, blocks that stayed below preallocated_from_bytes are as they were.
 *
 * replaced: the same of blocks that grew without realloc (analysis.h), without peaks.
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
