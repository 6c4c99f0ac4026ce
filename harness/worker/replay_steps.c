#include "harness/worker/replay_steps.h"

#include <string.h>
#include <sys/mman.h>

#include "harness/worker/memory.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Mapped, and touched: the first use is no page fault of what is timed. NULL without memory. */
static void *map_zeros(uint64_t count, size_t bytes)
{
	void *memory = memory_map(count > 0 ? count * bytes : 1);

	if (memory != NULL)
		memset(memory, 0, count * bytes);
	return memory;
}

static void unmap(void *memory, uint64_t count, size_t bytes)
{
	if (memory != NULL)
		(void)munmap(memory, count > 0 ? count * bytes : 1);
}

/* ---- lanes ---- */

/* When a recorded thread was there: numbers of its first and last event, from 1; 0: never. */
struct life {
	uint64_t first;
	uint64_t last;
};

/* The lane of each thread, and how many there are. Threads are numbered in the order of their first
 * events. */
static unsigned assign_lanes(const struct life *lives, uint32_t threads, unsigned most,
			     uint8_t *lanes)
{
	uint64_t free_after[REPLAY_MOST_THREADS] = {0};
	unsigned count = 0;

	for (uint32_t thread = 0; thread < threads && lives[thread].first > 0; thread++) {
		unsigned lane = 0;

		while (lane < count && free_after[lane] >= lives[thread].first)
			lane++;
		if (lane == most)
			lane = thread % most;
		else if (lane == count)
			count++;
		if (free_after[lane] < lives[thread].last)
			free_after[lane] = lives[thread].last;
		if (lanes != NULL)
			lanes[thread] = (uint8_t)lane;
	}
	return count;
}

/* ---- what a replay touches ---- */

/* Of a block of so many bytes, when it has been made or resized. */
static uint64_t touched_bytes(const struct profile_event *event)
{
	return event->touched_bytes == PROFILE_UNKNOWN ? event->bytes
						       : least(event->touched_bytes, event->bytes);
}

static uint32_t pages_of(uint64_t bytes)
{
	return (uint32_t)least((bytes + REPLAY_PAGE_BYTES - 1) / REPLAY_PAGE_BYTES, UINT32_MAX);
}

/* ---- totals ---- */

struct totals_reader {
	struct replay_totals *totals;
	uint64_t *touched; /* of each block */
	struct life *lives;
	uint64_t live_touched;
	uint64_t live_blocks;
};

static void raise_to(uint64_t *most, uint64_t value)
{
	if (*most < value)
		*most = value;
}

static void add_event(struct totals_reader *reader, const struct profile_event *event)
{
	struct replay_totals *totals = reader->totals;
	struct life *life = &reader->lives[event->thread];
	uint64_t *touched = &reader->touched[event->block];
	const uint64_t before = profile_makes_block(event->kind) ? 0 : *touched;
	const uint64_t after = event->kind == PROFILE_FREE ? 0 : touched_bytes(event);

	totals->events++;
	if (life->first == 0)
		life->first = totals->events;
	life->last = totals->events;
	reader->live_blocks += profile_makes_block(event->kind);
	reader->live_blocks -= event->kind == PROFILE_FREE;
	raise_to(&totals->most_moving_bytes, reader->live_touched + after);
	reader->live_touched += after - before;
	raise_to(&totals->most_touched_bytes, reader->live_touched);
	*touched = after;
}

static bool read_totals(struct profile *profile, uint32_t process, struct totals_reader *reader,
			struct error *error)
{
	struct profile_event event;
	enum profile_status status;

	if (!profile_begin(profile, process, error))
		return false;
	while ((status = profile_next(profile, &event, error)) == PROFILE_EVENT)
		add_event(reader, &event);
	return status == PROFILE_DONE;
}

bool replay_totals(struct profile *profile, uint32_t process, struct replay_totals *totals,
		   struct error *error)
{
	const struct profile_process *facts = profile_process(profile, process);
	struct totals_reader reader = {
		.totals = totals,
		.touched = map_zeros(facts->most_blocks, sizeof *reader.touched),
		.lives = map_zeros(facts->thread_count, sizeof *reader.lives),
	};
	bool ok;

