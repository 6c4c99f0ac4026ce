#include "kernels/tests/cmocka_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "harness/profile/format.h"
#include "harness/profile/writer.h"
#include "harness/common/random.h"
#include "harness/tests/support.h"

static const struct profile_facts facts = {.word_bits = 64, .page_bytes = 4096};

static struct profile_writer *create(const struct profile_facts *of)
{
	struct error error;
	struct profile_writer *writer = profile_create(below("profile"), of, &error);

	if (writer == NULL)
		fail_msg("%s", error.text);
	return writer;
}

static void begin(struct profile_writer *writer, enum profile_start start, uint32_t parent)
{
	struct error error;

	assert_true(profile_write_process(writer, start, parent, NULL, 0, &error));
}

static void put_end(struct profile_writer *writer, enum profile_end end)
{
	struct profile_process ended = {
		.end = end, .failed_count = 1, .foreign_count = 2, .lost_count = 3};
	struct error error;

	assert_true(profile_write_end(writer, &ended, &error));
}

static void finish(struct profile_writer *writer)
{
	struct error error;

	if (!profile_finish(writer, NULL, &error))
		fail_msg("%s", error.text);
}

static struct profile *open_it(void)
{
	struct error error;
	struct profile *profile = profile_open(below("profile"), &error);

	if (profile == NULL)
		fail_msg("%s", error.text);
	return profile;
}

static uint32_t put_event(struct profile_writer *writer, struct profile_event event)
{
	struct error error;

	if (!profile_write(writer, &event, &error))
		fail_msg("%s", error.text);
	return event.block;
}

static struct profile_event made(enum profile_kind kind, uint64_t bytes)
{
	return (struct profile_event){.kind = kind,
				      .bytes = bytes,
				      .stack = PROFILE_NONE,
				      .touched_bytes = PROFILE_UNKNOWN};
}

static struct profile_event freed(uint32_t block)
{
	return (struct profile_event){.kind = PROFILE_FREE, .block = block, .stack = PROFILE_NONE};
}

static void must_be(struct profile *profile, const struct profile_event *expected)
{
	struct profile_event event;
	struct error error;

	if (profile_next(profile, &event, &error) != PROFILE_EVENT)
		fail_msg("%s", error.text);
	assert_int_equal(event.kind, expected->kind);
	assert_int_equal(event.thread, expected->thread);
	assert_int_equal(event.block, expected->block);
	assert_int_equal(event.stack, expected->stack);
	assert_int_equal(event.bytes, expected->bytes);
	assert_int_equal(event.old_bytes, expected->old_bytes);
	assert_int_equal(event.alignment, expected->alignment);
	assert_int_equal(event.touched_bytes, expected->touched_bytes);
	assert_int_equal(event.moved, expected->moved);
}

static void must_be_done(struct profile *profile)
{
	struct profile_event event;
	struct error error;

	if (profile_next(profile, &event, &error) != PROFILE_DONE)
		fail_msg("%s", error.text);
}

/* ---- what is written is read ---- */

static void an_empty_profile_has_no_process(void **state)
{
	struct profile *profile;

	(void)state;
	finish(create(&facts));
	profile = open_it();
	assert_int_equal(profile_facts(profile)->process_count, 0);
	assert_int_equal(profile_facts(profile)->event_count, 0);
	assert_int_equal(profile_facts(profile)->page_bytes, 4096);
	profile_close(profile);
}

