#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/common/text.h"
#include "harness/common/utf8.h"
#include "harness/runner/commands/command.h"
#include "harness/runner/commands/profile_json.h"

enum {
	USUAL_FRAMES = 4,
	SHOWN = 5 /* processes, groups */
};

static const char *const formats[] = {"terminal", "json", NULL};

/* "1.23 MiB"; the buffer is the caller's. */
struct size_text {
	char text[32];
};

static const char *size_text(struct size_text *buffer, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1023.5 && unit < 6; unit++)
		value /= 1024;
	(void)snprintf(buffer->text, sizeof buffer->text, "%.*f %s",
		       unit == 0 || value >= 100 ? 0
		       : value >= 10             ? 1
						 : 2,
		       value, units[unit]);
	return buffer->text;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* The words of the process that was begun, as far as they fit; "" if they are not recorded. */
static void command_text(const struct profile *profile, char *text, size_t size)
{
	size_t bytes;
	const char *words = profile_command(profile, &bytes);
	size_t length = 0;

	text[0] = '\0';
	if (words == NULL)
		return;
	for (size_t at = 0; at < bytes && length + 1 < size; at += strlen(words + at) + 1) {
		(void)snprintf(text + length, size - length, " %s", words + at);
		length += strlen(text + length);
	}
	utf8_trim(text);
	make_printable(text);
}

/* ---- for people ---- */

static void print_kinds(const struct profile_process *process)
{
	const uint64_t *counts = process->kind_counts;

	(void)printf("  calls       ");
	for (int kind = 0; kind < PROFILE_KIND_COUNT; kind++) {
		if (counts[kind] == 0)
			continue;
		(void)printf(" %s %" PRIu64, profile_kind_names[kind], counts[kind]);
		if (kind == PROFILE_REALLOC)
			(void)printf(" (%" PRIu64 " moved)", process->moved_count);
	}
	(void)printf("\n");
}

static void print_unusual(const struct profile_process *process)
{
	const struct {
		const char *what;
		uint64_t count;
	} rows[] = {{"returned no memory", process->failed_count},
		    {"freed or resized what was there before the record", process->foreign_count},
		    {"contradict others, and are left out", process->lost_count}};

	for (size_t i = 0; i < 3; i++)
		if (rows[i].count > 0)
			(void)printf("  calls that %s: %" PRIu64 "\n", rows[i].what, rows[i].count);
}

static void print_process(const struct profile *profile, uint32_t number,
			  const struct analysis *analysis)
{
	const struct profile_process *process = profile_process(profile, number);
	const struct totals *totals = &analysis->totals;
	struct size_text a = {""};
	struct size_text b = {""};
	char command[72];

	command_text(profile, command, sizeof command);
	(void)printf("\nProcess %" PRIu32 "%s%s: %" PRIu32 " thread%s, %s\n", number,
		     command[0] == '\0' ? "" : ",", command, process->thread_count,
		     plural(process->thread_count), profile_end_names[process->end]);
	print_kinds(process);
	(void)printf("  requested    %s in all; at once at most %s, in %" PRIu32
		     " block%s at most\n",
		     size_text(&a, process->requested_bytes), size_text(&b, process->most_bytes),
		     process->most_blocks, plural(process->most_blocks));
	(void)printf("  with both blocks of each realloc that moved: at most %s at once\n",
		     size_text(&a, analysis->recorded.moving_bytes));
	(void)printf("  not freed    %" PRIu64 " block%s, %s\n", totals->never_freed.count,
		     plural(totals->never_freed.count), size_text(&a, totals->never_freed.bytes));
	if (totals->freed_elsewhere.count > 0)
		(void)printf("  freed by another thread: %" PRIu64 " block%s, %s\n",
			     totals->freed_elsewhere.count, plural(totals->freed_elsewhere.count),
			     size_text(&a, totals->freed_elsewhere.bytes));
	print_unusual(process);
}

