#include "harness/worker/replay.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/worker/clock.h"
#include "harness/worker/memory.h"
#include "harness/worker/replay_turns.h"

enum {
	NAME_BYTES = 56 /* of a strategy */
};

struct replay;

/* What a thread of the cell finds as its source's input. */
struct player {
	struct replay *replay;
	unsigned number;
};

struct replay {
	struct replay_turns turns;
	struct profile *profile; /* NULL: none is open */
	struct replay_facts facts;
	struct strategy strategy;
	/* Of builds. */
	struct player players[REPLAY_MOST_THREADS];
	struct replay_steps steps;
	size_t at; /* in the window */
	unsigned char **blocks;
	uint64_t read; /* the sum of the stamps so far */
	size_t page_bytes;
	uint64_t paused_ns;
	unsigned attached; /* threads that were prepared and not disposed of */
	char name[NAME_BYTES];
	bool failed; /* the last build could not be made to its end */
};

static struct replay the_replay;

/* ---- a step ---- */

static void write_stamp(unsigned char *block, uint32_t number, uint64_t bytes)
{
	const uint64_t stamp = replay_stamp(number, bytes);

	if (bytes >= sizeof stamp)
		memcpy(block, &stamp, sizeof stamp);
	else
		memcpy(block, &stamp, bytes);
}

static uint64_t read_stamp(const unsigned char *block, unsigned count)
{
	uint64_t stamp = 0;

	if (count == sizeof stamp)
		memcpy(&stamp, block, sizeof stamp);
	else
		memcpy(&stamp, block, count);
	return stamp;
}

/* A byte in each page. */
static void touch(const struct replay *replay, unsigned char *block, uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at += replay->page_bytes)
		*(volatile unsigned char *)(block + at) = 1;
}

/* Bytes that a call has added to a block. */
static inline void write_new(const struct replay *replay, unsigned char *block, uint64_t from,
			     uint64_t to)
{
	if (to - from <= REPLAY_WHOLE_BYTES) {
		memset(block + from, 1, to - from);
	} else if (to < PROFILE_TOUCH_BYTES) {
		touch(replay, block, from, to);
		block[to - 1] = 1;
	}
}

static inline unsigned char *call_that_makes(const struct replay_step *step)
{
	const size_t alignment = (size_t)1 << step->alignment;
	void *block = NULL;

	switch (step->kind) {
	case PROFILE_MALLOC:
		return malloc(step->bytes);
	case PROFILE_CALLOC:
		return calloc(1, step->bytes);
	case PROFILE_ALIGNED:
		/* The one of the family that takes any size. */
		if (posix_memalign(&block, alignment < sizeof(void *) ? sizeof(void *) : alignment,
				   step->bytes) != 0)
			return NULL;
		return block;
	default:
		/* Compilers know that realloc(NULL, n) may as well be malloc(n). */
		__asm__ volatile("" : "+r"(block));
		return realloc(block, step->bytes);
	}
}

static inline bool make(struct replay *replay, const struct replay_step *step)
{
	unsigned char *block = call_that_makes(step);

	replay->blocks[step->block] = block;
	if (step->bytes == 0)
		return true;
	if (block == NULL)
		return false;
	if (step->kind != PROFILE_CALLOC || step->bytes > REPLAY_WHOLE_BYTES)
		write_new(replay, block, 0, step->bytes);
	write_stamp(block, step->block, step->bytes);
	return true;
}

static inline bool resize(struct replay *replay, const struct replay_step *step)
{
	const uint64_t before = step->more;
	/* Of 0 bytes, realloc may free the block. */
	unsigned char *block =
		realloc(replay->blocks[step->block], step->bytes > 0 ? step->bytes : 1);

	if (block == NULL)
		return false;
	replay->blocks[step->block] = block;
	replay->read +=
		read_stamp(block, replay_stamp_bytes(before < step->bytes ? before : step->bytes));
	if (before < step->bytes)
		write_new(replay, block, before, step->bytes);
	write_stamp(block, step->block, step->bytes);
	return true;
}

/* False if there was no memory. */
static inline bool make_step(struct replay *replay, const struct replay_step *step)
{
	unsigned char **block = &replay->blocks[step->block];

	switch (step->kind) {
	case PROFILE_FREE:
		replay->read += read_stamp(*block, replay_stamp_bytes(step->bytes));
		free(*block);
		*block = NULL;
		return true;
	case PROFILE_REALLOC:
		return resize(replay, step);
	case REPLAY_TOUCH:
		touch(replay, *block, (uint64_t)step->bytes * REPLAY_PAGE_BYTES,
		      (uint64_t)step->more * REPLAY_PAGE_BYTES);
		return true;
	default:
		return make(replay, step);
	}
}

/* ---- a build ---- */

/* Goes to the first or to the next window. */
static void turn_page(struct replay *replay, bool (*go)(struct replay_steps *steps))
{
	const uint64_t start = clock_now_ns();

	replay->failed = !go(&replay->steps);
	replay->at = 0;
	replay->paused_ns += clock_now_ns() - start;
}