/* What each event says, and how blocks are numbered: the one freed last comes first. */
static void every_kind_is_read_as_it_was_written(void **state)
{
	struct profile_writer *writer = create(&facts);
	struct profile *profile;
	struct profile_event event;
	struct error error;

	(void)state;
	begin(writer, PROFILE_STARTED, PROFILE_NONE);
	assert_int_equal(put_event(writer, made(PROFILE_MALLOC, 0)), 0);
	assert_int_equal(put_event(writer, made(PROFILE_CALLOC, 31)), 1);
	event = made(PROFILE_ALIGNED, 100);
	event.alignment = 64;
	event.thread = 1;
	assert_int_equal(put_event(writer, event), 2);
	event = made(PROFILE_REALLOC_NEW, 300000);
	event.touched_bytes = 8193;
	assert_int_equal(put_event(writer, event), 3);
	(void)put_event(writer, freed(1));
	event = made(PROFILE_REALLOC, 400000);
	event.block = 3;
	event.moved = true;
	event.touched_bytes = 400000;
	(void)put_event(writer, event);
	assert_int_equal(put_event(writer, made(PROFILE_MALLOC, 5)), 1);
	put_end(writer, PROFILE_KILLED);
	finish(writer);

	profile = open_it();
	assert_true(profile_begin(profile, 0, &error));
	must_be(profile, &(struct profile_event){PROFILE_MALLOC, 0, 0, PROFILE_NONE, 0, 0, 0,
						 PROFILE_UNKNOWN, false});
	must_be(profile, &(struct profile_event){PROFILE_CALLOC, 0, 1, PROFILE_NONE, 31, 0, 0,
						 PROFILE_UNKNOWN, false});
	must_be(profile, &(struct profile_event){PROFILE_ALIGNED, 1, 2, PROFILE_NONE, 100, 0, 64,
						 PROFILE_UNKNOWN, false});
	must_be(profile, &(struct profile_event){PROFILE_REALLOC_NEW, 0, 3, PROFILE_NONE, 300000, 0,
						 0, 3 * 4096, false});
	must_be(profile, &(struct profile_event){PROFILE_FREE, 0, 1, PROFILE_NONE, 31, 0, 0,
						 PROFILE_UNKNOWN, false});
	must_be(profile, &(struct profile_event){PROFILE_REALLOC, 0, 3, PROFILE_NONE, 400000,
						 300000, 0, 400000, true});
	must_be(profile, &(struct profile_event){PROFILE_MALLOC, 0, 1, PROFILE_NONE, 5, 0, 0,
						 PROFILE_UNKNOWN, false});
	must_be_done(profile);
	profile_close(profile);
}

/* As above: 0 + 31 + 100 + 300000, less 31, more 100000, and 5. */
static void totals_are_those_of_the_events(void **state)
{
	const struct profile_process *process;
	struct profile *profile;

	every_kind_is_read_as_it_was_written(state);
	profile = open_it();
	process = profile_process(profile, 0);
	assert_int_equal(process->start, PROFILE_STARTED);
	assert_int_equal(process->end, PROFILE_KILLED);
	assert_int_equal(process->parent, PROFILE_NONE);
	assert_int_equal(process->thread_count, 2);
	assert_int_equal(process->most_blocks, 4);
	assert_int_equal(process->event_count, 7);
	assert_int_equal(process->kind_counts[PROFILE_MALLOC], 2);
	assert_int_equal(process->kind_counts[PROFILE_FREE], 1);
	assert_int_equal(process->requested_bytes, 0 + 31 + 100 + 300000 + 100000 + 5);
	assert_int_equal(process->most_bytes, 0 + 100 + 400000 + 5);
	assert_int_equal(process->largest_bytes, 400000);
	assert_int_equal(process->moved_count, 1);
	assert_int_equal(process->failed_count, 1);
	assert_int_equal(process->foreign_count, 2);
	assert_int_equal(process->lost_count, 3);
	assert_int_equal(profile_facts(profile)->event_count, 7);
	profile_close(profile);
}

