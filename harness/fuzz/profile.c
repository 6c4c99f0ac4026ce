/*
 * profile - a profile of a program: any file, or any operations of a process in a file whose
 * checksums are true.
 *
 * What is read ends with a message, or has been events that a process can have had: no block that
 * does not live is freed or resized, a new one has a number that is free, numbers of blocks,
 * threads and stacks are dense. Events that were read whole are the same after they were written
 * anew.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "fuzz.h"
#include "harness/profile/analysis.h"
#include "harness/profile/format.h"
#include "harness/profile/writer.h"

enum {
	/* No input has more. */
	MOST_EVENTS = 1 << 16
};

static char path[PATH_MAX];
static char again[PATH_MAX];
static struct profile_event events[MOST_EVENTS];
static struct {
	uint64_t bytes[MOST_EVENTS];
	bool live[MOST_EVENTS];
	uint32_t most_blocks;
	uint32_t threads;
} account;

void fuzz_prepare(void)
{
	const char *folder = fuzz_folder();

	(void)snprintf(path, sizeof path, "%s/profile", folder);
	(void)snprintf(again, sizeof again, "%s/again", folder);
}

static void check_event(const struct profile_event *event)
{
	MUST(event->kind < PROFILE_KIND_COUNT);
	MUST(event->thread <= account.threads);
	account.threads += event->thread == account.threads;
	MUST(event->bytes <= PROFILE_MOST_BYTES);
	MUST(event->block <= account.most_blocks);
	MUST(event->touched_bytes == PROFILE_UNKNOWN ||
	     (event->bytes >= PROFILE_TOUCH_BYTES && event->touched_bytes <= event->bytes));
	if (profile_makes_block(event->kind)) {
		MUST(!account.live[event->block]);
		account.most_blocks += event->block == account.most_blocks;
		account.live[event->block] = true;
		MUST(event->old_bytes == 0);
	} else {
		MUST(account.live[event->block]);
		MUST((event->kind == PROFILE_FREE ? event->bytes : event->old_bytes) ==
		     account.bytes[event->block]);
		account.live[event->block] = event->kind == PROFILE_REALLOC;
	}
	account.bytes[event->block] = event->bytes;
	MUST((event->alignment != 0) == (event->kind == PROFILE_ALIGNED));
}

static void check_stack(const struct profile *profile, uint32_t stack)
{
	struct profile_frame frames[PROFILE_MOST_FRAMES];
	const size_t count = profile_stack(profile, stack, frames);

	MUST(count <= PROFILE_MOST_FRAMES);
	for (size_t i = 0; i < count; i++)
		MUST(strlen(frames[i].module) <= FORMAT_TEXT_BYTES);
}

/* What is said of a process that was read whole agrees with its totals, and with itself. */
static void check_analysis(struct profile *profile, struct error *error)
{
	const struct profile_process *process = profile_process(profile, 0);
	struct analysis analysis;
	const struct growth_group *all;

	MUST(analysis_make(profile, 0, 4, 16, &analysis, error));
	all = growth_all(analysis.growth);
	MUST(analysis.recorded.live_bytes == process->most_bytes);
	MUST(analysis.recorded.moving_bytes >= process->most_bytes);
	MUST(analysis.totals.enlarged.count + analysis.totals.not_enlarged.count ==
	     process->kind_counts[PROFILE_REALLOC]);
	MUST(all->reallocs.count <= process->kind_counts[PROFILE_REALLOC]);
	MUST(all->block_count <= all->reallocs.count);
	MUST(growth_group_count(analysis.growth) <= all->block_count);
	analysis_release(&analysis);
}

/* Reads the first process. How many events there were, and what came behind. */
static size_t read_events(const char *from, enum profile_status *status, struct error *error)
{
	struct profile *profile = profile_open(from, error);
	struct profile_event event;
	size_t count = 0;

	*status = PROFILE_DONE;
	account.most_blocks = 0;
	account.threads = 0;
	memset(account.live, 0, sizeof account.live);
	if (profile == NULL ||
	    (profile_facts(profile)->process_count > 0 && !profile_begin(profile, 0, error)))
		*status = PROFILE_BAD;
	else if (profile_facts(profile)->process_count > 0)
		while ((*status = profile_next(profile, &event, error)) == PROFILE_EVENT) {
			check_event(&event);
			check_stack(profile, event.stack);
			MUST(count < MOST_EVENTS);
			events[count++] = event;
		}
	if (*status == PROFILE_DONE && count > 0)
		check_analysis(profile, error);
	profile_close(profile);
	return count;
}

