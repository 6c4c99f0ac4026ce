#include "harness/profile/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "harness/profile/format.h"
#include "harness/profile/heap.h"

/* The best that keeps up with the rest of the work. */
#define LEVEL 4

struct profile_writer {
	int fd;
	char path[PATH_MAX];
	struct format_header header;
	uint64_t offset; /* of what is written next */
	z_stream deflate;
	struct memory records; /* of format_record, of the processes so far */
	struct format_record record;
	struct heap heap;
	uint32_t thread;
	uint32_t module_count;
	size_t used; /* of `chunk` */
	uint8_t chunk[FORMAT_CHUNK_BYTES];
	uint8_t packed[FORMAT_CHUNK_HEADER_BYTES + FORMAT_PACKED_BYTES];
};

struct profile_writer *profile_create(const char *path, const struct profile_facts *facts,
				      struct error *error)
{
	struct profile_writer *writer = calloc(1, sizeof *writer);

	if (writer == NULL || strlen(path) >= sizeof writer->path ||
	    deflateInit(&writer->deflate, LEVEL) != Z_OK) {
		free(writer);
		(void)error_set(error, "no memory to write %s", path);
		return NULL;
	}
	(void)strcpy(writer->path, path);
	writer->offset = FORMAT_HEADER_BYTES;
	writer->header = (struct format_header){
		.version = PROFILE_VERSION,
		.flags = (facts->has_stacks ? FORMAT_STACKS : 0) |
			 (facts->has_names ? FORMAT_NAMES : 0),
		.word_bits = facts->word_bits,
		.page_bytes = facts->page_bytes,
	};
	writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (writer->fd < 0) {
		(void)error_set(error, "%s cannot be made: %s", path, strerror(errno));
		profile_discard(writer);
		return NULL;
	}
	return writer;
}

void profile_discard(struct profile_writer *writer)
{
	if (writer->fd >= 0)
		(void)close(writer->fd);
	(void)deflateEnd(&writer->deflate);
	memory_release(&writer->records);
	heap_release(&writer->heap);
	free(writer);
}

