#include "harness/record/recorder.h"

#include "harness/record/stacks.h"

/* What is written behind an event: it has a place of its own. */
struct behind {
	bool is_large;
	uint32_t stack; /* STACKS_NONE: none */
};

static struct behind behind_of(struct recording *of, size_t bytes)
{
	return (struct behind){
		.is_large = bytes >= PROFILE_TOUCH_BYTES,
		.stack = recording_has_stacks(of) ? stacks_here(of) : STACKS_NONE,
	};
}

static unsigned places_of(const struct behind *behind)
{
	return 1U + behind->is_large + (behind->stack != STACKS_NONE);
}

static void put(struct recording *of, uint64_t place, enum raw_kind kind, const void *address,
		uint64_t bytes)
{
	const uint32_t thread = recorder_number(of);

	recording_put(of, place, raw_first(kind, thread, (uintptr_t)address),
		      raw_second(thread, bytes, 0));
}

/* looked_bytes: as of touched.h. */
static void put_behind(struct recording *of, uint64_t place, const struct behind *behind,
		       const void *block, size_t bytes, uint64_t looked_bytes)
{
	if (behind->is_large) {
		const struct touched_block large = {(uintptr_t)block, bytes, place, looked_bytes};

		put(of, place++, RAW_TOUCHED, NULL, RAW_UNKNOWN_BYTES);
		touched_add(&large);
	}
	if (behind->stack != STACKS_NONE)
		put(of, place, RAW_STACK, NULL, behind->stack);
}

void recorder_put_more(struct recording *of, enum raw_kind kind, const void *block, size_t bytes,
		       unsigned alignment_log2)
{
	const struct behind behind = behind_of(of, bytes);
	const uint32_t thread = recorder_number(of);
	uint64_t place;

	if (block == NULL) {
		put(of, recording_claim(of, 1), RAW_FAILED, NULL, 0);
		return;
	}
	place = recording_claim(of, places_of(&behind));
	recording_put(of, place, raw_first(kind, thread, (uintptr_t)block),
		      raw_second(thread, bytes, alignment_log2));
	put_behind(of, place + 1, &behind, block, bytes, 0);
}

/* ---- realloc ---- */

void observe_realloc_begin(struct observed_realloc *resize, void *block, size_t requested,
			   bool told)
{
	struct behind behind;

	resize->block = block;
	resize->large.address = 0;
	resize->large.looked_bytes = 0;
	resize->of = told ? recording_current() : NULL;
	if (resize->of == NULL || block == NULL)
		return;
	if (touched_maybe(block))
		resize->large = touched_take(resize->of, block, requested > 0);
	/* What stays in place needs no more places than these. */
	behind = behind_of(resize->of, requested);
	resize->stack = behind.stack;
	resize->place = recording_claim(resize->of, places_of(&behind));
	put(resize->of, resize->place, RAW_RESIZE_BEGUN, block, requested);
}

/* The block is as it was, and will be looked at again. */
static void end_failed(const struct observed_realloc *resize)
{
	put(resize->of, resize->place, RAW_RESIZE_FAILED, resize->block, 0);
	if (resize->large.address != 0)
		touched_add(&resize->large);
}

/* It goes on as a block of so many bytes, here or there. */
static void end_resized(const struct observed_realloc *resize, const void *result, size_t bytes)
{
	const struct behind behind = {bytes >= PROFILE_TOUCH_BYTES, resize->stack};
	const bool moved = result != resize->block;
	uint64_t place = resize->place;

	if (moved) {
		put(resize->of, place, RAW_MOVED_FROM, resize->block, 0);
		place = recording_claim(resize->of, places_of(&behind));
	}
	put(resize->of, place, moved ? RAW_MOVED_TO : RAW_RESIZED, result, bytes);
	put_behind(resize->of, place + 1, &behind, result, bytes, resize->large.looked_bytes);
}

void observe_realloc_end(const struct observed_realloc *resize, void *result, size_t requested)
{
	if (resize->of == NULL)
		return;
	if (resize->block == NULL)
		recorder_put_new(RAW_REALLOC_NEW, result, requested, 0);
	else if (result != NULL)
		end_resized(resize, result, requested);
	else if (requested == 0)
		put(resize->of, resize->place, RAW_FREE, resize->block, 0);
	else
		end_failed(resize);
}