/* zlib's data that is not compressed: cheaper to make, and read in the same way. */
static size_t put_stored(uint8_t *to, const uint8_t *data, size_t size)
{
	const uint32_t sum = (uint32_t)adler32(1, data, (uInt)size);
	const uint8_t header[] = {0x78,
				  0x01,
				  1,
				  (uint8_t)size,
				  (uint8_t)(size >> 8),
				  (uint8_t)~size,
				  (uint8_t)(~size >> 8)};
	const uint8_t trailer[] = {(uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8),
				   (uint8_t)sum};

	memcpy(to, header, sizeof header);
	memcpy(to + sizeof header, data, size);
	memcpy(to + sizeof header + size, trailer, sizeof trailer);
	return sizeof header + size + sizeof trailer;
}

/* A file of one process with these operations, whose totals nothing exceeds. */
static void forge(const uint8_t *operations, size_t size)
{
	static uint8_t file[1 << 17];
	struct format_record record = {.offset = FORMAT_HEADER_BYTES,
				       .process = {.parent = PROFILE_NONE,
						   .thread_count = PROFILE_MOST_THREADS,
						   .most_blocks = PROFILE_MOST_BLOCKS,
						   .stack_count = PROFILE_MOST_STACKS,
						   .event_count = INT64_MAX}};
	struct format_header header = {.version = PROFILE_VERSION,
				       .flags = FORMAT_STACKS | FORMAT_NAMES,
				       .word_bits = 64,
				       .page_bytes = 4096,
				       .process_count = 1};
	uint8_t *next = file + FORMAT_HEADER_BYTES;
	const size_t packed = put_stored(next + FORMAT_CHUNK_HEADER_BYTES, operations, size);

	format_put32(next, (uint32_t)packed);
	format_put32(next + 4, (uint32_t)size);
	record.bytes = FORMAT_CHUNK_HEADER_BYTES + packed;
	next += record.bytes;
	header.index_offset = (uint64_t)(next - file);
	format_put_record(&record, next);
	format_put32(next + FORMAT_RECORD_BYTES, (uint32_t)crc32(0, next, FORMAT_RECORD_BYTES));
	header.file_bytes = header.index_offset + FORMAT_RECORD_BYTES + 4;
	format_put_header(&header, file);
	fuzz_write(path, file, header.file_bytes);
}

static bool is_same(const struct profile_event *a, const struct profile_event *b)
{
	return a->kind == b->kind && a->thread == b->thread && a->block == b->block &&
	       a->bytes == b->bytes && a->old_bytes == b->old_bytes &&
	       a->alignment == b->alignment && a->touched_bytes == b->touched_bytes &&
	       a->moved == b->moved;
}

/* Without stacks, which the events name and are not here any more. */
static void write_again(size_t count)
{
	const struct profile_facts facts = {.word_bits = 64, .page_bytes = 4096};
	struct profile_event *copies = malloc((count + 1) * sizeof *copies);
	struct profile_process ended = {.end = PROFILE_EXITED};
	struct profile_writer *writer;
	enum profile_status status;
	struct error error;

	MUST(copies != NULL);
	(void)unlink(again);
	writer = profile_create(again, &facts, &error);
	MUST(writer != NULL &&
	     profile_write_process(writer, PROFILE_STARTED, PROFILE_NONE, NULL, 0, &error));
	for (size_t i = 0; i < count; i++) {
		copies[i] = events[i];
		copies[i].stack = PROFILE_NONE;
		MUST(profile_write(writer, &copies[i], &error));
		MUST(is_same(&copies[i], &events[i]));
	}
	MUST(profile_write_end(writer, &ended, &error) && profile_finish(writer, NULL, &error));
	MUST(read_events(again, &status, &error) == count && status == PROFILE_DONE);
	for (size_t i = 0; i < count; i++)
		MUST(is_same(&copies[i], &events[i]));
	free(copies);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum profile_status status;
	struct error error = {""};
	size_t count;

	/* No operation begins like that. */
	if (size > 0 && data[0] == FORMAT_MAGIC[0]) {
		fuzz_write(path, data, size);
		(void)read_events(path, &status, &error);
		MUST(status == PROFILE_DONE || error.text[0] != '\0');
		return 0;
	}
	if (size == 0 || size > MOST_EVENTS / 2)
		return 0;
	forge(data, size);
	count = read_events(path, &status, &error);
	/* Its totals are nobody's. */
	MUST(status == PROFILE_BAD && error.text[0] != '\0');
	if (strstr(error.text, "other totals") != NULL)
		write_again(count);
	return 0;
}