	*totals = (struct replay_totals){0};
	if (reader.touched == NULL || reader.lives == NULL)
		ok = error_set(error, "no memory for the profile's %u blocks and %u threads",
			       facts->most_blocks, facts->thread_count);
	else
		ok = read_totals(profile, process, &reader, error);
	if (ok) {
		totals->final_blocks = reader.live_blocks;
		totals->lanes =
			assign_lanes(reader.lives, facts->thread_count, REPLAY_MOST_THREADS, NULL);
	}
	unmap(reader.touched, facts->most_blocks, sizeof *reader.touched);
	unmap(reader.lives, facts->thread_count, sizeof *reader.lives);
	return ok;
}

static size_t room_for(uint64_t events)
{
	return least(2 * events + 2, REPLAY_WINDOW_STEPS);
}

uint64_t replay_own_bytes(const struct profile_process *process)
{
	/* Of each block 16 bytes by the reader, its address, its touched part and its stamp's. */
	const uint64_t block_bytes = 16 + 8 + 4 + 1;

	return room_for(process->event_count) * sizeof(struct replay_step) +
	       process->most_blocks * block_bytes;
}

/* ---- steps ---- */

static void add_step(struct replay_steps *steps, const struct profile_event *event, unsigned kind,
		     uint64_t bytes, uint64_t more)
{
	const uint64_t alignment = event->alignment == 0 ? 1 : event->alignment;

	steps->window[steps->count++] = (struct replay_step){
		.bytes = bytes,
		.alignment = (uint64_t)__builtin_ctzll(alignment) & 63,
		.lane = steps->lanes == NULL ? 0 : steps->lanes[event->thread],
		.kind = kind,
		.block = event->block,
		.more = (uint32_t)least(more, UINT32_MAX),
	};
}

/* Pages of a block that the steps so far have not touched. */
static void add_touch(struct replay_steps *steps, const struct profile_event *event)
{
	uint32_t *touched = &steps->touched[event->block];
	const uint32_t wanted = pages_of(touched_bytes(event));
	/* The first has the stamp. */
	uint32_t from = 1;

	if (event->kind == PROFILE_REALLOC && event->old_bytes >= PROFILE_TOUCH_BYTES)
		from = *touched;
	else if (event->kind == PROFILE_REALLOC &&
		 event->old_bytes >= 2 * (uint64_t)REPLAY_PAGE_BYTES)
		from = (uint32_t)(event->old_bytes / REPLAY_PAGE_BYTES);
	if (wanted > from && wanted > 1)
		add_step(steps, event, REPLAY_TOUCH, from, wanted);
	*touched = wanted > 1 ? wanted : 1;
}

static void convert(struct replay_steps *steps, const struct profile_event *event)
{
	add_step(steps, event, event->kind, event->bytes,
		 event->kind == PROFILE_REALLOC ? event->old_bytes : 0);
	if (event->kind != PROFILE_FREE && event->bytes >= PROFILE_TOUCH_BYTES)
		add_touch(steps, event);
}

/* Fills the window from where the profile stands. */
static bool fill(struct replay_steps *steps, struct error *error)
{
	struct profile_event event;
	enum profile_status status = PROFILE_EVENT;

	steps->count = 0;
	/* An event is two steps at most. */
	while (steps->events_read < steps->events && steps->count + 2 <= steps->room) {
		status = profile_next(steps->profile, &event, error);
		if (status != PROFILE_EVENT)
			break;
		convert(steps, &event);
		steps->events_read++;
	}
	if (status == PROFILE_DONE)
		return error_set(error, "the profile has fewer events than it had");
	return status == PROFILE_EVENT;
}

bool replay_steps_rewind(struct replay_steps *steps)
{
	struct error error;

	if (steps->is_whole)
		return true;
	steps->events_read = 0;
	return profile_begin(steps->profile, steps->process, &error) && fill(steps, &error);
}

bool replay_steps_next(struct replay_steps *steps)
{
	struct error error;

	return fill(steps, &error);
}

/* ---- the first reading ---- */