static bool write_at(struct profile_writer *writer, const uint8_t *bytes, size_t size,
		     uint64_t offset, struct error *error)
{
	while (size > 0) {
		ssize_t done = pwrite(writer->fd, bytes, size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return error_set(error, "%s cannot be written: %s", writer->path,
					 strerror(done == 0 ? ENOSPC : errno));
		bytes += done;
		size -= (size_t)done;
		offset += (uint64_t)done;
	}
	return true;
}

static bool append(struct profile_writer *writer, const uint8_t *bytes, size_t size,
		   struct error *error)
{
	if (!write_at(writer, bytes, size, writer->offset, error))
		return false;
	writer->offset += size;
	return true;
}

static bool flush_chunk(struct profile_writer *writer, struct error *error)
{
	z_stream *deflater = &writer->deflate;
	size_t packed;

	if (writer->used == 0)
		return true;
	(void)deflateReset(deflater);
	deflater->next_in = writer->chunk;
	deflater->avail_in = (uInt)writer->used;
	deflater->next_out = writer->packed + FORMAT_CHUNK_HEADER_BYTES;
	deflater->avail_out = FORMAT_PACKED_BYTES;
	if (deflate(deflater, Z_FINISH) != Z_STREAM_END)
		return error_set(error, "%s: zlib could not compress", writer->path);
	packed = FORMAT_PACKED_BYTES - deflater->avail_out;
	format_put32(writer->packed, (uint32_t)packed);
	format_put32(writer->packed + 4, (uint32_t)writer->used);
	writer->used = 0;
	return append(writer, writer->packed, FORMAT_CHUNK_HEADER_BYTES + packed, error);
}

/* ---- operations ---- */

/* Room for one more operation. */
static bool reserve(struct profile_writer *writer, struct error *error)
{
	return writer->used + FORMAT_OPERATION_BYTES <= sizeof writer->chunk ||
	       flush_chunk(writer, error);
}

static void put_byte(struct profile_writer *writer, uint8_t byte)
{
	writer->chunk[writer->used++] = byte;
}

static void put_varint(struct profile_writer *writer, uint64_t value)
{
	while (value >= 128) {
		put_byte(writer, (uint8_t)(value | 128));
		value >>= 7;
	}
	put_byte(writer, (uint8_t)value);
}

static void put_operation(struct profile_writer *writer, unsigned operation, uint64_t number)
{
	const unsigned small = number < 31 ? (unsigned)number : 31;

	put_byte(writer, (uint8_t)(operation | small << 3));
	if (small == 31)
		put_varint(writer, number - 31);
}

static void put_text(struct profile_writer *writer, enum format_context context, const char *text,
		     size_t bytes)
{
	put_operation(writer, FORMAT_CONTEXT, context);
	put_varint(writer, bytes);
	memcpy(writer->chunk + writer->used, text, bytes);
	writer->used += bytes;
}

static void put_touched(struct profile_writer *writer, const struct profile_event *event)
{
	const uint64_t page_bytes = writer->header.page_bytes;

	if (event->bytes < PROFILE_TOUCH_BYTES)
		return;
	put_varint(writer, event->touched_bytes == PROFILE_UNKNOWN
				   ? 0
				   : 1 + (event->touched_bytes + page_bytes - 1) / page_bytes);
}

static void put_event(struct profile_writer *writer, const struct profile_event *event)
{
	if (event->kind == PROFILE_FREE) {
		put_operation(writer, FORMAT_FREE, event->block);
		return;
	}
	put_operation(writer, event->kind, event->bytes);
	if (event->kind == PROFILE_ALIGNED)
		put_byte(writer, (uint8_t)__builtin_ctzll(event->alignment));
	if (event->kind == PROFILE_REALLOC)
		put_varint(writer, 2 * (uint64_t)event->block + event->moved);
	put_touched(writer, event);
}

bool profile_write(struct profile_writer *writer, struct profile_event *event, struct error *error)
{
	if (!reserve(writer, error) || !heap_apply(&writer->heap, event, error))
		return false;
	if (event->thread != writer->thread) {
		put_operation(writer, FORMAT_CONTEXT, FORMAT_THREAD);
		put_varint(writer, event->thread);
		writer->thread = event->thread;
	}
	if (event->stack != PROFILE_NONE && event->kind != PROFILE_FREE) {
		put_operation(writer, FORMAT_CONTEXT, FORMAT_STACK);
		put_varint(writer, event->stack);
	}
	put_event(writer, event);
	return true;
}

bool profile_write_module(struct profile_writer *writer, const char *path, struct error *error)
{
	const size_t bytes = strlen(path);

	if (!reserve(writer, error))
		return false;
	writer->module_count++;
	put_text(writer, FORMAT_DEFINE_MODULE, path,
		 bytes < FORMAT_TEXT_BYTES ? bytes : FORMAT_TEXT_BYTES);
	return true;
}

bool profile_write_stack(struct profile_writer *writer, const struct profile_writer_frame *frames,
			 size_t count, struct error *error)
{
	if (!reserve(writer, error))
		return false;
	if (writer->heap.totals.stack_count == PROFILE_MOST_STACKS)
		return error_set(error, "more than %d stacks in one process", PROFILE_MOST_STACKS);
	writer->heap.totals.stack_count++;
	put_operation(writer, FORMAT_CONTEXT, FORMAT_DEFINE_STACK);
	put_varint(writer, count);
	for (size_t i = 0; i < count; i++) {
		put_varint(writer, frames[i].module);
		put_varint(writer, frames[i].offset);
	}
	return true;
}

/* ---- processes ---- */

bool profile_write_process(struct profile_writer *writer, enum profile_start start, uint32_t parent,
			   const char *command, size_t bytes, struct error *error)
{
	if (writer->header.process_count == PROFILE_MOST_PROCESSES)
		return error_set(error, "more than %d processes", PROFILE_MOST_PROCESSES);
	heap_clear(&writer->heap);
	writer->heap.totals.start = start;
	writer->heap.totals.parent = parent;
	writer->record = (struct format_record){.offset = writer->offset};
	writer->thread = 0;
	writer->module_count = 0;
	if (bytes > PROFILE_MOST_COMMAND)
		bytes = PROFILE_MOST_COMMAND;
	while (bytes > 0) {
		const size_t piece = bytes < FORMAT_TEXT_BYTES ? bytes : FORMAT_TEXT_BYTES;

		if (!reserve(writer, error))
			return false;
		put_text(writer, FORMAT_COMMAND, command, piece);
		command += piece;
		bytes -= piece;
	}
	return true;
}

bool profile_write_end(struct profile_writer *writer, struct profile_process *ended,
		       struct error *error)
{
	struct profile_process *process = &writer->record.process;
	const size_t at = writer->header.process_count * sizeof writer->record;

	if (!flush_chunk(writer, error))
		return false;
	*process = writer->heap.totals;
	process->end = ended->end;
	process->failed_count = ended->failed_count;
	process->foreign_count = ended->foreign_count;
	process->lost_count = ended->lost_count;
	*ended = *process;
	writer->record.bytes = writer->offset - writer->record.offset;
	if (!memory_reserve(&writer->records, at + sizeof writer->record))
		return error_set(error, "no memory for %u processes",
				 (unsigned)writer->header.process_count + 1);
	memcpy((char *)writer->records.start + at, &writer->record, sizeof writer->record);
	writer->header.process_count++;
	return true;
}

/* The index, and its CRC-32. */
static bool write_index(struct profile_writer *writer, uint64_t *event_count, struct error *error)
{
	const struct format_record *records = writer->records.start;
	uLong crc = crc32(0, NULL, 0);
	uint8_t bytes[FORMAT_RECORD_BYTES];

	writer->header.index_offset = writer->offset;
	*event_count = 0;
	for (uint32_t i = 0; i < writer->header.process_count; i++) {
		*event_count += records[i].process.event_count;
		format_put_record(&records[i], bytes);
		crc = crc32(crc, bytes, sizeof bytes);
		if (!append(writer, bytes, sizeof bytes, error))
			return false;
	}
	format_put32(bytes, (uint32_t)crc);
	return append(writer, bytes, 4, error);
}

bool profile_finish(struct profile_writer *writer, struct profile_facts *facts, struct error *error)
{
	struct format_header *header = &writer->header;
	uint8_t bytes[FORMAT_HEADER_BYTES];
	uint64_t event_count;
	bool ok = write_index(writer, &event_count, error);

	header->file_bytes = writer->offset;
	format_put_header(header, bytes);
	ok = ok && write_at(writer, bytes, sizeof bytes, 0, error);
	if (ok && fsync(writer->fd) != 0 && errno != EINVAL && errno != EROFS)
		ok = error_set(error, "%s cannot be written: %s", writer->path, strerror(errno));
	if (ok && facts != NULL)
		*facts = (struct profile_facts){
			.process_count = header->process_count,
			.word_bits = header->word_bits,
			.page_bytes = header->page_bytes,
			.has_stacks = (header->flags & FORMAT_STACKS) != 0,
			.has_names = (header->flags & FORMAT_NAMES) != 0,
			.event_count = event_count,
			.file_bytes = header->file_bytes,
		};
	profile_discard(writer);
	return ok;
}
