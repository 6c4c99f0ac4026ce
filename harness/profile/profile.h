/*
 * profile.h - reads a profile: what the processes of a program asked of their allocators, in order.
 *
 * `growbench record` writes such a file; README.md says how it is laid out. It holds sizes, order,
 * lifetimes and threads. It holds no time, no address and nothing that stood in a block, and names
 * only if they were asked for.
 *
 *     struct profile *profile = profile_open(path, &error);
 *     for (uint32_t i = 0; i < profile_facts(profile)->process_count; i++) {
 *             profile_begin(profile, i, &error);
 *             while ((status = profile_next(profile, &event, &error)) == PROFILE_EVENT)
 *                     ...
 *     }
 *     profile_close(profile);
 *
 * A file is believed in nothing: each event is one that its process could have had, or reading ends
 * with PROFILE_BAD and a message. So a caller may index arrays of profile_process(...)->most_blocks
 * by event.block, and of thread_count by event.thread. But sizes are what the program asked for,
 * and can be any: what is to be allocated has to be bounded by the caller.
 *
 * Memory: half a MiB, at most 16 bytes for each block that is live at once, and the tables of
 * processes and stacks, however many events there are. All of it comes from the kernel: nothing
 * here calls malloc, so that a profile can be read beside an allocator that is measured.
 */
#ifndef GROWBENCH_HARNESS_PROFILE_H
#define GROWBENCH_HARNESS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"

enum {
	PROFILE_VERSION = 1,
	/* How much of a block was touched is known from this size on. */
	PROFILE_TOUCH_BYTES = 128 * 1024,
	PROFILE_MOST_PROCESSES = 1 << 20,
	PROFILE_MOST_THREADS = 1 << 20,  /* of a process, in all its life */
	PROFILE_MOST_BLOCKS = 1 << 28,   /* of a process, live at once */
	PROFILE_MOST_STACKS = 1 << 20,   /* of a process */
	PROFILE_MOST_FRAMES = 32,        /* of a stack */
	PROFILE_MOST_COMMAND = 64 << 10, /* bytes of a program's name and arguments */
	/* Alignments are powers of two, at most this one. */
	PROFILE_MOST_ALIGNMENT = 1 << 30,
};

/* No size is larger, on any system; the totals of all events do not overflow. */
#define PROFILE_MOST_BYTES ((uint64_t)1 << 47)

/* Of what is not known. */
#define PROFILE_UNKNOWN UINT64_MAX
#define PROFILE_NONE UINT32_MAX

enum profile_kind {
	PROFILE_MALLOC, /* operator new included */
	PROFILE_CALLOC,
	PROFILE_ALIGNED,     /* aligned_alloc, posix_memalign, memalign, valloc, aligned new */
	PROFILE_REALLOC_NEW, /* realloc(NULL, n): makes a block, as the kinds above do */
	PROFILE_REALLOC,     /* of a block that lives; it goes on under its number */
	PROFILE_FREE,        /* operator delete and realloc(p, 0) that freed included */
	PROFILE_KIND_COUNT
};

/* "malloc", "calloc", "aligned", "realloc_new", "realloc", "free". */
extern const char *const profile_kind_names[PROFILE_KIND_COUNT];

/* A call that succeeded. */
struct profile_event {
	enum profile_kind kind;
	uint32_t thread; /* from 0, in the order of their first events */
	/* The block's number while it lives, below most_blocks of its process; free afterwards for
	 * the next new block. */
	uint32_t block;
	/* Where the call came from: for profile_stack(). PROFILE_NONE: not recorded. */
	uint32_t stack;
	uint64_t bytes;     /* requested; of a free, what the block had */
	uint64_t old_bytes; /* of a realloc: what it had before; else 0 */
	uint64_t alignment; /* of PROFILE_ALIGNED; else 0 */
	/* Of what makes or resizes a block of PROFILE_TOUCH_BYTES or more: how many of its bytes
	 * lay in pages that were there when it was next resized or freed, or when its process
	 * ended. PROFILE_UNKNOWN: it was not looked at, or the block is smaller. */
	uint64_t touched_bytes;
	/* Of a realloc: did the block move, under the allocator that the program was recorded
	 * with? */
	bool moved;
};