static void processes_are_read_in_any_order(void **state)
{
	struct profile_writer *writer = create(&facts);
	struct profile *profile;
	struct profile_event event;
	struct error error;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		begin(writer, i == 0 ? PROFILE_STARTED : PROFILE_FORKED,
		      i == 0 ? PROFILE_NONE : i - 1);
		for (uint32_t n = 0; n < i * 10; n++)
			(void)put_event(writer, made(PROFILE_MALLOC, 100 * i));
		put_end(writer, PROFILE_EXITED);
	}
	finish(writer);
	profile = open_it();
	assert_int_equal(profile_main_process(profile), 2);
	assert_int_equal(profile_process(profile, 2)->parent, 1);
	for (uint32_t i = 3; i-- > 0;) {
		assert_true(profile_begin(profile, i, &error));
		for (uint32_t n = 0; n < i * 10; n++) {
			assert_int_equal(profile_next(profile, &event, &error), PROFILE_EVENT);
			assert_int_equal(event.bytes, 100 * i);
			assert_int_equal(event.block, n);
		}
		must_be_done(profile);
		/* Nothing is read behind the end. */
		assert_int_equal(profile_next(profile, &event, &error), PROFILE_BAD);
	}
	assert_false(profile_begin(profile, 3, &error));
	assert_contains(error.text, "no process 3; it has 3");
	profile_close(profile);
}

static void stacks_and_commands_are_kept(void **state)
{
	const struct profile_facts asked = {
		.word_bits = 64, .page_bytes = 4096, .has_stacks = true, .has_names = true};
	const struct profile_writer_frame first[] = {{1, 0x1234}, {0, 7}};
	struct profile_frame frames[PROFILE_MOST_FRAMES];
	struct profile_writer *writer = create(&asked);
	struct profile_event event = made(PROFILE_MALLOC, 1);
	struct profile *profile;
	struct error error;
	static char command[3000];
	size_t bytes;

	(void)state;
	memset(command, 'x', sizeof command);
	assert_true(profile_write_process(writer, PROFILE_STARTED, PROFILE_NONE, command,
					  sizeof command, &error));
	assert_true(profile_write_module(writer, "/bin/program", &error));
	assert_true(profile_write_module(writer, "", &error));
	assert_true(profile_write_stack(writer, first, 2, &error));
	assert_true(profile_write_stack(writer, NULL, 0, &error));
	event.stack = 0;
	(void)put_event(writer, event);
	(void)put_event(writer, made(PROFILE_MALLOC, 2));
	event.stack = 1;
	(void)put_event(writer, event);
	put_end(writer, PROFILE_EXITED);
	finish(writer);

	profile = open_it();
	assert_true(profile_begin(profile, 0, &error));
	assert_same_bytes(profile_command(profile, &bytes), command, sizeof command);
	assert_int_equal(bytes, sizeof command);
	assert_int_equal(profile_stack(profile, 0, frames), 0);
	assert_int_equal(profile_next(profile, &event, &error), PROFILE_EVENT);
	assert_int_equal(event.stack, 0);
	assert_int_equal(profile_stack(profile, 0, frames), 2);
	assert_string_equal(frames[0].module, "");
	assert_int_equal(frames[0].offset, 0x1234);
	assert_string_equal(frames[1].module, "/bin/program");
	assert_int_equal(frames[1].offset, 7);
	assert_int_equal(profile_next(profile, &event, &error), PROFILE_EVENT);
	assert_int_equal(event.stack, PROFILE_NONE);
	assert_int_equal(profile_next(profile, &event, &error), PROFILE_EVENT);
	assert_int_equal(event.stack, 1);
	assert_int_equal(profile_stack(profile, 1, frames), 0);
	must_be_done(profile);
	assert_int_equal(profile_process(profile, 0)->stack_count, 2);
	profile_close(profile);
}

/* ---- random events, against an account of the test's own ---- */

enum {
	RANDOM_EVENTS = 300000,
	MOST_LIVE = 5000 /* and no number beyond */
};

static struct {
	uint64_t bytes[MOST_LIVE];
	bool live[MOST_LIVE];
	uint32_t count; /* of numbers that were ever taken */
	uint32_t live_count;
} model;

static uint64_t any_size(uint64_t *seed)
{
	return random_below(seed, (uint64_t)1 << (1 + random_below(seed, 40)));
}