/* NULL at the end. */
static const struct replay_step *next_step(struct replay *replay)
{
	if (replay->at == replay->steps.count && !replay->steps.is_whole && !replay->failed)
		turn_page(replay, replay_steps_next);
	return replay->failed || replay->at == replay->steps.count
		       ? NULL
		       : &replay->steps.window[replay->at];
}

/* Makes steps as long as they are this lane's; returns the one after them, or NULL at the end. */
static const struct replay_step *play(struct replay *replay, unsigned lane)
{
	const struct replay_step *step = next_step(replay);

	while (step != NULL && step->lane == lane) {
		const struct replay_step *end = replay->steps.window + replay->steps.count;

		for (; step < end && step->lane == lane; step++)
			if (!make_step(replay, step)) {
				replay->failed = true;
				return NULL;
			}
		replay->at = (size_t)(step - replay->steps.window);
		step = next_step(replay);
	}
	return step;
}

/* All that was left is gone, and nobody builds. */
static void begin(struct replay *replay)
{
	replay->read = 0;
	replay->at = 0;
	replay->failed = false;
	if (!replay->steps.is_whole)
		turn_page(replay, replay_steps_rewind);
}

static enum build_status status_of(const struct replay *replay)
{
	return replay->failed ? BUILD_OUT_OF_MEMORY : BUILD_OK;
}

/* The part of one of several threads. */
static enum build_status build_in_turns(struct replay *replay, unsigned lane)
{
	struct replay_turns *turns = &replay->turns;
	const struct replay_step *next;

	/* The last gives the first turn. */
	if (replay_turns_arrive(turns, REPLAY_TURNS_BUILD, replay->attached)) {
		begin(replay);
		next = next_step(replay);
		replay_turns_give(turns, next == NULL ? lane : (unsigned)next->lane);
	}
	while (replay_turns_take(turns, lane, &replay->paused_ns)) {
		next = play(replay, lane);
		if (next == NULL)
			replay_turns_end(turns, replay->attached);
		else
			replay_turns_give(turns, (unsigned)next->lane);
	}
	return status_of(replay);
}

static enum build_status build(struct array *array, size_t rows, struct row_source *source)
{
	struct player *player = source->input;
	struct replay *replay = player->replay;

	array->container = player;
	array->rows = rows;
	if (replay->attached > 1)
		return build_in_turns(replay, player->number);
	begin(replay);
	while (play(replay, 0) != NULL)
		;
	return status_of(replay);
}

static uint64_t scan(const struct array *array)
{
	const struct player *player = array->container;
	const struct replay *replay;
	uint64_t sum;

	if (player == NULL)
		return 0;
	replay = player->replay;
	sum = replay->read;
	for (uint32_t i = 0; i < replay->steps.blocks; i++)
		if (replay->blocks[i] != NULL)
			sum += read_stamp(replay->blocks[i], replay->steps.stamp_bytes[i]);
	return sum;
}

/* The last of the threads, when nobody reads any longer, frees what all have left. */
static void release(struct array *array)
{
	const struct player *player = array->container;
	struct replay *replay;

	array_forget(array);
	if (player == NULL)
		return;
	replay = player->replay;
	if (!replay_turns_arrive(&replay->turns, REPLAY_TURNS_RELEASE, replay->attached))
		return;
	for (uint32_t i = 0; i < replay->steps.blocks; i++)
		if (replay->blocks[i] != NULL) {
			free(replay->blocks[i]);
			replay->blocks[i] = NULL;
		}
}

static uint64_t paused_ns(const struct row_source *source)
{
	const struct player *player = source->input;

	return player->replay->paused_ns;
}

/* ---- before and after ---- */

static bool open_steps(struct replay *replay, size_t rows, struct error *error)
{
	const size_t bytes =
		(replay->facts.recorded.most_blocks + (size_t)1) * sizeof *replay->blocks;

	replay->blocks = memory_map(bytes);
	if (replay->blocks == NULL)
		return error_set(error, "no memory for a table of blocks");
	memset(replay->blocks, 0, bytes);
	replay->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	replay_turns_init(&replay->turns);
	return replay_steps_open(&replay->steps, replay->profile, replay->facts.process, rows,
				 replay->facts.threads, error);
}

static enum build_status prepare(struct row_source *source, size_t rows)
{
	struct replay *replay = &the_replay;
	struct player *player;
	struct error error;

	if (replay->attached == replay->facts.threads)
		return BUILD_OUT_OF_MEMORY;
	if (replay->attached == 0 && !open_steps(replay, rows, &error)) {
		(void)fprintf(stderr, "growbench-worker: %s\n", error.text);
		return BUILD_OUT_OF_MEMORY;
	}
	player = &replay->players[replay->attached];
	*player = (struct player){.replay = replay, .number = replay->attached};
	replay->attached++;
	source->input = player;
	return BUILD_OK;
}

static void dispose(struct row_source *source)
{
	struct replay *replay = &the_replay;

	if (source->input == NULL || --replay->attached > 0)
		return;
	(void)munmap(replay->blocks,
		     (replay->facts.recorded.most_blocks + (size_t)1) * sizeof *replay->blocks);
	replay_steps_close(&replay->steps);
}

