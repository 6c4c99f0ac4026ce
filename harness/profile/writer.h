/*
 * writer.h - writes a profile: process by process, each with its events in order.
 *
 *     writer = profile_create(path, &settings, &error);
 *     for each process
 *             profile_write_process(...); then profile_write(...) for each event
 *             profile_write_end(...);
 *     profile_finish(writer, &error);
 *
 * A false answer comes with a message, and leaves nothing to do but profile_discard. The file is no
 * profile before profile_finish.
 */
#ifndef GROWBENCH_HARNESS_PROFILE_WRITER_H
#define GROWBENCH_HARNESS_PROFILE_WRITER_H

#include "harness/profile/profile.h"

struct profile_writer;

/* Makes the file, which must not be there yet. has_stacks, has_names, word_bits and page_bytes of
 * `facts` hold for it; the others are not looked at. NULL with a message. */
struct profile_writer *profile_create(const char *path, const struct profile_facts *facts,
				      struct error *error);

/* Closes it and frees all. */
void profile_discard(struct profile_writer *writer);

/* Completes the file, and closes and frees as profile_discard does, whatever it returns. *facts, if
 * not NULL, is what the file says then. */
bool profile_finish(struct profile_writer *writer, struct profile_facts *facts,
		    struct error *error);

/* The next process: `parent` as in profile_process. `command`: as in profile_command, of `bytes`;
 * what is longer than PROFILE_MOST_COMMAND is cut. NULL: none. */
bool profile_write_process(struct profile_writer *writer, enum profile_start start, uint32_t parent,
			   const char *command, size_t bytes, struct error *error);

/* A module's number is how many there were before in this process. */
bool profile_write_module(struct profile_writer *writer, const char *path, struct error *error);

/* The module of each frame by its number, and the offset. A stack's number is how many there were
 * before. */
struct profile_writer_frame {
	uint32_t module;
	uint64_t offset;
};
bool profile_write_stack(struct profile_writer *writer, const struct profile_writer_frame *frames,
			 size_t count, struct error *error);

/*
 * An event: kind, thread, stack, bytes, alignment, touched_bytes and moved of it count, and of
 * PROFILE_REALLOC and PROFILE_FREE block. Sets block and old_bytes, and of PROFILE_FREE bytes.
 */
bool profile_write(struct profile_writer *writer, struct profile_event *event, struct error *error);

/* No more events of this process: `ended` has its end, failed_count, foreign_count and lost_count;
 * its other members are filled in. */
bool profile_write_end(struct profile_writer *writer, struct profile_process *ended,
		       struct error *error);

#endif