static struct profile_event any_event(uint64_t *seed)
{
	struct profile_event event = {
		.kind = (enum profile_kind)random_below(seed, PROFILE_KIND_COUNT),
		.thread = (uint32_t)random_below(seed, 8) == 0 ? 1 : 0,
		.stack = PROFILE_NONE,
		.bytes = any_size(seed),
		.touched_bytes = PROFILE_UNKNOWN,
	};

	if (model.count > 0)
		event.block = (uint32_t)random_below(seed, model.count);
	if (model.count == 0 || !model.live[event.block])
		event.kind = PROFILE_MALLOC;
	else if (model.live_count == MOST_LIVE)
		event.kind = PROFILE_FREE;
	if (event.kind == PROFILE_ALIGNED)
		event.alignment = (uint64_t)1 << random_below(seed, 13);
	if (event.kind != PROFILE_FREE && event.bytes >= PROFILE_TOUCH_BYTES &&
	    random_below(seed, 2) == 0)
		event.touched_bytes = event.bytes & ~(uint64_t)4095;
	event.moved = event.kind == PROFILE_REALLOC && random_below(seed, 2) == 0;
	return event;
}

/* What the event must have become. */
static void follow(const struct profile_event *event)
{
	if (profile_makes_block(event->kind)) {
		assert_true(event->block <= model.count);
		if (event->block == model.count)
			model.count++;
		assert_false(model.live[event->block]);
		model.live[event->block] = true;
		model.live_count++;
		model.bytes[event->block] = event->bytes;
	} else if (event->kind == PROFILE_REALLOC) {
		assert_int_equal(event->old_bytes, model.bytes[event->block]);
		model.bytes[event->block] = event->bytes;
	} else {
		assert_int_equal(event->bytes, model.bytes[event->block]);
		model.live[event->block] = false;
		model.live_count--;
	}
}

static void random_events_come_back(void **state)
{
	struct profile_writer *writer = create(&facts);
	struct profile_event *events = calloc(RANDOM_EVENTS, sizeof *events);
	struct profile *profile;
	struct error error;
	uint64_t seed = 1;

	(void)state;
	memset(&model, 0, sizeof model);
	begin(writer, PROFILE_STARTED, PROFILE_NONE);
	for (size_t i = 0; i < RANDOM_EVENTS; i++) {
		events[i] = any_event(&seed);
		if (!profile_write(writer, &events[i], &error))
			fail_msg("%zu: %s", i, error.text);
		follow(&events[i]);
	}
	put_end(writer, PROFILE_EXITED);
	finish(writer);
	profile = open_it();
	assert_true(profile_begin(profile, 0, &error));
	for (size_t i = 0; i < RANDOM_EVENTS; i++)
		must_be(profile, &events[i]);
	must_be_done(profile);
	profile_close(profile);
	free(events);
}

/* ---- what is refused ---- */

static void refuse_event(struct profile_event event, const char *why)
{
	struct profile_writer *writer = create(&facts);
	struct error error;

	begin(writer, PROFILE_STARTED, PROFILE_NONE);
	(void)put_event(writer, made(PROFILE_MALLOC, 8));
	assert_false(profile_write(writer, &event, &error));
	assert_contains(error.text, why);
	profile_discard(writer);
	assert_int_equal(unlink(below("profile")), 0);
}

static void what_cannot_be_is_not_written(void **state)
{
	struct profile_event event = made(PROFILE_ALIGNED, 8);

	(void)state;
	refuse_event(event, "an alignment of 0");
	event.alignment = 24;
	refuse_event(event, "an alignment of 24");
	refuse_event(made(PROFILE_MALLOC, PROFILE_MOST_BYTES + 1), "which no system has");
	refuse_event(freed(1), "free of block 1, which does not live");
	event = made(PROFILE_REALLOC, 10);
	event.block = 7;
	refuse_event(event, "realloc of block 7");
	event = made(PROFILE_MALLOC, 8);
	event.thread = 2;
	refuse_event(event, "thread 2, where there are 1 so far");
}

