#include "harness/profile/analysis.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Fewer in a row can be chance. */
	LEAST_REPLACED = 3
};

/* A block that lives. */
struct live {
	uint64_t born;
	uint32_t thread;
	uint32_t open;     /* see growth_realloc() */
	uint32_t replaced; /* the same, of those that grew without realloc */
};

/* What is known of the first reading. */
struct reading {
	struct analysis *analysis;
	struct live *blocks;
	struct profile_event last; /* the event before */
};

static bool no_memory(struct error *error)
{
	(void)error_set(error, "no memory for what is known of the profile's blocks");
	return false;
}

static void *blocks_of(const struct profile_process *process, size_t item_bytes)
{
	return calloc((size_t)process->most_blocks + 1, item_bytes);
}

/* ---- first, what each block was ---- */

static void add(struct totals_class *sum, uint64_t bytes)
{
	sum->count++;
	sum->bytes += bytes;
}

static void count_end(struct totals *totals, const struct live *block,
		      const struct profile_event *event, uint64_t number)
{
	add(&totals->lives[totals_class(number - block->born)], event->bytes);
	if (event->thread != block->thread)
		add(&totals->freed_elsewhere, event->bytes);
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Twice as much, or half as much again, as containers grow; give or take what they round. */
static bool is_step(uint64_t from, uint64_t to)
{
	const uint64_t off = from / 32 > 2 ? from / 32 : 2;

	return to > from && (apart(to, 2 * from) <= off || apart(to, from + from / 2) <= off);
}

/* The block is freed. Was it replaced by the one that was made just before? */
static bool count_replaced(const struct reading *reading, const struct profile_event *event,
			   uint64_t number)
{
	struct growth *const replaced = reading->analysis->replaced;
	struct live *const block = &reading->blocks[event->block];
	const struct profile_event *last = &reading->last;
	const struct profile_event as_realloc = {
		.kind = PROFILE_REALLOC,
		.stack = last->stack,
		.bytes = last->bytes,
		.old_bytes = event->bytes,
		.moved = true,
	};
	struct live *const next = &reading->blocks[last->block];

	if (number == 0 || !profile_makes_block(last->kind) || last->thread != event->thread ||
	    !is_step(event->bytes, last->bytes) || next == block)
		return growth_block_ends(replaced, block->replaced);
	next->replaced = block->replaced;
	return growth_realloc(replaced, &as_realloc, number, block->born, &next->replaced);
}

static bool take(const struct reading *reading, const struct profile_event *event, uint64_t number)
{
	struct analysis *const analysis = reading->analysis;
	struct totals *const totals = &analysis->totals;
	struct live *const block = &reading->blocks[event->block];

	if (profile_makes_block(event->kind)) {
		*block = (struct live){.born = number, .thread = event->thread};
		add(&totals->sizes[totals_class(event->bytes)], event->bytes);
		add(&totals->never_freed, event->bytes);
		return true;
	}
	if (event->kind == PROFILE_REALLOC) {
		if (event->bytes > event->old_bytes)
			add(&totals->enlarged, event->old_bytes);
		else
			add(&totals->not_enlarged, event->bytes);
		totals->never_freed.bytes += event->bytes - event->old_bytes;
		return growth_realloc(analysis->growth, event, number, block->born, &block->open);
	}
	totals->never_freed.count--;
	totals->never_freed.bytes -= event->bytes;
	count_end(totals, block, event, number);
	if (!count_replaced(reading, event, number) ||
	    !growth_block_ends(analysis->growth, block->open))
		return false;
	block->open = 0;
	block->replaced = 0;
	return true;
}

/* All events, and the blocks that live at the end. */
static bool read_blocks(struct profile *profile, const struct profile_process *process,
			struct analysis *analysis, struct live *blocks, struct error *error)
{
	struct reading reading = {.analysis = analysis, .blocks = blocks};
	struct profile_event event;
	enum profile_status status;
	bool ok = true;

	for (uint64_t number = 0;
	     ok && (status = profile_next(profile, &event, error)) != PROFILE_DONE; number++) {
		if (status == PROFILE_BAD)
			return false;
		ok = take(&reading, &event, number);
		reading.last = event;
	}
	for (uint32_t i = 0; ok && i < process->most_blocks; i++)
		ok = growth_block_ends(analysis->growth, blocks[i].open) &&
		     growth_block_ends(analysis->replaced, blocks[i].replaced);
	return (ok && growth_finish(analysis->growth) && growth_finish(analysis->replaced)) ||
	       no_memory(error);
}

/* ---- then, what would have been ---- */

enum {
	SCENARIOS = GROWTH_SHOWN + 2, /* each group alone, all of them, none */
	ALL = GROWTH_SHOWN,
	AS_RECORDED
};

/* What an event does to the bytes that are live: first these come, then those go, or at once. */
struct step {
	uint64_t more;
	uint64_t less;
	bool at_once;
};

struct scenarios {
	const struct growth_block *grown;
	size_t grown_count;
	size_t next; /* of the grown ones, to be born */
	uint32_t
		*blocks; /* of each that lives and is preallocated, its place among the grown + 1 */
	uint64_t live[SCENARIOS];
	struct analysis_peaks peaks[SCENARIOS];
};

/* recorded: where the block is not preallocated; in those of its group and of all it is. */
static void change(struct scenarios *all, const struct step *recorded, const struct step *other,
		   uint32_t group)
{
	for (uint32_t i = 0; i < SCENARIOS; i++) {
		const struct step *step = i == group || i == ALL ? other : recorded;
		struct analysis_peaks *peaks = &all->peaks[i];
		const uint64_t after = all->live[i] + step->more - step->less;
		const uint64_t within = step->at_once ? after : all->live[i] + step->more;

		all->live[i] = after;
		if (after > peaks->live_bytes)
			peaks->live_bytes = after;
		if (within > peaks->moving_bytes)
			peaks->moving_bytes = within;
	}
}

/* The grown block that the event makes or has; NULL: none that is preallocated. */
static const struct growth_block *preallocated(struct scenarios *all,
					       const struct profile_event *event, uint64_t number)
{
	if (profile_makes_block(event->kind)) {
		const bool grows =
			all->next < all->grown_count && all->grown[all->next].born == number;

		all->blocks[event->block] = grows ? (uint32_t)++all->next : 0;
	}
	return all->blocks[event->block] == 0 ? NULL : &all->grown[all->blocks[event->block] - 1];
}

static void imagine(struct scenarios *all, const struct profile_event *event, uint64_t number)
{
	const struct growth_block *grown = preallocated(all, event, number);
	struct step recorded = {.at_once = true};
	struct step other;

	if (event->kind == PROFILE_FREE)
		recorded.less = event->bytes;
	else
		recorded.more = event->bytes;
	if (event->kind == PROFILE_REALLOC) {
		recorded.less = event->old_bytes;
		recorded.at_once = !event->moved;
	}
	other = recorded;
	if (grown != NULL && profile_makes_block(event->kind)) {
		other.more = grown->largest_bytes;
	} else if (grown != NULL && event->kind == PROFILE_REALLOC && number <= grown->until) {
		other = (struct step){.at_once = true};
	} else if (grown != NULL) {
		other.less = grown->largest_bytes;
		all->blocks[event->block] = 0;
	}
	change(all, &recorded, &other,
	       grown != NULL && grown->group < GROWTH_SHOWN ? grown->group : ALL);
}

static bool read_peaks(struct profile *profile, struct analysis *analysis, struct scenarios *all,
		       struct error *error)
{
	struct profile_event event;
	enum profile_status status;
	uint64_t least_bytes;

	all->grown = growth_blocks(analysis->growth, &all->grown_count, &least_bytes);
	for (uint64_t number = 0; (status = profile_next(profile, &event, error)) == PROFILE_EVENT;
	     number++)
		imagine(all, &event, number);
	analysis->recorded = all->peaks[AS_RECORDED];
	analysis->preallocated = all->peaks[ALL];
	memcpy(analysis->groups, all->peaks, sizeof analysis->groups);
	return status == PROFILE_DONE;
}

bool analysis_make(struct profile *profile, uint32_t process, size_t frames, size_t most_kept,
		   struct analysis *analysis, struct error *error)
{
	const struct profile_process *told = profile_process(profile, process);
	const struct growth_settings settings = {told->stack_count, frames, 1, most_kept};
	const struct growth_settings of_replaced = {told->stack_count, frames, LEAST_REPLACED, 0};
	struct scenarios all = {.next = 0};
	struct live *blocks = blocks_of(told, sizeof *blocks);
	bool ok;

	memset(analysis, 0, sizeof *analysis);
	ok = profile_begin(profile, process, error);
	if (ok) {
		analysis->growth = growth_new(profile, &settings);
		analysis->replaced = growth_new(profile, &of_replaced);
		ok = (blocks != NULL && analysis->growth != NULL && analysis->replaced != NULL) ||
		     no_memory(error);
	}
	ok = ok && read_blocks(profile, told, analysis, blocks, error);
	free(blocks);
	if (!ok)
		return false;
	all.blocks = blocks_of(told, sizeof *all.blocks);
	ok = (all.blocks != NULL || no_memory(error)) && profile_begin(profile, process, error) &&
	     read_peaks(profile, analysis, &all, error);
	free(all.blocks);
	return ok;
}

void analysis_release(struct analysis *analysis)
{
	growth_free(analysis->growth);
	growth_free(analysis->replaced);
	analysis->growth = NULL;
	analysis->replaced = NULL;
}
