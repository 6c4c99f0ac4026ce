/*
 * raw_reader.h - the files that the recorder left in a folder, in the order in which their
 * processes began.
 */
#ifndef GROWBENCH_HARNESS_RECORD_RAW_READER_H
#define GROWBENCH_HARNESS_RECORD_RAW_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/record/raw_file.h"

#define RAW_NO_PARENT UINT32_MAX

struct raw_process {
	char *path;
	int32_t pid;
	int32_t parent_pid;
	uint64_t start_ns;
	uint64_t lost_count;
	uint32_t page_bytes;
	enum raw_end end;
	bool forked;
	bool replaced;   /* a later process is the same, after exec */
	uint32_t parent; /* in the list, or RAW_NO_PARENT */
};

struct raw_processes {
	struct raw_process *items;
	uint32_t count;
};

/* False with a message; what it lists is to be released either way. A file without a whole header
 * is left out: its process was ended before it did anything. */
bool raw_processes_list(const char *folder, struct raw_processes *processes, struct error *error);
void raw_processes_release(struct raw_processes *processes);

/* All that stands in the file beside a process's, with a '\0' behind; NULL if there is none. To be
 * freed with g_free. */
char *raw_beside(const struct raw_process *process, const char *suffix, size_t *bytes);

/* ---- the events of one ---- */

enum {
	/* That are read at once, and of those before, whose followers are not read yet. */
	RAW_READ_EVENTS = 1 << 16,
	RAW_AHEAD = 2
};

struct raw_plain_event {
	uint64_t first;
	uint64_t second;
};

struct raw_reader {
	int fd;
	const char *path;
	uint64_t offset;
	size_t next;
	size_t count;
	/* With events that are not written behind the last. */
	struct raw_plain_event events[RAW_READ_EVENTS + RAW_AHEAD];
};

bool raw_reader_open(struct raw_reader *reader, const struct raw_process *process,
		     struct error *error);
void raw_reader_close(struct raw_reader *reader);

/* The next event, behind which RAW_AHEAD others can be looked at; one that was not written is among
 * them. NULL at the end, or with *failed and the error set. */
const struct raw_plain_event *raw_reader_next(struct raw_reader *reader, bool *failed,
					      struct error *error);

#endif
