/*
 * analysis.h - what is in a profile: totals of a process, the blocks that grew, and what allocating
 * these at their largest size at once would save.
 *
 * Blocks also grow without realloc: a new one is made, what was in the old one is copied, and that
 * is freed, as std::vector does. Where a block is freed by the very next event after one was made
 * that is twice or one and a half times as large, within a 32nd or 2 bytes, by the same thread, and
 * that happened three times and more in a row, it is taken for that. What is made or freed in
 * between, such as by what copies the elements, hides it.
 *
 * A process is read twice, in bounded memory: 24 bytes for each block that is live at once, 144 for
 * each of them that was resized, and what growth.h keeps.
 */
#ifndef GROWBENCH_HARNESS_ANALYSIS_H
#define GROWBENCH_HARNESS_ANALYSIS_H

#include "harness/profile/growth.h"
#include "harness/profile/totals.h"

/* The most bytes that were requested at once. */
struct analysis_peaks {
	uint64_t live_bytes;   /* between calls */
	uint64_t moving_bytes; /* within them too: both blocks of a realloc that moved, as recorded
				*/
};

struct analysis {
	struct totals totals;
	struct growth *growth;
	struct growth
		*replaced; /* without realloc: each new block stands for a realloc that moved */
	struct analysis_peaks recorded;
	/* With each block that grew at its largest size from its birth until its last realloc that
	 * made it larger; but for those that growth_blocks() leaves out. */
	struct analysis_peaks preallocated;
	/* The same of one group alone, of the first GROWTH_SHOWN. */
	struct analysis_peaks groups[GROWTH_SHOWN];
};

/* frames, most_kept: see growth_new(). False with a message: the profile is damaged, or there is no
 * memory. In any case the analysis is to be released. */
bool analysis_make(struct profile *profile, uint32_t process, size_t frames, size_t most_kept,
		   struct analysis *analysis, struct error *error);

void analysis_release(struct analysis *analysis);

#endif
