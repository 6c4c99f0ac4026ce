#include "harness/record/convert.h"

#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "harness/profile/memory.h"
#include "harness/profile/writer.h"
#include "harness/record/addresses.h"
#include "harness/record/raw_reader.h"

/* How many threads are told apart; all others are one more. */
#define MOST_THREADS (PROFILE_MOST_THREADS - 1)

/* A process in hand. */
struct conversion {
	struct profile_writer *writer;
	struct error *error;
	struct addresses addresses;
	/* uint32_t each, by the recorder's numbers, and 0 for none: a thread's number + 1; its
	 * block that moves, + 1. */
	struct memory threads;
	struct memory moving;
	uint32_t thread_count;
	/* The same of stacks. */
	struct memory stacks;
	uint32_t stack_count;
	uint32_t module_count;
	/* Of the stack whose frames are being read. */
	uint64_t frames_of;
	size_t frame_count;
	struct profile_writer_frame frames[PROFILE_MOST_FRAMES];
	struct profile_process counted; /* failed, foreign, lost; in the end all */
	uint64_t raw_count;
};

/* What stands behind an event. */
struct behind {
	uint64_t touched_bytes;
	uint32_t stack;
};

static bool no_memory(struct conversion *of)
{
	return error_set(of->error, "no memory for what was recorded");
}

/* The number at the place; NULL without memory. */
static uint32_t *number_at(struct memory *memory, uint64_t place)
{
	return memory_reserve(memory, (place + 1) * sizeof(uint32_t))
		       ? (uint32_t *)memory->start + place
		       : NULL;
}

static bool thread_of(struct conversion *of, uint32_t raw, uint32_t *thread)
{
	uint32_t *number = number_at(&of->threads, raw);

	if (number == NULL)
		return no_memory(of);
	if (*number == 0)
		*number = of->thread_count < MOST_THREADS ? ++of->thread_count : MOST_THREADS + 1;
	*thread = *number - 1;
	return true;
}

static bool write_event(struct conversion *of, const struct raw_plain_event *raw,
			struct profile_event *event)
{
	return thread_of(of, raw_thread(raw->first, raw->second), &event->thread) &&
	       profile_write(of->writer, event, of->error);
}

/* ---- stacks ---- */

static bool end_stack(struct conversion *of)
{
	uint32_t *number;

	if (of->frame_count == 0)
		return true;
	number = number_at(&of->stacks, of->frames_of);
	if (number == NULL)
		return no_memory(of);
	if (!profile_write_stack(of->writer, of->frames, of->frame_count, of->error))
		return false;
	*number = ++of->stack_count;
	of->frame_count = 0;
	return true;
}

static bool add_frame(struct conversion *of, const struct raw_plain_event *raw)
{
	const uint64_t stack = raw_address(raw->first) >> 3;
	const uint32_t module = raw_thread(raw->first, raw->second);

	if (of->frame_count > 0 && stack != of->frames_of && !end_stack(of))
		return false;
	of->frames_of = stack;
	if (of->frame_count < PROFILE_MOST_FRAMES && module < of->module_count)
		of->frames[of->frame_count++] = (struct profile_writer_frame){
			.module = module, .offset = raw_bytes(raw->second)};
	return true;
}

static uint32_t stack_of(const struct conversion *of, uint64_t raw)
{
	const uint32_t *numbers = of->stacks.start;

	return raw < of->stacks.bytes / sizeof *numbers && numbers[raw] > 0 ? numbers[raw] - 1
									    : PROFILE_NONE;
}

static struct behind behind_of(const struct conversion *of, const struct raw_plain_event *raw)
{
	struct behind behind = {PROFILE_UNKNOWN, PROFILE_NONE};
	const struct raw_plain_event *next = raw + 1;

	if (raw_kind(next->first) == RAW_TOUCHED) {
		if (raw_bytes(next->second) != RAW_UNKNOWN_BYTES)
			behind.touched_bytes = raw_bytes(next->second);
		next++;
	}
	if (raw_kind(next->first) == RAW_STACK)
		behind.stack = stack_of(of, raw_bytes(next->second));
	return behind;
}

/* ---- events ---- */

/* Where one lives already, it went past the recorder. */
static bool forget_address(struct conversion *of, const struct raw_plain_event *raw)
{
	const uint32_t block = addresses_take(&of->addresses, raw_address(raw->first));
	struct profile_event event = {.kind = PROFILE_FREE, .block = block, .stack = PROFILE_NONE};

	if (block == ADDRESSES_NONE)
		return true;
	of->counted.lost_count++;
	return write_event(of, raw, &event);
}