static void print_classes(const struct totals *totals)
{
	struct size_text from;
	struct size_text bytes;

	(void)printf("\n  %10s %12s %10s   %14s %12s %10s\n", "size from", "new blocks", "",
		     "freed after", "blocks", "");
	for (unsigned i = 0; i < TOTALS_CLASSES; i++) {
		const struct totals_class *size = &totals->sizes[i];
		const struct totals_class *life = &totals->lives[i];
		char column[48] = "";

		if (size->count == 0 && life->count == 0)
			continue;
		if (size->count > 0)
			(void)snprintf(column, sizeof column, "%10s %12" PRIu64 " %10s",
				       size_text(&from, i == 0 ? 0 : (uint64_t)1 << i), size->count,
				       size_text(&bytes, size->bytes));
		(void)printf("  %-34s", column);
		if (life->count > 0)
			(void)printf("   %7" PRIu64 " events %12" PRIu64 " %10s",
				     i == 0 ? 0 : (uint64_t)1 << i, life->count,
				     size_text(&bytes, life->bytes));
		(void)printf("\n");
	}
}

static void print_stack(const struct profile *profile, uint32_t stack, size_t frames)
{
	struct profile_frame frame[PROFILE_MOST_FRAMES];
	const size_t count = stack == PROFILE_NONE ? 0 : profile_stack(profile, stack, frame);

	for (size_t i = 0; i < count && i < frames; i++) {
		g_autofree char *module = g_strdup(frame[i].module);

		make_printable(module);
		(void)printf("      %s+0x%" PRIx64 "\n", module, frame[i].offset);
	}
}

static void print_group(const struct growth_group *group)
{
	struct size_text text[4];

	(void)printf("  %8" PRIu64 " %9" PRIu64 " %9" PRIu64 " %10s %9" PRIu64 "  %s to %s\n",
		     group->block_count, group->reallocs.count, group->most_reallocs,
		     size_text(&text[0], group->reallocs.bytes), group->reallocs.moved_count,
		     size_text(&text[1], group->sizes.least_first_bytes),
		     size_text(&text[2], group->sizes.most_largest_bytes));
}

static void print_growth(const struct profile *profile, const struct analysis *analysis,
			 size_t frames)
{
	const struct growth_group *all = growth_all(analysis->growth);
	const size_t count = growth_group_count(analysis->growth);
	struct size_text a = {""};
	struct size_text b = {""};

	if (all->block_count == 0) {
		(void)puts("\nNo block grew by realloc.");
		return;
	}
	(void)printf("\nBlocks that grew: %" PRIu64 ", by %" PRIu64
		     " realloc%s that can have copied %s; %" PRIu64 " moved (%s)\n",
		     all->block_count, all->reallocs.count, plural(all->reallocs.count),
		     size_text(&a, all->reallocs.bytes), all->reallocs.moved_count,
		     size_text(&b, all->reallocs.moved_bytes));
	(void)printf("  each at its largest size at once: no such reallocs, and at once at most %s "
		     "instead of %s\n",
		     size_text(&a, analysis->preallocated.moving_bytes),
		     size_text(&b, analysis->recorded.moving_bytes));
	(void)printf("  %8s %9s %9s %10s %9s  %s\n", "blocks", "reallocs", "of one", "can copy",
		     "moved", "from and to, at most");
	for (size_t i = 0; i < count && i < SHOWN; i++) {
		const struct growth_group *group = growth_group(analysis->growth, i);

		print_group(group);
		print_stack(profile, group->stack, frames);
	}
	if (count > SHOWN)
		(void)printf("  and %zu more kinds of growth; --format json has the first %d\n",
			     count - SHOWN, GROWTH_SHOWN);
}

static void print_replaced(const struct profile *profile, const struct growth *replaced,
			   size_t frames)
{
	const struct growth_group *all = growth_all(replaced);
	struct size_text a = {""};

	if (all->block_count == 0)
		return;
	(void)printf("\nGrown by a new block, a copy and a free, as far as can be seen: %" PRIu64
		     ", in %" PRIu64 " steps that can have copied %s\n",
		     all->block_count, all->reallocs.count, size_text(&a, all->reallocs.bytes));
	for (size_t i = 0; i < growth_group_count(replaced) && i < SHOWN; i++) {
		print_group(growth_group(replaced, i));
		print_stack(profile, growth_group(replaced, i)->stack, frames);
	}
}

/* Of several processes those that have events, the first ones. Each begins, so that it has a name.
 */
