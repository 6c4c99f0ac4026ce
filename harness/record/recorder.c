#include "harness/record/recorder.h"

#include "harness/profile/profile.h"
#include "harness/record/recording.h"
#include "harness/record/stacks.h"
#include "harness/record/touched.h"

/* A block that was made or resized, and what is written behind it. */
struct made {
	enum raw_kind kind;
	const void *block;
	size_t bytes;
	unsigned alignment_log2;
	uint32_t stack;        /* STACKS_NONE: none */
	uint64_t looked_bytes; /* as of touched.h */
};

static bool is_large(size_t bytes)
{
	return bytes >= PROFILE_TOUCH_BYTES;
}

static uint32_t stack_here(void)
{
	return recording_has_stacks() ? stacks_here() : STACKS_NONE;
}

static unsigned places_of(size_t bytes, uint32_t stack)
{
	return 1U + is_large(bytes) + (stack != STACKS_NONE);
}

static void put_made(uint64_t place, const struct made *made)
{
	const uint32_t thread = recording_thread();

	if (place == RECORDING_NO_PLACE)
		return;
	recording_put_event(place, raw_first(made->kind, thread, (uintptr_t)made->block),
			    raw_second(thread, made->bytes, made->alignment_log2));
	if (is_large(made->bytes)) {
		const struct touched_block large = {(uintptr_t)made->block, made->bytes, ++place,
						    made->looked_bytes};

		recording_put(place, RAW_TOUCHED, NULL, RAW_UNKNOWN_BYTES);
		touched_add(&large);
	}
	if (made->stack != STACKS_NONE)
		recording_put(place + 1, RAW_STACK, NULL, made->stack);
}

static void record_made(struct made made)
{
	if (made.block == NULL) {
		if (made.bytes > 0)
			recording_put(recording_claim(1), RAW_FAILED, NULL, 0);
		return;
	}
	put_made(recording_claim(places_of(made.bytes, made.stack)), &made);
}

void observe_new(enum observed_kind kind, void *block, size_t requested, size_t alignment,
		 bool of_allocator)
{
	static const enum raw_kind kinds[] = {RAW_MALLOC, RAW_CALLOC, RAW_ALIGNED};

	(void)of_allocator;
	record_made((struct made){
		.kind = kinds[kind],
		.block = block,
		.bytes = requested,
		.alignment_log2 = alignment == 0 ? 0 : (unsigned)__builtin_ctzll(alignment),
		.stack = stack_here(),
	});
}

void observe_failed(enum observed_kind kind)
{
	(void)kind;
	recording_put(recording_claim(1), RAW_FAILED, NULL, 0);
}

void observe_free(const void *block, bool told)
{
	if (!told || !recording_is_on())
		return;
	if (touched_maybe(block))
		(void)touched_take(block, false);
	recording_put(recording_claim(1), RAW_FREE, block, 0);
}

/* ---- realloc ---- */

void observe_realloc_begin(struct observed_realloc *resize, void *block, size_t requested,
			   bool told)
{
	*resize = (struct observed_realloc){
		.block = block, .told = told && recording_is_on(), .place = RECORDING_NO_PLACE};
	if (!resize->told)
		return;
	resize->stack = stack_here();
	if (block == NULL)
		return;
	if (touched_maybe(block))
		resize->large = touched_take(block, requested > 0);
	/* What stays in place needs no more. */
	resize->place = recording_claim(places_of(requested, resize->stack));
	recording_put(resize->place, RAW_RESIZE_BEGUN, block, requested);
}

/* The block is as it was, and will be looked at again. */
static void end_failed(const struct observed_realloc *resize)
{
	recording_put(resize->place, RAW_RESIZE_FAILED, resize->block, 0);
	if (resize->large.address != 0)
		touched_add(&resize->large);
}

void observe_realloc_end(const struct observed_realloc *resize, void *result, size_t requested)
{
	struct made made = {.kind = RAW_REALLOC_NEW,
			    .block = result,
			    .bytes = requested,
			    .stack = resize->stack,
			    .looked_bytes = resize->large.looked_bytes};

	if (!resize->told)
		return;
	if (resize->block == NULL) {
		record_made(made);
	} else if (result == resize->block) {
		made.kind = RAW_RESIZED;
		put_made(resize->place, &made);
	} else if (result != NULL) {
		recording_put(resize->place, RAW_MOVED_FROM, resize->block, 0);
		made.kind = RAW_MOVED_TO;
		record_made(made);
	} else if (requested == 0) {
		recording_put(resize->place, RAW_FREE, resize->block, 0);
	} else {
		end_failed(resize);
	}
}