/* Does an event of the kind make a block? */
static inline bool profile_makes_block(enum profile_kind kind)
{
	return kind <= PROFILE_REALLOC_NEW;
}

/* How a process came to be. */
enum profile_start {
	PROFILE_STARTED, /* as the first one, or by exec */
	PROFILE_FORKED   /* what it had from its parent's heap is not in its events */
};

/* Until when it was recorded. */
enum profile_end {
	PROFILE_EXITED,   /* to its end */
	PROFILE_REPLACED, /* until it became another program, by exec */
	PROFILE_KILLED,   /* until it was ended without notice: by a signal, or it still ran */
	PROFILE_LIMITED,  /* until the limit of disk space */
	PROFILE_NO_SPACE  /* until the disk, or the memory, was full, or files could not be had */
};

/* "exited", "replaced", "killed", "limited", "no_space". */
extern const char *const profile_end_names[];

/* Totals of a process; they are true of its events, or reading these ends with PROFILE_BAD. */
struct profile_process {
	enum profile_start start;
	enum profile_end end;
	uint32_t parent;       /* the process that it was forked from, or was before exec, or that
				  started it; below its own number. PROFILE_NONE: none is known */
	uint32_t thread_count; /* of those with events */
	uint32_t most_blocks;  /* live at once */
	uint32_t stack_count;
	uint64_t event_count;
	uint64_t kind_counts[PROFILE_KIND_COUNT];
	uint64_t requested_bytes; /* by all that makes a block, and by what realloc added */
	uint64_t most_bytes;      /* requested, live at once */
	uint64_t largest_bytes;   /* of one block */
	uint64_t moved_count;     /* of the reallocs */
	/* Calls that are no events: */
	uint64_t failed_count;  /* returned no memory */
	uint64_t foreign_count; /* freed or resized a block from before the record of the process; a
				   foreign block that is resized is recorded as a new one */
	uint64_t lost_count; /* events that contradict others: as of a thread that was killed within
				a call */
};

/* What is true of the whole file. */
struct profile_facts {
	uint32_t process_count;
	uint32_t word_bits; /* of the recorded programs: 32 or 64 */
	uint32_t page_bytes;
	bool has_stacks;
	bool has_names;
	uint64_t event_count; /* of all processes */
	uint64_t file_bytes;
};

struct profile;

/* NULL with a message: no such file, no profile, another version, cut, or forged. */
struct profile *profile_open(const char *path, struct error *error);

/* NULL is allowed. */
void profile_close(struct profile *profile);

const struct profile_facts *profile_facts(const struct profile *profile);

/* Below process_count, in the order in which they began: a parent comes before its children. */
const struct profile_process *profile_process(const struct profile *profile, uint32_t process);

/* The process with the most events, which is the one that a program is about; 0 if none has any. */
uint32_t profile_main_process(const struct profile *profile);

/* Goes to the first event of a process: of any, also of one that was read before. False with a
 * message. */
bool profile_begin(struct profile *profile, uint32_t process, struct error *error);

enum profile_status {
	PROFILE_EVENT, /* there is one */
	PROFILE_DONE,  /* there are no more of this process; all of its totals were true */
	PROFILE_BAD    /* the file is damaged or forged: the message says where and how */
};

/* The next event of the process that was begun. After anything but PROFILE_EVENT only
 * profile_begin goes on. */
enum profile_status profile_next(struct profile *profile, struct profile_event *event,
				 struct error *error);

/* ---- what is there on request ---- */

/* A program or a library by its number, and the call's place in it: what addr2line takes. */
struct profile_frame {
	const char *module; /* its path; "" where the code lies in no file */
	uint64_t offset;    /* from where the file is loaded; of the instruction after the call */
};

/* The frames of a stack of the process that was begun, the innermost first: how many there are, at
 * most PROFILE_MOST_FRAMES, in `frames`. Of stacks that events named so far; 0 of others. The texts
 * belong to the profile until it begins another process. */
size_t profile_stack(const struct profile *profile, uint32_t stack,
		     struct profile_frame frames[PROFILE_MOST_FRAMES]);

/* The program and its arguments, by which a process was started, each ended by '\0', `*bytes` in
 * all. After profile_begin; NULL if names are not recorded. */
const char *profile_command(const struct profile *profile, size_t *bytes);

#endif
