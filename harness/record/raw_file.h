/*
 * raw_file.h - what the recorder writes while a program runs, and convert.h reads afterwards.
 *
 * A folder holds RAW_SETTINGS, which the processes share, and for each process that was recorded a
 * file PID-N: a header, then events of 16 bytes, in the order of the calls in all threads. Files
 * are mapped, so that what was written is there whatever ends the process. An event that was not
 * written to its end is all zero, and so is what follows the last one.
 *
 * A file of another machine is never read: numbers are the processor's own.
 */
#ifndef GROWBENCH_HARNESS_RECORD_RAW_FILE_H
#define GROWBENCH_HARNESS_RECORD_RAW_FILE_H

#include <stdatomic.h>
#include <stdint.h>

/* Names the folder to the recorder. */
#define RAW_FOLDER_VARIABLE "GROWBENCH_RECORD"

#define RAW_SETTINGS "settings"

/* Of the command of a process, behind its file's name. */
#define RAW_COMMAND_SUFFIX ".command"
/* Of the paths of its modules, each ended by '\0'. */
#define RAW_MODULES_SUFFIX ".modules"

enum {
	RAW_VERSION = 1,
	/* Where events begin; a multiple of every page size. */
	RAW_HEADER_BYTES = 65536,
};

enum {
	RAW_STACKS = 1,
	RAW_NAMES = 2,
};

struct raw_settings {
	uint32_t version;
	uint32_t flags;
	uint64_t limit_bytes; /* of all processes */
	_Atomic uint64_t used_bytes;
};

/* Until when a process was recorded. */
enum raw_end {
	RAW_RUNNING, /* to an end that it did not announce */
	RAW_EXITED,
	RAW_LIMITED,
	RAW_NO_SPACE,
};

struct raw_header {
	uint32_t version;
	uint32_t page_bytes;
	int32_t pid;
	int32_t parent_pid;
	uint64_t start_ns; /* CLOCK_MONOTONIC, for the order of the processes */
	uint32_t forked;   /* or else it began with a program of its own */
	_Atomic uint32_t end;
	_Atomic uint64_t lost_count; /* events that could not be written */
};

enum raw_kind {
	RAW_NONE, /* not written */
	/* Made a block, after the call: address, bytes. */
	RAW_MALLOC,
	RAW_CALLOC,
	RAW_ALIGNED, /* and alignment */
	RAW_REALLOC_NEW,
	RAW_FREE, /* before the call: address */
	/* A realloc begins: the old address. It becomes one of the following when it ends, or,
	 * where it freed the block, RAW_FREE. */
	RAW_RESIZE_BEGUN,
	RAW_RESIZED,       /* in place: address, new bytes */
	RAW_MOVED_FROM,    /* the old address; the thread's next RAW_MOVED_TO is where */
	RAW_RESIZE_FAILED, /* the block is as it was */
	RAW_MOVED_TO,      /* the new address, new bytes */
	RAW_FAILED,        /* a call that was to make a block did not */
	/* Behind what made or resized a large block: the bytes in pages that were there when it was
	 * looked at, or RAW_UNKNOWN_BYTES. */
	RAW_TOUCHED,
	/* Behind what made or resized a block, and RAW_TOUCHED: the stack's number as bytes. */
	RAW_STACK,
	/* A frame of a stack: that stack's number as the address, the frame's module as the thread,
	 * its offset as bytes; the innermost first, all before the first RAW_STACK of that number
	 * in the same thread. */
	RAW_FRAME,
	RAW_KIND_COUNT
};

/* 48 bits, and no size of a block. */
#define RAW_UNKNOWN_BYTES (((uint64_t)1 << 48) - 1)

/*
 * first:  bits 0 to 3 the kind, 4 to 18 the thread's lower bits, 19 to 63 the address / 8
 * second: bits 0 to 47 bytes, 48 to 56 the thread's upper bits, 57 to 62 the alignment's logarithm
 */
struct raw_event {
	_Atomic uint64_t first;
	uint64_t second;
};

_Static_assert(sizeof(struct raw_event) == 16, "as the documents say");

enum {
	RAW_MOST_THREAD = (1 << 24) - 1
};

static inline uint64_t raw_first(enum raw_kind kind, uint32_t thread, uint64_t address)
{
	return (uint64_t)kind | (uint64_t)(thread & 0x7fff) << 4 | (address >> 3) << 19;
}

static inline uint64_t raw_second(uint32_t thread, uint64_t bytes, unsigned alignment_log2)
{
	return bytes | (uint64_t)(thread >> 15) << 48 | (uint64_t)alignment_log2 << 57;
}

static inline enum raw_kind raw_kind(uint64_t first)
{
	return (enum raw_kind)(first & 15);
}

static inline uint64_t raw_address(uint64_t first)
{
	return first >> 19 << 3;
}

static inline uint32_t raw_thread(uint64_t first, uint64_t second)
{
	return (uint32_t)(first >> 4 & 0x7fff) | (uint32_t)(second >> 48 & 0x1ff) << 15;
}

static inline uint64_t raw_bytes(uint64_t second)
{
	return second & RAW_UNKNOWN_BYTES;
}

static inline unsigned raw_alignment_log2(uint64_t second)
{
	return (unsigned)(second >> 57 & 63);
}

#endif