/* The part of a stamp that a block of so many bytes holds, and still holds after a realloc. */
static uint64_t stamp_read(uint32_t block, uint64_t bytes, uint64_t bytes_after)
{
	const unsigned count = replay_stamp_bytes(least(bytes, bytes_after));
	const uint64_t stamp = replay_stamp(block, bytes);

	return count == sizeof stamp ? stamp : stamp & ((UINT64_C(1) << (count * 8)) - 1);
}

/* What a replay of the event finds, so that all that lives after the last is counted as well. */
static void add_checksum(struct replay_steps *steps, const struct profile_event *event)
{
	const uint32_t block = event->block;
	const uint64_t bytes = event->bytes;

	if (event->kind == PROFILE_REALLOC) {
		steps->checksum -= stamp_read(block, event->old_bytes, event->old_bytes);
		steps->checksum += stamp_read(block, event->old_bytes, bytes);
	}
	if (event->kind != PROFILE_FREE)
		steps->checksum += stamp_read(block, bytes, bytes);
	/* A block that is freed is read as it would be at the end. */
	steps->stamp_bytes[block] =
		(uint8_t)(event->kind == PROFILE_FREE ? 0 : replay_stamp_bytes(bytes));
}

/* Goes through all events that are wanted: checksum, and when each thread was there. */
static bool read_once(struct replay_steps *steps, struct life *lives, struct error *error)
{
	struct profile_event event;

	if (!profile_begin(steps->profile, steps->process, error))
		return false;
	for (uint64_t i = 1; i <= steps->events; i++) {
		const enum profile_status status = profile_next(steps->profile, &event, error);

		if (status == PROFILE_DONE)
			return error_set(error, "the profile has %llu events, not %llu",
					 (unsigned long long)i - 1,
					 (unsigned long long)steps->events);
		if (status != PROFILE_EVENT)
			return false;
		add_checksum(steps, &event);
		if (lives[event.thread].first == 0)
			lives[event.thread].first = i;
		lives[event.thread].last = i;
	}
	return true;
}

static bool prepare(struct replay_steps *steps, uint32_t threads, struct error *error)
{
	struct life *lives = map_zeros(threads, sizeof *lives);
	bool ok;

	if (lives == NULL || steps->window == NULL || steps->touched == NULL ||
	    steps->stamp_bytes == NULL || (steps->threads > 1 && steps->lanes == NULL))
		ok = error_set(error, "no memory for the steps of a replay");
	else
		ok = read_once(steps, lives, error);
	if (ok && steps->threads > 1)
		(void)assign_lanes(lives, threads, steps->threads, steps->lanes);
	unmap(lives, threads, sizeof *lives);
	return ok && replay_steps_rewind(steps);
}

bool replay_steps_open(struct replay_steps *steps, struct profile *profile, uint32_t process,
		       uint64_t events, unsigned threads, struct error *error)
{
	const struct profile_process *facts = profile_process(profile, process);

	*steps = (struct replay_steps){
		.profile = profile,
		.process = process,
		.blocks = facts->most_blocks,
		.events = events,
		.threads = threads,
		.room = room_for(events),
	};
	(void)error_set(error, "the profile is not what it was");
	steps->window = memory_map(steps->room * sizeof *steps->window);
	steps->touched = map_zeros(steps->blocks, sizeof *steps->touched);
	steps->stamp_bytes = map_zeros(steps->blocks, sizeof *steps->stamp_bytes);
	if (threads > 1)
		steps->lanes = map_zeros(facts->thread_count, sizeof *steps->lanes);
	if (!prepare(steps, facts->thread_count, error)) {
		replay_steps_close(steps);
		return false;
	}
	steps->is_whole = steps->events_read == events;
	return true;
}

void replay_steps_close(struct replay_steps *steps)
{
	unmap(steps->window, steps->room, sizeof *steps->window);
	unmap(steps->touched, steps->blocks, sizeof *steps->touched);
	unmap(steps->stamp_bytes, steps->blocks, sizeof *steps->stamp_bytes);
	if (steps->lanes != NULL)
		unmap(steps->lanes, profile_process(steps->profile, steps->process)->thread_count,
		      sizeof *steps->lanes);
	*steps = (struct replay_steps){0};
}