static bool print_processes(struct profile *profile, struct error *error)
{
	const uint32_t count = profile_facts(profile)->process_count;
	uint32_t shown = 0;

	if (count > 1)
		(void)puts("\nProcesses with events (--process N tells of one):");
	for (uint32_t i = 0; count > 1 && i < count; i++) {
		const struct profile_process *process = profile_process(profile, i);
		char command[72];

		if (process->event_count == 0)
			continue;
		if (shown++ == 2 * SHOWN) {
			(void)puts("  and more");
			break;
		}
		if (!profile_begin(profile, i, error))
			return false;
		command_text(profile, command, sizeof command);
		(void)printf("  %4" PRIu32 " %12" PRIu64 " events, %s%s%s\n", i,
			     process->event_count, profile_end_names[process->end],
			     command[0] == '\0' ? "" : ":", command);
	}
	return true;
}

static bool print_text(struct profile *profile, const char *path, uint32_t process,
		       const struct analysis *analysis, size_t frames, struct error *error)
{
	const struct profile_facts *facts = profile_facts(profile);
	g_autofree char *name = g_path_get_basename(path);
	const double each = facts->event_count == 0
				    ? 0
				    : (double)facts->file_bytes / (double)facts->event_count;

	make_printable(name);
	(void)printf("%s: %" PRIu32 " process%s, %" PRIu64 " events, %.2f bytes each in the file, "
		     "%s stacks\n",
		     name, facts->process_count, facts->process_count == 1 ? "" : "es",
		     facts->event_count, each, facts->has_stacks ? "with" : "without");
	print_process(profile, process, analysis);
	print_classes(&analysis->totals);
	print_growth(profile, analysis, frames);
	print_replaced(profile, analysis->replaced, frames);
	return print_processes(profile, error);
}

/* ---- what was asked for ---- */

static bool print_json(struct profile *profile, uint32_t process, const struct analysis *analysis,
		       size_t frames, struct error *error)
{
	json_t *json = profile_json(profile, process, analysis, frames, error);

	if (json == NULL)
		return false;
	(void)json_dumpf(json, stdout, JSON_INDENT(1));
	(void)printf("\n");
	json_decref(json);
	return true;
}

static bool choose_process(const struct profile *profile, const struct number *given,
			   uint32_t *process, struct error *error)
{
	const uint32_t count = profile_facts(profile)->process_count;

	*process = given->given ? (uint32_t)given->value : profile_main_process(profile);
	return *process < count || error_set(error,
					     "--process: there is no process %" PRIu32
					     "; the profile has %" PRIu32 ", numbered from 0",
					     *process, count);
}

static bool show(struct profile *profile, const struct arguments *given, struct error *error)
{
	const size_t frames = given->frames == 0 ? USUAL_FRAMES : (size_t)given->frames;
	const bool as_json = given->format != NULL && strcmp(given->format, "json") == 0;
	struct analysis analysis = {.growth = NULL};
	uint32_t process;
	bool ok;

	ok = choose_process(profile, &given->process, &process, error) &&
	     analysis_make(profile, process, frames, GROWTH_MOST_KEPT, &analysis, error) &&
	     (as_json ? print_json(profile, process, &analysis, frames, error)
		      : print_text(profile, given->words[0], process, &analysis, frames, error));
	analysis_release(&analysis);
	return ok;
}

static bool is_format(const char *name, struct error *error)
{
	for (const char *const *format = formats; *format != NULL; format++)
		if (strcmp(*format, name) == 0)
			return true;
	return unknown_name("format", name, formats, error);
}

static int run(const struct request *request)
{
	const struct arguments *given = &request->given;
	struct profile *profile;
	struct error error = {""};
	bool ok;

	if (given->words[0] == NULL) {
		(void)error_set(&error, "profile: which one? give a file that growbench record "
					"wrote");
		return usage_error(&error);
	}
	if (given->format != NULL && !is_format(given->format, &error))
		return usage_error(&error);
	profile = profile_open(given->words[0], &error);
	ok = profile != NULL && show(profile, given, &error);
	profile_close(profile);
	return ok ? finish_output() : usage_error(&error);
}

const struct command command_profile = {
	.name = "profile",
	.run = run,
	.help = "what is in a profile of a program's allocations",
	.examples = "  growbench profile my.profile\n"
		    "  growbench profile my.profile --process 2 --frames 8\n"
		    "  growbench profile my.profile --format json > my.json\n",
};
