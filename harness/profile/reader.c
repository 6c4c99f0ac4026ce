#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "harness/profile/format.h"
#include "harness/profile/heap.h"

/* inflate takes 7 KiB at its start, and 32 KiB once it has to go on later; we never do. */
#define INFLATE_BYTES ((size_t)64 << 10)

struct frame {
	uint32_t module;
	uint64_t offset;
};

/* A stack's frames are those from `first` on. */
struct stack {
	uint32_t first;
	uint32_t count;
};

struct profile {
	int fd;
	struct profile_facts facts;
	uint64_t index_offset;
	struct memory records; /* of format_record */
	z_stream inflate;
	size_t inflate_used;
	/* Of the process that was begun. */
	const struct format_record *record; /* NULL: none was, or it ended */
	uint64_t offset;                    /* of its next chunk */
	const uint8_t *next;                /* operation */
	const uint8_t *end;
	struct heap heap;
	uint32_t thread;
	uint32_t stack; /* of the next event */
	struct memory stacks;
	struct memory frames; /* of all stacks */
	uint32_t frame_count;
	struct memory modules; /* uint32_t each: where in `texts` */
	uint32_t module_count;
	struct memory texts;
	uint32_t text_bytes;
	struct memory command;
	uint32_t command_bytes;
	char path[256];
	uint8_t inflate_memory[INFLATE_BYTES];
	uint8_t chunk[FORMAT_CHUNK_BYTES];
	uint8_t packed[FORMAT_PACKED_BYTES];
};

enum {
	MOST_FRAMES = 1 << 24, /* of all stacks of a process */
	MOST_MODULES = 1 << 16,
	/* With the text that would be longer. */
	MOST_TEXT = 1 << 26
};

/* ---- opening ---- */

static void *inflate_allocate(void *opaque, unsigned count, unsigned size)
{
	struct profile *profile = opaque;
	const size_t bytes = ((size_t)count * size + 15) & ~(size_t)15;
	void *memory = profile->inflate_memory + profile->inflate_used;

	if (bytes > INFLATE_BYTES - profile->inflate_used)
		return NULL;
	profile->inflate_used += bytes;
	return memory;
}

static void inflate_free(void *opaque, void *memory)
{
	(void)opaque;
	(void)memory;
}