/* The profile of every_kind_..., with its bytes at hand. */
static char *small_profile(size_t *size)
{
	void *state = NULL;

	every_kind_is_read_as_it_was_written(&state);
	return read_file(below("profile"), size);
}

/* Opens these bytes and reads all events: the message, "" if all was well. */
static const char *read_bytes(const char *bytes, size_t size)
{
	static struct error error;
	struct profile_event event;
	struct profile *profile;
	enum profile_status status = PROFILE_DONE;

	error.text[0] = '\0';
	write_file(below("forged"), bytes, size);
	profile = profile_open(below("forged"), &error);
	if (profile == NULL)
		return error.text;
	for (uint32_t i = 0; i < profile_facts(profile)->process_count && status == PROFILE_DONE;
	     i++) {
		if (!profile_begin(profile, i, &error))
			break;
		do
			status = profile_next(profile, &event, &error);
		while (status == PROFILE_EVENT);
	}
	profile_close(profile);
	return error.text;
}

static void no_byte_can_be_changed_or_left_out(void **state)
{
	size_t size;
	char *bytes = small_profile(&size);

	(void)state;
	assert_string_equal(read_bytes(bytes, size), "");
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 1;
		assert_string_not_equal(read_bytes(bytes, size), "");
		bytes[i] ^= 1;
		assert_string_not_equal(read_bytes(bytes, i), "");
	}
	free(bytes);
}

static void files_that_are_none_are_told_apart(void **state)
{
	size_t size;
	char *bytes = small_profile(&size);
	struct error error;

	(void)state;
	assert_contains(read_bytes("", 0), "it is no profile");
	assert_contains(read_bytes(bytes, size - 1), "it was cut");
	bytes[8] = 2;
	assert_contains(read_bytes(bytes, size), "version 2, and this growbench reads version 1");
	bytes[8] = 1;
	bytes[0] = 'g';
	assert_contains(read_bytes(bytes, size), "it is no profile");
	memset(bytes, 0, 64);
	assert_contains(read_bytes(bytes, size), "not written to its end");
	assert_null(profile_open(below("none"), &error));
	assert_contains(error.text, "No such file");
	assert_null(profile_open(temporary, &error));
	assert_contains(error.text, "it is not a file");
	free(bytes);
}

/* ---- forged with true checksums ---- */

/* A profile of one process with these operations, and totals. */
static const char *forge(const uint8_t *operations, size_t size,
			 const struct profile_process *process)
{
	static uint8_t file[1 << 16];
	struct format_header header = {.version = PROFILE_VERSION,
				       .flags = FORMAT_STACKS,
				       .word_bits = 64,
				       .page_bytes = 4096,
				       .process_count = 1};
	struct format_record record = {.offset = FORMAT_HEADER_BYTES, .process = *process};
	uLongf packed = sizeof file - 1000;
	uint8_t *next = file + FORMAT_HEADER_BYTES;

	assert_int_equal(compress(next + 8, &packed, operations, size), Z_OK);
	format_put32(next, (uint32_t)packed);
	format_put32(next + 4, (uint32_t)size);
	record.bytes = 8 + packed;
	next += record.bytes;
	header.index_offset = (uint64_t)(next - file);
	format_put_record(&record, next);
	format_put32(next + FORMAT_RECORD_BYTES, (uint32_t)crc32(0, next, FORMAT_RECORD_BYTES));
	header.file_bytes = header.index_offset + FORMAT_RECORD_BYTES + 4;
	format_put_header(&header, file);
	return read_bytes((const char *)file, header.file_bytes);
}

/* Operation and small number. */
#define OPERATION(operation, number) ((operation) | (number) << 3)

#define FORGE(process, ...) \
	forge((const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), process)

static const struct profile_process one_event = {
	.parent = PROFILE_NONE,
	.thread_count = 1,
	.most_blocks = 1,
	.event_count = 1,
	.kind_counts = {1},
	.requested_bytes = 8,
	.most_bytes = 8,
	.largest_bytes = 8,
};