static uint64_t expected(struct row_source *source, size_t rows)
{
	const struct player *player = source->input;

	(void)rows;
	return player->replay->steps.checksum;
}

static uint64_t part(double share, uint64_t count)
{
	return (uint64_t)ceil(share * (double)count);
}

/* Of a thread of the cell: so many of them are one replay. */
static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const struct replay_facts *facts = &the_replay.facts;
	const struct profile_process *recorded = &facts->recorded;
	const double share = recorded->event_count == 0
				     ? 0
				     : (double)rows / (double)recorded->event_count /
					       (facts->threads > 0 ? facts->threads : 1);
	const uint64_t *counts = recorded->kind_counts;
	const struct replay_totals *totals = &facts->totals;
	const uint64_t blocks = recorded->most_blocks;

	(void)row_bytes;
	*cost = (struct strategy_cost){
		.malloc_count = part(share, counts[PROFILE_MALLOC] + counts[PROFILE_ALIGNED]),
		.calloc_count = part(share, counts[PROFILE_CALLOC]),
		.realloc_count = part(share, counts[PROFILE_REALLOC_NEW] + counts[PROFILE_REALLOC]),
		.free_count = part(share, counts[PROFILE_FREE]),
		.live_block_count = part(share, blocks),
		.peak_bytes = part(share, totals->most_touched_bytes),
		/* What stands beside the blocks does so at any time. */
		.peak_moving_bytes =
			part(share, totals->most_moving_bytes + replay_own_bytes(recorded)),
		.final_bytes = part(share, totals->most_touched_bytes),
	};
}

/* ---- which profile ---- */

/* "replay:" and the file's name without its folder and what stands behind its last dot, of small
 * letters, digits and _.- alone. */
static void name_strategy(struct replay *replay, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *file = slash == NULL ? path : slash + 1;
	const char *dot = strrchr(file, '.');
	const size_t length = dot == NULL || dot == file ? strlen(file) : (size_t)(dot - file);
	size_t at = strlen(REPLAY_PREFIX);

	memcpy(replay->name, REPLAY_PREFIX, at);
	for (size_t i = 0; i < length && at + 1 < sizeof replay->name; i++) {
		char letter = (char)tolower((unsigned char)file[i]);

		if ((letter < 'a' || letter > 'z') && strchr("0123456789_.-", letter) == NULL)
			letter = '-';
		replay->name[at++] = letter;
	}
	replay->name[at] = '\0';
}

static void set_strategy(struct replay *replay)
{
	replay->strategy = (struct strategy){
		.name = replay->name,
		.implementation = "c",
		.help = "Ask the allocator for what a recorded program asked for",
		.order = GROWTH_LINEAR,
		.on_request = true,
		.takes_turns = true,
		.prepare = prepare,
		.dispose = dispose,
		.expected = expected,
		.build = build,
		.scan = scan,
		.release = release,
		.cost = cost,
		.paused_ns = paused_ns,
	};
}

static bool choose_process(struct replay *replay, const struct replay_choice *choice,
			   struct error *error)
{
	struct replay_facts *facts = &replay->facts;

	if (choice->process == PROFILE_UNKNOWN)
		facts->process = profile_main_process(replay->profile);
	else if (choice->process < facts->profile.process_count)
		facts->process = (uint32_t)choice->process;
	else
		return error_set(error, "%s has %u processes, numbered from 0; there is no %llu",
				 choice->path, facts->profile.process_count,
				 (unsigned long long)choice->process);
	if (facts->profile.process_count > 0)
		facts->recorded = *profile_process(replay->profile, facts->process);
	return facts->recorded.event_count > 0 ||
	       error_set(error, "%s: process %u called no allocator: there is nothing to replay",
			 choice->path, facts->process);
}

const struct strategy *replay_open(const struct replay_choice *choice, struct error *error)
{
	struct replay *replay = &the_replay;
	struct replay_facts *facts = &replay->facts;

	replay_close();
	if (choice->threads > REPLAY_MOST_THREADS) {
		(void)error_set(error, "a replay has %d threads at most", REPLAY_MOST_THREADS);
		return NULL;
	}
	replay->profile = profile_open(choice->path, error);
	if (replay->profile == NULL)
		return NULL;
	facts->profile = *profile_facts(replay->profile);
	facts->threads = choice->threads;
	if (!choose_process(replay, choice, error)) {
		replay_close();
		return NULL;
	}
	name_strategy(replay, choice->path);
	set_strategy(replay);
	return &replay->strategy;
}

bool replay_look_at_all(struct error *error)
{
	struct replay_facts *facts = &the_replay.facts;

	if (!replay_totals(the_replay.profile, facts->process, &facts->totals, error))
		return false;
	facts->threads = facts->totals.lanes;
	facts->row_bytes = facts->totals.most_touched_bytes / facts->totals.events + 1;
	return true;
}

const struct replay_facts *replay_facts(void)
{
	return &the_replay.facts;
}

void replay_close(void)
{
	if (the_replay.profile != NULL)
		profile_close(the_replay.profile);
	the_replay = (struct replay){0};
}