static bool make_block(struct conversion *of, const struct raw_plain_event *raw,
		       enum profile_kind kind)
{
	const struct behind behind = behind_of(of, raw);
	const unsigned alignment_log2 = raw_alignment_log2(raw->second);
	struct profile_event event = {
		.kind = kind,
		.stack = behind.stack,
		.bytes = raw_bytes(raw->second),
		.touched_bytes = behind.touched_bytes,
	};

	if (kind == PROFILE_ALIGNED)
		event.alignment = (uint64_t)1 << (alignment_log2 < 30 ? alignment_log2 : 30);
	if (!forget_address(of, raw) || !write_event(of, raw, &event))
		return false;
	return addresses_put(&of->addresses, raw_address(raw->first), event.block) || no_memory(of);
}

static bool free_block(struct conversion *of, const struct raw_plain_event *raw)
{
	const uint32_t block = addresses_take(&of->addresses, raw_address(raw->first));
	struct profile_event event = {.kind = PROFILE_FREE, .block = block, .stack = PROFILE_NONE};

	if (block != ADDRESSES_NONE)
		return write_event(of, raw, &event);
	of->counted.foreign_count++;
	return true;
}

static bool resize_block(struct conversion *of, const struct raw_plain_event *raw, uint32_t block,
			 bool moved)
{
	const struct behind behind = behind_of(of, raw);
	struct profile_event event = {
		.kind = PROFILE_REALLOC,
		.block = block,
		.stack = behind.stack,
		.bytes = raw_bytes(raw->second),
		.touched_bytes = behind.touched_bytes,
		.moved = moved,
	};

	if (!write_event(of, raw, &event))
		return false;
	return !moved ||
	       (forget_address(of, raw) &&
		(addresses_put(&of->addresses, raw_address(raw->first), block) || no_memory(of)));
}

static bool resize_in_place(struct conversion *of, const struct raw_plain_event *raw)
{
	const uint32_t block = addresses_get(&of->addresses, raw_address(raw->first));

	if (block != ADDRESSES_NONE)
		return resize_block(of, raw, block, false);
	of->counted.foreign_count++;
	return make_block(of, raw, PROFILE_REALLOC_NEW);
}

/* Takes the block away from where it was, so that another one can come there. */
static bool move_from(struct conversion *of, const struct raw_plain_event *raw)
{
	uint32_t *moving = number_at(&of->moving, raw_thread(raw->first, raw->second));

	if (moving == NULL)
		return no_memory(of);
	*moving = addresses_take(&of->addresses, raw_address(raw->first)) + 1;
	of->counted.foreign_count += *moving == 0;
	return true;
}

static bool move_to(struct conversion *of, const struct raw_plain_event *raw)
{
	uint32_t *moving = number_at(&of->moving, raw_thread(raw->first, raw->second));
	uint32_t block;

	if (moving == NULL)
		return no_memory(of);
	if (*moving == 0)
		return make_block(of, raw, PROFILE_REALLOC_NEW);
	block = *moving - 1;
	*moving = 0;
	return resize_block(of, raw, block, true);
}

static bool take_event(struct conversion *of, const struct raw_plain_event *raw)
{
	const enum raw_kind kind = raw_kind(raw->first);

	of->raw_count += kind != RAW_NONE;
	if (kind != RAW_FRAME && !end_stack(of))
		return false;
	switch (kind) {
	case RAW_MALLOC:
		return make_block(of, raw, PROFILE_MALLOC);
	case RAW_CALLOC:
		return make_block(of, raw, PROFILE_CALLOC);
	case RAW_ALIGNED:
		return make_block(of, raw, PROFILE_ALIGNED);
	case RAW_REALLOC_NEW:
		return make_block(of, raw, PROFILE_REALLOC_NEW);
	case RAW_FREE:
		return free_block(of, raw);
	case RAW_RESIZED:
		return resize_in_place(of, raw);
	case RAW_MOVED_FROM:
		return move_from(of, raw);
	case RAW_MOVED_TO:
		return move_to(of, raw);
	case RAW_FRAME:
		return add_frame(of, raw);
	case RAW_FAILED:
	case RAW_RESIZE_FAILED:
		of->counted.failed_count++;
		return true;
	default:
		return true;
	}
}