static void hostile_events_are_refused(void **state)
{
	(void)state;
	assert_string_equal(FORGE(&one_event, OPERATION(FORMAT_MALLOC, 8)), "");
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_FREE, 0)), "which does not live");
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_FREE, 31), 0xff, 0xff, 0xff, 0xff, 0xff,
			      0xff, 0xff, 0xff, 0xff, 0x01),
			"what follows is no event");
	/* 2^48 bytes. */
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_MALLOC, 31), 0x80, 0x80, 0x80, 0x80,
			      0x80, 0x80, 0x40, 0x00),
			"which no system has");
	/* The billionth thread, and the second one, which no first one came before. */
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_CONTEXT, FORMAT_THREAD), 0x80, 0x94,
			      0xeb, 0xdc, 0x03, OPERATION(FORMAT_MALLOC, 8)),
			"what follows is no event");
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_CONTEXT, FORMAT_THREAD), 1,
			      OPERATION(FORMAT_MALLOC, 8)),
			"thread 1, where there are 0 so far");
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_CONTEXT, FORMAT_STACK), 0,
			      OPERATION(FORMAT_MALLOC, 8)),
			"what follows is no event");
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_CONTEXT, FORMAT_DEFINE_STACK), 1, 0, 0),
			"what follows is no event");
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_CONTEXT, FORMAT_DEFINE_STACK), 100),
			"what follows is no event");
	assert_contains(
		FORGE(&one_event, OPERATION(FORMAT_CONTEXT, FORMAT_DEFINE_MODULE), 100, 'x'),
		"what follows is no event");
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_CONTEXT, FORMAT_COMMAND), 1, 'x'),
			"what follows is no event");
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_ALIGNED, 8), 31),
			"an alignment of 2147483648");
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_MALLOC, 8), OPERATION(FORMAT_MALLOC, 8)),
			"the index says fewer than its events");
	assert_contains(FORGE(&one_event, OPERATION(7, 0)), "what follows is no event");
	assert_contains(FORGE(&one_event, OPERATION(FORMAT_MALLOC, 9)),
			"the index says other totals");
}

static void hostile_totals_are_refused(void **state)
{
	struct profile_process process = one_event;

	(void)state;
	process.most_blocks = PROFILE_MOST_BLOCKS + 1;
	assert_contains(FORGE(&process, OPERATION(FORMAT_MALLOC, 8)), "blocks live at once");
	process = one_event;
	process.thread_count = 1000000000;
	assert_contains(FORGE(&process, OPERATION(FORMAT_MALLOC, 8)),
			"1000000000 is more than the most for its threads");
	process = one_event;
	process.parent = 0;
	assert_contains(FORGE(&process, OPERATION(FORMAT_MALLOC, 8)), "began before its parent");
	process = one_event;
	process.end = (enum profile_end)5;
	assert_contains(FORGE(&process, OPERATION(FORMAT_MALLOC, 8)), "process 0: 5 is more");
	process = one_event;
	process.most_blocks = 2;
	assert_contains(FORGE(&process, OPERATION(FORMAT_MALLOC, 8)), "other totals");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(an_empty_profile_has_no_process),
		IN_A_FOLDER(every_kind_is_read_as_it_was_written),
		IN_A_FOLDER(totals_are_those_of_the_events),
		IN_A_FOLDER(processes_are_read_in_any_order),
		IN_A_FOLDER(stacks_and_commands_are_kept),
		IN_A_FOLDER(random_events_come_back),
		IN_A_FOLDER(what_cannot_be_is_not_written),
		IN_A_FOLDER(no_byte_can_be_changed_or_left_out),
		IN_A_FOLDER(files_that_are_none_are_told_apart),
		IN_A_FOLDER(hostile_events_are_refused),
		IN_A_FOLDER(hostile_totals_are_refused),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