static bool bad(const struct profile *profile, struct error *error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets the error: that, and which file. */
static bool bad(const struct profile *profile, struct error *error, const char *format, ...)
{
	char what[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	return error_set(error, "%s: %s", profile->path, what);
}

static bool read_at(const struct profile *profile, void *bytes, size_t size, uint64_t offset,
		    struct error *error)
{
	uint8_t *next = bytes;

	while (size > 0) {
		ssize_t got = pread(profile->fd, next, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bad(profile, error, "cannot be read: %s", strerror(errno));
		if (got == 0)
			return bad(profile, error, "it became shorter while it was read");
		next += got;
		size -= (size_t)got;
		offset += (uint64_t)got;
	}
	return true;
}

static bool check_header(const struct profile *profile, const struct format_header *header,
			 bool is_whole, uint64_t file_bytes, struct error *error)
{
	const uint64_t index_bytes = (uint64_t)header->process_count * FORMAT_RECORD_BYTES + 4;

	if (header->version != PROFILE_VERSION)
		return bad(profile, error,
			   "a profile of version %" PRIu32 ", and this growbench reads version %d; "
			   "record it anew, or read it with the growbench that wrote it",
			   header->version, PROFILE_VERSION);
	if (!is_whole)
		return bad(profile, error, "its header is damaged; record it anew");
	if (header->file_bytes != file_bytes)
		return bad(profile, error,
			   "%" PRIu64 " bytes, where its header says %" PRIu64
			   ": it was cut or something was appended; copy it again",
			   file_bytes, header->file_bytes);
	if (header->process_count > PROFILE_MOST_PROCESSES ||
	    header->index_offset < FORMAT_HEADER_BYTES || header->index_offset > file_bytes ||
	    file_bytes - header->index_offset != index_bytes)
		return bad(profile, error, "its index is not where its header says");
	if (header->flags > (FORMAT_STACKS | FORMAT_NAMES) ||
	    (header->word_bits != 32 && header->word_bits != 64) || header->page_bytes < 1024 ||
	    header->page_bytes > 1 << 20 || (header->page_bytes & (header->page_bytes - 1)) != 0)
		return bad(profile, error, "its header says what no system has");
	return true;
}

static bool read_header(struct profile *profile, struct error *error)
{
	static const uint8_t zeros[FORMAT_MAGIC_BYTES];
	uint8_t bytes[FORMAT_HEADER_BYTES];
	struct format_header header;
	struct stat status;
	bool is_whole;

	if (fstat(profile->fd, &status) != 0)
		return bad(profile, error, "%s", strerror(errno));
	if (!S_ISREG(status.st_mode))
		return bad(profile, error, "it is not a file");
	if (status.st_size < FORMAT_HEADER_BYTES)
		return bad(profile, error, "it is no profile: growbench record writes one");
	if (!read_at(profile, bytes, sizeof bytes, 0, error))
		return false;
	if (memcmp(bytes, zeros, sizeof zeros) == 0)
		return bad(profile, error, "it was not written to its end; record it anew");
	if (memcmp(bytes, FORMAT_MAGIC, FORMAT_MAGIC_BYTES) != 0)
		return bad(profile, error, "it is no profile: growbench record writes one");
	is_whole = format_get_header(bytes, &header);
	if (!check_header(profile, &header, is_whole, (uint64_t)status.st_size, error))
		return false;
	profile->index_offset = header.index_offset;
	profile->facts = (struct profile_facts){
		.process_count = header.process_count,
		.word_bits = header.word_bits,
		.page_bytes = header.page_bytes,
		.has_stacks = (header.flags & FORMAT_STACKS) != 0,
		.has_names = (header.flags & FORMAT_NAMES) != 0,
		.file_bytes = header.file_bytes,
	};
	return true;
}

/* Chunks follow each other without a gap, and a parent comes first. */
static bool check_record(const struct profile *profile, const struct format_record *record,
			 uint32_t number, uint64_t offset, struct error *error)
{
	if (record->offset != offset || record->bytes > profile->index_offset - offset)
		return bad(profile, error,
			   "process %" PRIu32 ": its events are not where the index says", number);
	if (record->process.parent != PROFILE_NONE && record->process.parent >= number)
		return bad(profile, error, "process %" PRIu32 " began before its parent", number);
	return true;
}

static bool read_index(struct profile *profile, struct error *error)
{
	const uint32_t count = profile->facts.process_count;
	struct format_record *records;
	uint64_t offset = FORMAT_HEADER_BYTES;
	uint64_t at = profile->index_offset;
	uLong crc = crc32(0, NULL, 0);
	uint8_t bytes[FORMAT_RECORD_BYTES];
	struct error reason;

	if (!memory_reserve(&profile->records, count * sizeof *records))
		return bad(profile, error, "no memory for %" PRIu32 " processes", count);
	records = profile->records.start;
	for (uint32_t i = 0; i < count; i++, at += sizeof bytes) {
		if (!read_at(profile, bytes, sizeof bytes, at, error))
			return false;
		crc = crc32(crc, bytes, sizeof bytes);
		if (!format_get_record(bytes, &records[i], &reason))
			return bad(profile, error, "process %" PRIu32 ": %s", i, reason.text);
		if (!check_record(profile, &records[i], i, offset, error))
			return false;
		offset += records[i].bytes;
		profile->facts.event_count += records[i].process.event_count;
	}
	if (!read_at(profile, bytes, 4, at, error))
		return false;
	return (format_get32(bytes) == (uint32_t)crc && offset == profile->index_offset) ||
	       bad(profile, error, "its index is damaged; copy it again, or record it anew");
}

static bool open_file(struct profile *profile, const char *path, struct error *error)
{
	(void)snprintf(profile->path, sizeof profile->path, "%s", path);
	profile->inflate.zalloc = inflate_allocate;
	profile->inflate.zfree = inflate_free;
	profile->inflate.opaque = profile;
	if (inflateInit(&profile->inflate) != Z_OK)
		return bad(profile, error, "zlib cannot be used");
	/* Not to wait for who writes to a pipe. */
	profile->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (profile->fd < 0)
		return bad(profile, error, "%s", strerror(errno));
	return read_header(profile, error) && read_index(profile, error);
}

struct profile *profile_open(const char *path, struct error *error)
{
	struct memory memory = {NULL, 0};
	struct profile *profile;

	if (!memory_reserve(&memory, sizeof *profile)) {
		(void)error_set(error, "no memory to read %s", path);
		return NULL;
	}
	profile = memory.start;
	profile->fd = -1;
	if (open_file(profile, path, error))
		return profile;
	profile_close(profile);
	return NULL;
}

void profile_close(struct profile *profile)
{
	struct memory memory = {profile, 0};

	if (profile == NULL)
		return;
	if (profile->fd >= 0)
		(void)close(profile->fd);
	memory_release(&profile->records);
	memory_release(&profile->stacks);
	memory_release(&profile->frames);
	memory_release(&profile->modules);
	memory_release(&profile->texts);
	memory_release(&profile->command);
	heap_release(&profile->heap);
	memory.bytes = sizeof *profile;
	memory_release(&memory);
}

const struct profile_facts *profile_facts(const struct profile *profile)
{
	return &profile->facts;
}

static const struct format_record *record_of(const struct profile *profile, uint32_t process)
{
	return (const struct format_record *)profile->records.start + process;
}

const struct profile_process *profile_process(const struct profile *profile, uint32_t process)
{
	return &record_of(profile, process)->process;
}

uint32_t profile_main_process(const struct profile *profile)
{
	uint32_t most = 0;

	for (uint32_t i = 1; i < profile->facts.process_count; i++)
		if (profile_process(profile, i)->event_count >
		    profile_process(profile, most)->event_count)
			most = i;
	return most;
}

/* ---- chunks ---- */

static uint32_t number_of(const struct profile *profile)
{
	return (uint32_t)(profile->record - (const struct format_record *)profile->records.start);
}

/* Sets the error: which file, process and event, and that. */
static bool bad_event(const struct profile *profile, const char *what, struct error *error)
{
	return bad(profile, error, "process %" PRIu32 ", behind event %" PRIu64 ": %s",
		   number_of(profile), profile->heap.totals.event_count, what);
}

static bool next_chunk(struct profile *profile, struct error *error)
{
	const uint64_t end = profile->record->offset + profile->record->bytes;
	z_stream *stream = &profile->inflate;
	uint8_t header[FORMAT_CHUNK_HEADER_BYTES];
	uint32_t packed_bytes;
	uint32_t raw_bytes;

	if (end - profile->offset < sizeof header)
		return bad_event(profile, "the events are cut", error);
	if (!read_at(profile, header, sizeof header, profile->offset, error))
		return false;
	packed_bytes = format_get32(header);
	raw_bytes = format_get32(header + 4);
	profile->offset += sizeof header;
	if (packed_bytes > sizeof profile->packed || packed_bytes > end - profile->offset ||
	    raw_bytes == 0 || raw_bytes > sizeof profile->chunk)
		return bad_event(profile, "a piece that is longer than one can be", error);
	if (!read_at(profile, profile->packed, packed_bytes, profile->offset, error))
		return false;
	profile->offset += packed_bytes;
	(void)inflateReset(stream);
	stream->next_in = profile->packed;
	stream->avail_in = packed_bytes;
	stream->next_out = profile->chunk;
	stream->avail_out = raw_bytes;
	if (inflate(stream, Z_FINISH) != Z_STREAM_END || stream->avail_out != 0 ||
	    stream->avail_in != 0)
		return bad_event(profile, "a piece that is damaged", error);
	profile->next = profile->chunk;
	profile->end = profile->chunk + raw_bytes;
	return true;
}

/* ---- numbers and texts; false where the chunk ends before they do ---- */

static bool get_byte(struct profile *profile, uint8_t *byte)
{
	if (profile->next == profile->end)
		return false;
	*byte = *profile->next++;
	return true;
}

static bool get_varint(struct profile *profile, uint64_t *value)
{
	uint8_t byte;

	*value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (!get_byte(profile, &byte))
			return false;
		*value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return true;
	}
	return false;
}

/* A number that begins in the operation's byte. */
static bool get_number(struct profile *profile, uint8_t operation, uint64_t *value)
{
	*value = operation >> 3;
	if (*value < 31)
		return true;
	if (!get_varint(profile, value) || *value > UINT64_MAX - 31)
		return false;
	*value += 31;
	return true;
}

/* Appends a text of the chunk, of at most FORMAT_TEXT_BYTES, and a '\0' behind it. */
static bool get_text(struct profile *profile, struct memory *memory, uint32_t used, uint32_t most,
		     uint32_t *bytes)
{
	uint64_t length;

	if (!get_varint(profile, &length) || length > FORMAT_TEXT_BYTES ||
	    length > (uint64_t)(profile->end - profile->next) || used + length + 1 > most ||
	    !memory_reserve(memory, used + length + 1))
		return false;
	memcpy((char *)memory->start + used, profile->next, length);
	((char *)memory->start)[used + length] = '\0';
	profile->next += length;
	*bytes = (uint32_t)length;
	return true;
}

/* ---- context ---- */

static bool define_module(struct profile *profile)
{
	uint32_t bytes;

	if (profile->module_count == MOST_MODULES ||
	    !memory_reserve(&profile->modules,
			    ((size_t)profile->module_count + 1) * sizeof(uint32_t)) ||
	    !get_text(profile, &profile->texts, profile->text_bytes, MOST_TEXT, &bytes))
		return false;
	((uint32_t *)profile->modules.start)[profile->module_count++] = profile->text_bytes;
	profile->text_bytes += bytes + 1;
	return true;
}

static bool define_stack(struct profile *profile)
{
	uint32_t *stack_count = &profile->heap.totals.stack_count;
	uint64_t count;
	struct stack *stack;

	if (!get_varint(profile, &count) || count > PROFILE_MOST_FRAMES ||
	    *stack_count == PROFILE_MOST_STACKS || profile->frame_count + count > MOST_FRAMES ||
	    !memory_reserve(&profile->stacks, ((size_t)*stack_count + 1) * sizeof *stack) ||
	    !memory_reserve(&profile->frames,
			    (profile->frame_count + count) * sizeof(struct frame)))
		return false;
	stack = (struct stack *)profile->stacks.start + *stack_count;
	*stack = (struct stack){profile->frame_count, (uint32_t)count};
	for (uint64_t i = 0; i < count; i++) {
		struct frame *frame = (struct frame *)profile->frames.start + stack->first + i;
		uint64_t module;

		if (!get_varint(profile, &module) || module >= profile->module_count ||
		    !get_varint(profile, &frame->offset))
			return false;
		frame->module = (uint32_t)module;
	}
	profile->frame_count += (uint32_t)count;
	(*stack_count)++;
	return true;
}

static bool add_command(struct profile *profile)
{
	uint32_t bytes;

	if (!profile->facts.has_names || profile->heap.totals.event_count > 0 ||
	    !get_text(profile, &profile->command, profile->command_bytes, PROFILE_MOST_COMMAND + 1,
		      &bytes))
		return false;
	profile->command_bytes += bytes;
	return true;
}

static bool set_thread(struct profile *profile)
{
	uint64_t thread;

	if (!get_varint(profile, &thread) || thread >= PROFILE_MOST_THREADS)
		return false;
	profile->thread = (uint32_t)thread;
	return true;
}

static bool set_stack(struct profile *profile)
{
	uint64_t stack;

	if (!get_varint(profile, &stack) || stack >= profile->heap.totals.stack_count)
		return false;
	profile->stack = (uint32_t)stack;
	return true;
}

static bool take_context(struct profile *profile, unsigned context)
{
	switch (context) {
	case FORMAT_THREAD:
		return set_thread(profile);
	case FORMAT_STACK:
		return set_stack(profile);
	case FORMAT_DEFINE_STACK:
		return define_stack(profile);
	case FORMAT_DEFINE_MODULE:
		return define_module(profile);
	case FORMAT_COMMAND:
		return add_command(profile);
	default:
		return false;
	}
}

/* ---- events ---- */

static bool get_block(uint64_t number, uint32_t *block)
{
	*block = (uint32_t)number;
	return number < PROFILE_NONE;
}

static bool get_touched(struct profile *profile, struct profile_event *event)
{
	uint64_t pages;

	event->touched_bytes = PROFILE_UNKNOWN;
	if (event->bytes < PROFILE_TOUCH_BYTES)
		return true;
	if (!get_varint(profile, &pages))
		return false;
	if (pages == 0)
		return true;
	pages--;
	event->touched_bytes = event->bytes;
	if (pages <= event->bytes / profile->facts.page_bytes)
		event->touched_bytes = pages * profile->facts.page_bytes;
	return true;
}

static bool get_event(struct profile *profile, uint8_t operation, struct profile_event *event)
{
	uint64_t number;
	uint8_t alignment = 0;

	*event = (struct profile_event){
		.kind = (enum profile_kind)(operation & 7),
		.thread = profile->thread,
		.stack = profile->stack,
		.touched_bytes = PROFILE_UNKNOWN,
	};
	if (!get_number(profile, operation, &number))
		return false;
	if (event->kind == PROFILE_FREE)
		return get_block(number, &event->block);
	event->bytes = number;
	if (event->kind == PROFILE_ALIGNED) {
		if (!get_byte(profile, &alignment) || alignment > 63)
			return false;
		event->alignment = (uint64_t)1 << alignment;
	}
	if (event->kind == PROFILE_REALLOC) {
		if (!get_varint(profile, &number) || !get_block(number >> 1, &event->block))
			return false;
		event->moved = (number & 1) != 0;
	}
	return get_touched(profile, event);
}

static enum profile_status fail(struct profile *profile)
{
	profile->record = NULL;
	return PROFILE_BAD;
}

_Static_assert(sizeof(struct profile_process) == 24 + 8 * (8 + PROFILE_KIND_COUNT),
	       "without gaps, it can be compared as bytes");

/* Were the totals true? */
static enum profile_status end_process(struct profile *profile, struct error *error)
{
	const struct profile_process *said = &profile->record->process;
	struct profile_process totals = profile->heap.totals;

	totals.start = said->start;
	totals.end = said->end;
	totals.parent = said->parent;
	totals.failed_count = said->failed_count;
	totals.foreign_count = said->foreign_count;
	totals.lost_count = said->lost_count;
	if (memcmp(&totals, said, sizeof totals) != 0) {
		(void)bad_event(profile, "the index says other totals than its events", error);
		return fail(profile);
	}
	profile->record = NULL;
	return PROFILE_DONE;
}

static bool is_within_totals(const struct profile *profile)
{
	const struct profile_process *totals = &profile->heap.totals;
	const struct profile_process *said = &profile->record->process;

	return totals->event_count <= said->event_count &&
	       totals->most_blocks <= said->most_blocks &&
	       totals->thread_count <= said->thread_count &&
	       totals->stack_count <= said->stack_count;
}

enum profile_status profile_next(struct profile *profile, struct profile_event *event,
				 struct error *error)
{
	uint8_t operation;

	if (profile->record == NULL) {
		(void)bad(profile, error, "no process was begun");
		return PROFILE_BAD;
	}
	do {
		if (profile->next == profile->end) {
			if (profile->offset == profile->record->offset + profile->record->bytes)
				return end_process(profile, error);
			if (!next_chunk(profile, error))
				return fail(profile);
		}
		operation = *profile->next++;
		if ((operation & 7) > FORMAT_CONTEXT ||
		    !((operation & 7) == FORMAT_CONTEXT ? take_context(profile, operation >> 3)
							: get_event(profile, operation, event))) {
			(void)bad_event(profile, "what follows is no event", error);
			return fail(profile);
		}
	} while ((operation & 7) == FORMAT_CONTEXT);
	profile->stack = PROFILE_NONE;
	if (!heap_apply(&profile->heap, event, error)) {
		const struct error reason = *error;

		(void)bad_event(profile, reason.text, error);
		return fail(profile);
	}
	if (!is_within_totals(profile)) {
		(void)bad_event(profile, "the index says fewer than its events", error);
		return fail(profile);
	}
	return PROFILE_EVENT;
}

/* The command stands at the beginning of the first chunk. */
static bool read_command(struct profile *profile, struct error *error)
{
	if (!profile->facts.has_names || profile->record->bytes == 0)
		return true;
	if (!next_chunk(profile, error))
		return false;
	while (profile->next < profile->end &&
	       *profile->next == (FORMAT_CONTEXT | FORMAT_COMMAND << 3)) {
		profile->next++;
		if (!add_command(profile))
			return bad_event(profile, "its command is damaged", error);
	}
	return true;
}

bool profile_begin(struct profile *profile, uint32_t process, struct error *error)
{
	profile->record = NULL;
	if (process >= profile->facts.process_count)
		return bad(profile, error, "no process %" PRIu32 "; it has %" PRIu32, process,
			   profile->facts.process_count);
	profile->record = record_of(profile, process);
	profile->offset = profile->record->offset;
	profile->next = NULL;
	profile->end = NULL;
	heap_clear(&profile->heap);
	profile->thread = 0;
	profile->stack = PROFILE_NONE;
	profile->frame_count = 0;
	profile->module_count = 0;
	profile->text_bytes = 0;
	profile->command_bytes = 0;
	if (read_command(profile, error))
		return true;
	profile->record = NULL;
	return false;
}

size_t profile_stack(const struct profile *profile, uint32_t stack,
		     struct profile_frame frames[PROFILE_MOST_FRAMES])
{
	const struct stack *of = (const struct stack *)profile->stacks.start + stack;

	if (stack >= profile->heap.totals.stack_count)
		return 0;
	for (uint32_t i = 0; i < of->count; i++) {
		const struct frame *frame =
			(const struct frame *)profile->frames.start + of->first + i;
		const uint32_t text = ((const uint32_t *)profile->modules.start)[frame->module];

		frames[i] = (struct profile_frame){
			.module = (const char *)profile->texts.start + text,
			.offset = frame->offset,
		};
	}
	return of->count;
}

const char *profile_command(const struct profile *profile, size_t *bytes)
{
	*bytes = profile->command_bytes;
	return profile->command_bytes == 0 ? NULL : profile->command.start;
}
