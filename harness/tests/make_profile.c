/*
 * make_profile.c - writes a profile of the calls that standard input names, for tests.
 *
 *     growbench-make-profile FILE < CALLS
 *
 * A line is a call: THREAD KIND and its numbers. Blocks are numbered by who writes the profile; the
 * line names the one that it frees or resizes by the number of the line that made it, from 0.
 *
 *     0 malloc 100
 *     0 aligned 100 64
 *     0 realloc LINE 200 [TOUCHED]
 *     1 free LINE
 *     process          the next one, forked from the first
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/profile/writer.h"

enum {
	MOST_LINES = 1 << 21
};

static uint32_t blocks[MOST_LINES]; /* of each line */
static struct error error;

static void fail(const char *why)
{
	(void)fprintf(stderr, "growbench-make-profile: %s\n", why);
	exit(1);
}

static enum profile_kind kind_of(const char *name)
{
	for (int kind = 0; kind < PROFILE_KIND_COUNT; kind++)
		if (strcmp(profile_kind_names[kind], name) == 0)
			return (enum profile_kind)kind;
	fail(name);
	return PROFILE_KIND_COUNT;
}

/* The third, fourth and fifth word of a line, as far as they are there, and what they mean. */
static void set_numbers(struct profile_event *event, int count, const uint64_t *numbers)
{
	const bool of_block = event->kind == PROFILE_REALLOC || event->kind == PROFILE_FREE;
	const int at = of_block ? 1 : 0;

	if (of_block)
		event->block = blocks[numbers[0]];
	if (count > at)
		event->bytes = numbers[at];
	if (event->kind == PROFILE_ALIGNED)
		event->alignment = numbers[1];
	if (count > at + 1 && event->kind != PROFILE_ALIGNED)
		event->touched_bytes = numbers[at + 1];
}

static void next_process(struct profile_writer *writer, uint32_t number)
{
	struct profile_process ended = {.end = PROFILE_EXITED};

	if ((number > 0 && !profile_write_end(writer, &ended, &error)) ||
	    !profile_write_process(writer, number == 0 ? PROFILE_STARTED : PROFILE_FORKED,
				   number == 0 ? PROFILE_NONE : 0, NULL, 0, &error))
		fail(error.text);
}

static void write_lines(struct profile_writer *writer)
{
	char line[256];
	uint32_t processes = 0;

	next_process(writer, processes++);
	for (size_t i = 0; i < MOST_LINES && fgets(line, sizeof line, stdin) != NULL; i++) {
		struct profile_event event = {.touched_bytes = PROFILE_UNKNOWN,
					      .stack = PROFILE_NONE};
		char kind[32];
		uint64_t numbers[3] = {0};
		int count;

		if (strcmp(line, "process\n") == 0) {
			next_process(writer, processes++);
			continue;
		}
		count = sscanf(line, "%" SCNu32 " %31s %" SCNu64 " %" SCNu64 " %" SCNu64,
			       &event.thread, kind, &numbers[0], &numbers[1], &numbers[2]);
		event.kind = kind_of(kind);
		set_numbers(&event, count - 2, numbers);
		if (!profile_write(writer, &event, &error))
			fail(error.text);
		blocks[i] = event.block;
	}
}

int main(int argc, char **argv)
{
	const struct profile_facts facts = {.word_bits = 64, .page_bytes = 4096};
	struct profile_process ended = {.end = PROFILE_EXITED};
	struct profile_writer *writer;

	if (argc != 2)
		fail("FILE is needed");
	writer = profile_create(argv[1], &facts, &error);
	if (writer == NULL)
		fail(error.text);
	write_lines(writer);
	if (!profile_write_end(writer, &ended, &error) || !profile_finish(writer, NULL, &error))
		fail(error.text);
	return 0;
}
