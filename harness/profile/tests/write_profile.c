/*
 * write-profile FILE: writes the profile that standard input describes, for tests that know what is
 * in it.
 *
 *     process [WORD...]           begins one, which was started so
 *     module PATH
 *     stack MODULE:OFFSET...      numbers; the innermost first
 *     malloc|calloc|realloc_new THREAD BYTES [STACK]
 *     aligned THREAD BYTES ALIGNMENT [STACK]
 *     realloc THREAD BLOCK BYTES MOVED [STACK]
 *     free THREAD BLOCK
 *     end exited|replaced|killed|limited|no_space
 *
 * What is asked of which block is the caller's to keep count of: see writer.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/profile/writer.h"

enum {
	MOST_WORDS = 64
};

static bool write_process(struct profile_writer *writer, char **words, size_t count,
			  struct error *error)
{
	char command[4096];
	size_t bytes = 0;

	for (size_t i = 1; i < count; i++) {
		(void)snprintf(command + bytes, sizeof command - bytes, "%s", words[i]);
		bytes += strlen(words[i]) + 1;
	}
	return profile_write_process(writer, PROFILE_STARTED, PROFILE_NONE,
				     count > 1 ? command : NULL, bytes, error);
}

static bool write_stack(struct profile_writer *writer, char **words, size_t count,
			struct error *error)
{
	struct profile_writer_frame frames[MOST_WORDS];

	for (size_t i = 1; i < count; i++)
		if (sscanf(words[i], "%" SCNu32 ":%" SCNi64, &frames[i - 1].module,
			   (int64_t *)&frames[i - 1].offset) != 2)
			return error_set(error, "%s is no frame", words[i]);
	return profile_write_stack(writer, frames, count - 1, error);
}

static bool write_end(struct profile_writer *writer, const char *end, struct error *error)
{
	struct profile_process process = {.event_count = 0};

	while (strcmp(profile_end_names[process.end], end) != 0)
		if (process.end++ == PROFILE_NO_SPACE)
			return error_set(error, "%s is no end", end);
	return profile_write_end(writer, &process, error);
}

static bool write_event(struct profile_writer *writer, char **words, size_t count,
			struct error *error)
{
	struct profile_event event = {.stack = PROFILE_NONE, .touched_bytes = PROFILE_UNKNOWN};
	uint64_t numbers[5] = {0};
	size_t given = 2;

	while (event.kind < PROFILE_KIND_COUNT &&
	       strcmp(profile_kind_names[event.kind], words[0]) != 0)
		event.kind++;
	if (event.kind == PROFILE_KIND_COUNT)
		return error_set(error, "%s is no kind", words[0]);
	for (size_t i = 1; i < count && i < 6; i++)
		numbers[i - 1] = strtoull(words[i], NULL, 10);
	event.thread = (uint32_t)numbers[0];
	event.bytes = numbers[1];
	if (event.kind == PROFILE_FREE || event.kind == PROFILE_REALLOC)
		event.block = (uint32_t)numbers[1];
	if (event.kind == PROFILE_ALIGNED)
		event.alignment = numbers[given++];
	if (event.kind == PROFILE_REALLOC) {
		event.bytes = numbers[2];
		event.moved = numbers[3] != 0;
		given = 4;
	}
	if (count > given + 1)
		event.stack = (uint32_t)numbers[given];
	return profile_write(writer, &event, error);
}

static bool write_line(struct profile_writer *writer, char *line, struct error *error)
{
	char *words[MOST_WORDS];
	size_t count = 0;
	char *rest = line;

	while (count < MOST_WORDS && (words[count] = strtok_r(rest, " \n", &rest)) != NULL)
		count++;
	if (count == 0)
		return true;
	if (strcmp(words[0], "process") == 0)
		return write_process(writer, words, count, error);
	if (strcmp(words[0], "module") == 0)
		return profile_write_module(writer, words[1], error);
	if (strcmp(words[0], "stack") == 0)
		return write_stack(writer, words, count, error);
	if (strcmp(words[0], "end") == 0)
		return write_end(writer, words[1], error);
	return write_event(writer, words, count, error);
}

int main(int argc, char **argv)
{
	const struct profile_facts facts = {
		.word_bits = 64, .page_bytes = 4096, .has_stacks = true, .has_names = true};
	struct error error = {""};
	struct profile_writer *writer = argc == 2 ? profile_create(argv[1], &facts, &error) : NULL;
	char line[8192];
	bool ok = writer != NULL;

	while (ok && fgets(line, sizeof line, stdin) != NULL)
		ok = write_line(writer, line, &error);
	if (writer != NULL && !ok)
		profile_discard(writer);
	if (ok)
		ok = profile_finish(writer, NULL, &error);
	if (!ok)
		(void)fprintf(stderr, "write-profile: %s\n", error.text);
	return ok ? 0 : 1;
}
