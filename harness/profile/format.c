#include "harness/profile/format.h"

#include <string.h>
#include <zlib.h>

const char *const profile_kind_names[PROFILE_KIND_COUNT] = {
	"malloc", "calloc", "aligned", "realloc_new", "realloc", "free",
};

const char *const profile_end_names[] = {
	"exited", "replaced", "killed", "limited", "no_space",
};

/* Where the members of a header stand. */
enum {
	AT_VERSION = 8,
	AT_FLAGS = 12,
	AT_WORD_BITS = 16,
	AT_PAGE_BYTES = 20,
	AT_FILE_BYTES = 24,
	AT_INDEX_OFFSET = 32,
	AT_PROCESS_COUNT = 40,
	AT_CRC = 60
};

static uint32_t header_crc(const uint8_t *bytes)
{
	return (uint32_t)crc32(0, bytes, AT_CRC);
}

void format_put_header(const struct format_header *header, uint8_t bytes[FORMAT_HEADER_BYTES])
{
	memset(bytes, 0, FORMAT_HEADER_BYTES);
	memcpy(bytes, FORMAT_MAGIC, FORMAT_MAGIC_BYTES);
	format_put32(bytes + AT_VERSION, header->version);
	format_put32(bytes + AT_FLAGS, header->flags);
	format_put32(bytes + AT_WORD_BITS, header->word_bits);
	format_put32(bytes + AT_PAGE_BYTES, header->page_bytes);
	format_put64(bytes + AT_FILE_BYTES, header->file_bytes);
	format_put64(bytes + AT_INDEX_OFFSET, header->index_offset);
	format_put32(bytes + AT_PROCESS_COUNT, header->process_count);
	format_put32(bytes + AT_CRC, header_crc(bytes));
}

bool format_get_header(const uint8_t bytes[FORMAT_HEADER_BYTES], struct format_header *header)
{
	*header = (struct format_header){
		.version = format_get32(bytes + AT_VERSION),
		.flags = format_get32(bytes + AT_FLAGS),
		.word_bits = format_get32(bytes + AT_WORD_BITS),
		.page_bytes = format_get32(bytes + AT_PAGE_BYTES),
		.file_bytes = format_get64(bytes + AT_FILE_BYTES),
		.index_offset = format_get64(bytes + AT_INDEX_OFFSET),
		.process_count = format_get32(bytes + AT_PROCESS_COUNT),
	};
	return format_get32(bytes + AT_CRC) == header_crc(bytes);
}

/* ---- a process ---- */

/* The largest value of each number, in their order. */
enum {
	NUMBER_COUNT = FORMAT_RECORD_BYTES / 8
};

static void to_numbers(const struct format_record *record, uint64_t numbers[NUMBER_COUNT])
{
	const struct profile_process *process = &record->process;
	uint64_t *next = numbers;

	*next++ = record->offset;
	*next++ = record->bytes;
	*next++ = process->start;
	*next++ = process->end;
	*next++ = process->parent;
	*next++ = process->thread_count;
	*next++ = process->most_blocks;
	*next++ = process->stack_count;
	*next++ = process->event_count;
	for (int i = 0; i < PROFILE_KIND_COUNT; i++)
		*next++ = process->kind_counts[i];
	*next++ = process->requested_bytes;
	*next++ = process->most_bytes;
	*next++ = process->largest_bytes;
	*next++ = process->moved_count;
	*next++ = process->failed_count;
	*next++ = process->foreign_count;
	*next++ = process->lost_count;
}

static void from_numbers(const uint64_t numbers[NUMBER_COUNT], struct format_record *record)
{
	struct profile_process *process = &record->process;
	const uint64_t *next = numbers;

	record->offset = *next++;
	record->bytes = *next++;
	process->start = (enum profile_start) * next++;
	process->end = (enum profile_end) * next++;
	process->parent = (uint32_t)*next++;
	process->thread_count = (uint32_t)*next++;
	process->most_blocks = (uint32_t)*next++;
	process->stack_count = (uint32_t)*next++;
	process->event_count = *next++;
	for (int i = 0; i < PROFILE_KIND_COUNT; i++)
		process->kind_counts[i] = *next++;
	process->requested_bytes = *next++;
	process->most_bytes = *next++;
	process->largest_bytes = *next++;
	process->moved_count = *next++;
	process->failed_count = *next++;
	process->foreign_count = *next++;
	process->lost_count = *next++;
}

/* Those that are narrower than their 8 bytes, or bounded. */
static const struct {
	const char *name;
	int place;
	uint64_t most;
} bounds[] = {
	{"start", 2, PROFILE_FORKED},
	{"end", 3, PROFILE_NO_SPACE},
	{"parent", 4, UINT32_MAX},
	{"threads", 5, PROFILE_MOST_THREADS},
	{"blocks live at once", 6, PROFILE_MOST_BLOCKS},
	{"stacks", 7, PROFILE_MOST_STACKS},
	{"events", 8, INT64_MAX},
};

void format_put_record(const struct format_record *record, uint8_t bytes[FORMAT_RECORD_BYTES])
{
	uint64_t numbers[NUMBER_COUNT];

	to_numbers(record, numbers);
	for (int i = 0; i < NUMBER_COUNT; i++)
		format_put64(bytes + (ptrdiff_t)8 * i, numbers[i]);
}

bool format_get_record(const uint8_t bytes[FORMAT_RECORD_BYTES], struct format_record *record,
		       struct error *error)
{
	uint64_t numbers[NUMBER_COUNT];

	for (int i = 0; i < NUMBER_COUNT; i++)
		numbers[i] = format_get64(bytes + (ptrdiff_t)8 * i);
	for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
		if (numbers[bounds[i].place] > bounds[i].most)
			return error_set(error, "%llu is more than the most for its %s, %llu",
					 (unsigned long long)numbers[bounds[i].place],
					 bounds[i].name, (unsigned long long)bounds[i].most);
	from_numbers(numbers, record);
	return true;
}
