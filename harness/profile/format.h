/*
 * format.h - how a profile lies in its file, for its reader and its writer. README.md explains it.
 *
 *     header    64 bytes
 *     chunks    of the first process, of the second, ...: each 8 bytes, then zlib's data
 *     index     a record for each process, then the CRC-32 of all of them
 *
 * Numbers have 4 or 8 bytes, the lowest first. The header is written last, so that a file that was
 * not finished has none.
 */
#ifndef GROWBENCH_HARNESS_PROFILE_FORMAT_H
#define GROWBENCH_HARNESS_PROFILE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "harness/profile/profile.h"

#define FORMAT_MAGIC "GROWPROF"

enum {
	FORMAT_MAGIC_BYTES = 8,
	FORMAT_HEADER_BYTES = 64,
	FORMAT_RECORD_BYTES = 176,
	FORMAT_CHUNK_HEADER_BYTES = 8,
	/* Of a chunk before compression. An operation lies in one chunk. */
	FORMAT_CHUNK_BYTES = 128 << 10,
	/* At least what deflate makes of a chunk that it cannot compress. */
	FORMAT_PACKED_BYTES = FORMAT_CHUNK_BYTES + 1024,
	/* No operation is longer: the longest is a piece of text. */
	FORMAT_OPERATION_BYTES = 1100,
	FORMAT_TEXT_BYTES = 1024,
};

/* Flags of the header. */
enum {
	FORMAT_STACKS = 1,
	FORMAT_NAMES = 2,
};

/*
 * An operation is a byte, whose lowest three bits say what it is, and upper five a small number or
 * how its first number begins: 0 to 30 are that number, 31 says that a varint follows of what it is
 * more than 31. A varint is seven bits a byte, the lowest first, with 128 added to all but the
 * last.
 */
enum format_operation {
	/* FORMAT_MALLOC to FORMAT_REALLOC_NEW are the kinds of profile.h: the size, of
	 * FORMAT_ALIGNED a byte with the alignment's logarithm, and of a size of
	 * PROFILE_TOUCH_BYTES and more the touched pages. The block's number is the one that was
	 * freed last, or, where all are taken, the next one. */
	FORMAT_MALLOC = PROFILE_MALLOC,
	FORMAT_CALLOC = PROFILE_CALLOC,
	FORMAT_ALIGNED = PROFILE_ALIGNED,
	FORMAT_REALLOC_NEW = PROFILE_REALLOC_NEW,
	/* The size; a varint of twice the block, plus 1 if it moved; the touched pages as above. */
	FORMAT_REALLOC = PROFILE_REALLOC,
	/* The block. */
	FORMAT_FREE = PROFILE_FREE,
	/* One of format_context, which is the small number. */
	FORMAT_CONTEXT = 6,
};

/* What holds for the events that follow. Touched pages are a varint: 0 if they are not known, else
 * one more than the pages. */
enum format_context {
	FORMAT_THREAD, /* a varint: the thread of all events from here on; 0 at the beginning */
	FORMAT_STACK,  /* a varint: the stack of the next event */
	FORMAT_DEFINE_STACK, /* the next number's: a varint of how many frames, of each two varints:
				its module and its offset */
	FORMAT_DEFINE_MODULE, /* the next number's: a varint of how many bytes, and a path */
	FORMAT_COMMAND,       /* the same of a piece of the command; before all events */
	FORMAT_CONTEXT_COUNT
};

/* A process in the index: where its chunks are, then profile_process in the order of its members,
 * each as 8 bytes, with the enumerations. */
struct format_record {
	uint64_t offset;
	uint64_t bytes;
	struct profile_process process;
};

/* What stands in the header. */
struct format_header {
	uint32_t version;
	uint32_t flags;
	uint32_t word_bits;
	uint32_t page_bytes;
	uint64_t file_bytes;
	uint64_t index_offset;
	uint32_t process_count;
};

void format_put_header(const struct format_header *header, uint8_t bytes[FORMAT_HEADER_BYTES]);

/* False if the header's own CRC-32 is another; the magic is for the caller to look at. */
bool format_get_header(const uint8_t bytes[FORMAT_HEADER_BYTES], struct format_header *header);

void format_put_record(const struct format_record *record, uint8_t bytes[FORMAT_RECORD_BYTES]);

/* False, with the error set, if a number is none that a process can have. */
bool format_get_record(const uint8_t bytes[FORMAT_RECORD_BYTES], struct format_record *record,
		       struct error *error);

static inline void format_put32(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t format_get32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static inline void format_put64(uint8_t *bytes, uint64_t value)
{
	format_put32(bytes, (uint32_t)value);
	format_put32(bytes + 4, (uint32_t)(value >> 32));
}

static inline uint64_t format_get64(const uint8_t *bytes)
{
	return format_get32(bytes) | (uint64_t)format_get32(bytes + 4) << 32;
}

#endif