static bool take_events(struct conversion *of, const struct raw_process *process,
			const volatile sig_atomic_t *interrupts)
{
	g_autofree struct raw_reader *reader = g_new(struct raw_reader, 1);
	const sig_atomic_t interrupts_before = *interrupts;
	const struct raw_plain_event *raw;
	bool failed = false;
	bool ok = true;

	if (!raw_reader_open(reader, process, of->error))
		return false;
	while (ok && (raw = raw_reader_next(reader, &failed, of->error)) != NULL)
		ok = take_event(of, raw) && *interrupts == interrupts_before;
	raw_reader_close(reader);
	return ok && !failed && end_stack(of);
}

/* ---- processes ---- */

static bool write_modules(struct conversion *of, const struct raw_process *process)
{
	size_t bytes;
	g_autofree char *paths = raw_beside(process, RAW_MODULES_SUFFIX, &bytes);
	const char *end = paths + bytes;

	/* The last one may have been cut. */
	for (const char *path = paths; path != NULL && path < end; path += strlen(path) + 1) {
		if (!profile_write_module(of->writer, path, of->error))
			return false;
		of->module_count++;
	}
	return true;
}

static enum profile_end end_of(const struct raw_process *process)
{
	switch (process->end) {
	case RAW_EXITED:
		return PROFILE_EXITED;
	case RAW_LIMITED:
		return PROFILE_LIMITED;
	case RAW_NO_SPACE:
		return PROFILE_NO_SPACE;
	default:
		return process->replaced ? PROFILE_REPLACED : PROFILE_KILLED;
	}
}

static void release(struct conversion *of)
{
	addresses_release(&of->addresses);
	memory_release(&of->threads);
	memory_release(&of->moving);
	memory_release(&of->stacks);
}

/* Of a process whose end nobody announced: there may be another one of its number now. */
static bool is_running(const struct raw_process *process)
{
	return process->end == RAW_RUNNING && !process->replaced && kill(process->pid, 0) == 0;
}

static void count_process(const struct conversion *of, const struct raw_process *process,
			  struct convert_result *result)
{
	result->raw_bytes += of->raw_count * sizeof(struct raw_event);
	result->limited += process->end == RAW_LIMITED;
	result->no_space += process->end == RAW_NO_SPACE;
	result->running += is_running(process);
	if (of->counted.event_count >= result->most.event_count)
		result->most = of->counted;
}

static bool convert_process(const struct convert_request *request, struct profile_writer *writer,
			    const struct raw_process *process, struct convert_result *result,
			    struct error *error)
{
	struct conversion conversion = {.writer = writer, .error = error};
	g_autofree char *command = NULL;
	size_t command_bytes = 0;
	bool ok;

	if (request->has_names)
		command = raw_beside(process, RAW_COMMAND_SUFFIX, &command_bytes);
	conversion.counted.end = end_of(process);
	conversion.counted.lost_count = process->lost_count;
	ok = profile_write_process(writer, process->forked ? PROFILE_FORKED : PROFILE_STARTED,
				   process->parent, command, command_bytes, error) &&
	     (!request->has_stacks || write_modules(&conversion, process)) &&
	     take_events(&conversion, process, request->interrupts) &&
	     profile_write_end(writer, &conversion.counted, error);
	if (ok)
		count_process(&conversion, process, result);
	release(&conversion);
	return ok;
}

bool convert(const struct convert_request *request, struct convert_result *result,
	     struct error *error)
{
	const struct profile_facts wanted = {
		.word_bits = 8 * sizeof(void *),
		.page_bytes = (uint32_t)sysconf(_SC_PAGESIZE),
		.has_stacks = request->has_stacks,
		.has_names = request->has_names,
	};
	struct raw_processes processes;
	struct profile_writer *writer = NULL;
	bool ok;

	*result = (struct convert_result){.raw_bytes = 0};
	error->text[0] = '\0';
	if (raw_processes_list(request->folder, &processes, error))
		writer = profile_create(request->path, &wanted, error);
	ok = writer != NULL;
	for (uint32_t i = 0; ok && i < processes.count; i++)
		ok = convert_process(request, writer, &processes.items[i], result, error);
	raw_processes_release(&processes);
	if (ok)
		return profile_finish(writer, &result->facts, error);
	if (writer != NULL)
		profile_discard(writer);
	return false;
}
