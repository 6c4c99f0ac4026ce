#include "harness/runner/commands/profile_json.h"

#include <string.h>

#include <glib.h>

#include "harness/common/utf8.h"

static json_t *count_json(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static void set_count(json_t *object, const char *name, uint64_t value)
{
	(void)json_object_set_new(object, name, count_json(value));
}

/* What is no text, or of no use on a terminal, is replaced. */
static json_t *text_json(const char *text)
{
	g_autofree char *copy = g_strdup(text);

	make_printable(copy);
	return json_string(copy);
}

/* The words of the process that was begun; null if they are not recorded. */
static json_t *command_json(const struct profile *profile)
{
	size_t bytes;
	const char *words = profile_command(profile, &bytes);
	json_t *array = words == NULL ? json_null() : json_array();

	for (size_t at = 0; words != NULL && at < bytes; at += strlen(words + at) + 1)
		(void)json_array_append_new(array, text_json(words + at));
	return array;
}

static json_t *process_json(const struct profile *profile, uint32_t number)
{
	const struct profile_process *process = profile_process(profile, number);
	json_t *object = json_object();
	json_t *kinds = json_object();

	set_count(object, "process", number);
	(void)json_object_set_new(object, "command", command_json(profile));
	(void)json_object_set_new(
		object, "start",
		json_string(process->start == PROFILE_FORKED ? "forked" : "started"));
	(void)json_object_set_new(object, "end", json_string(profile_end_names[process->end]));
	(void)json_object_set_new(object, "parent",
				  process->parent == PROFILE_NONE ? json_null()
								  : count_json(process->parent));
	for (int kind = 0; kind < PROFILE_KIND_COUNT; kind++)
		set_count(kinds, profile_kind_names[kind], process->kind_counts[kind]);
	(void)json_object_set_new(object, "kinds", kinds);
	set_count(object, "event_count", process->event_count);
	set_count(object, "thread_count", process->thread_count);
	set_count(object, "requested_bytes", process->requested_bytes);
	set_count(object, "most_blocks", process->most_blocks);
	set_count(object, "most_bytes", process->most_bytes);
	set_count(object, "largest_bytes", process->largest_bytes);
	set_count(object, "moved_count", process->moved_count);
	set_count(object, "failed_count", process->failed_count);
	set_count(object, "foreign_count", process->foreign_count);
	set_count(object, "lost_count", process->lost_count);
	return object;
}

static json_t *class_json(const struct totals_class *class)
{
	json_t *object = json_object();

	set_count(object, "count", class->count);
	set_count(object, "bytes", class->bytes);
	return object;
}

/* Those that are not empty; from: the least that belongs to it. */
static json_t *classes_json(const struct totals_class classes[TOTALS_CLASSES])
{
	json_t *array = json_array();

	for (unsigned i = 0; i < TOTALS_CLASSES; i++)
		if (classes[i].count > 0) {
			json_t *object = class_json(&classes[i]);

			set_count(object, "from", i == 0 ? 0 : (uint64_t)1 << i);
			(void)json_array_append_new(array, object);
		}
	return array;
}

static json_t *peaks_json(const struct analysis_peaks *peaks)
{
	json_t *object = json_object();

	set_count(object, "live_bytes", peaks->live_bytes);
	set_count(object, "moving_bytes", peaks->moving_bytes);
	return object;
}

static json_t *stack_json(const struct profile *profile, uint32_t stack, size_t most)
{
	struct profile_frame frames[PROFILE_MOST_FRAMES];
	const size_t count = stack == PROFILE_NONE ? 0 : profile_stack(profile, stack, frames);
	json_t *array = json_array();

	for (size_t i = 0; i < count && i < most; i++) {
		json_t *frame = json_object();

		(void)json_object_set_new(frame, "module", text_json(frames[i].module));
		set_count(frame, "offset", frames[i].offset);
		(void)json_array_append_new(array, frame);
	}
	return array;
}

static json_t *group_json(const struct profile *profile, const struct growth_group *group,
			  size_t frames)
{
	json_t *object = json_object();

	set_count(object, "block_count", group->block_count);
	set_count(object, "realloc_count", group->reallocs.count);
	set_count(object, "copied_bytes", group->reallocs.bytes);
	set_count(object, "moved_count", group->reallocs.moved_count);
	set_count(object, "moved_bytes", group->reallocs.moved_bytes);
	set_count(object, "most_reallocs", group->most_reallocs);
	set_count(object, "least_first_bytes", group->sizes.least_first_bytes);
	set_count(object, "most_first_bytes", group->sizes.most_first_bytes);
	set_count(object, "least_largest_bytes", group->sizes.least_largest_bytes);
	set_count(object, "most_largest_bytes", group->sizes.most_largest_bytes);
	set_count(object, "least_step_bytes", group->sizes.least_step_bytes);
	set_count(object, "most_step_bytes", group->sizes.most_step_bytes);
	set_count(object, "doubling_count", group->doubling.count);
	set_count(object, "doubling_copied_bytes", group->doubling.bytes);
	(void)json_object_set_new(object, "stack", stack_json(profile, group->stack, frames));
	return object;
}

static json_t *growth_json(const struct profile *profile, const struct analysis *analysis,
			   size_t frames)
{
	const struct growth *growth = analysis->growth;
	size_t count;
	uint64_t least_bytes;
	json_t *object = json_object();
	json_t *groups = json_array();
	json_t *blocks = json_array();
	const struct growth_group *largest = growth_largest(growth, &count);

	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(blocks, group_json(profile, &largest[i], frames));
	(void)growth_blocks(growth, &count, &least_bytes);
	for (size_t i = 0; i < growth_group_count(growth) && i < GROWTH_SHOWN; i++) {
		json_t *group = group_json(profile, growth_group(growth, i), frames);

		(void)json_object_set_new(group, "preallocated", peaks_json(&analysis->groups[i]));
		(void)json_array_append_new(groups, group);
	}
	(void)json_object_set_new(object, "all", group_json(profile, growth_all(growth), frames));
	set_count(object, "group_count", growth_group_count(growth));
	(void)json_object_set_new(object, "groups", groups);
	(void)json_object_set_new(object, "blocks", blocks);
	(void)json_object_set_new(object, "preallocated", peaks_json(&analysis->preallocated));
	set_count(object, "preallocated_from_bytes", least_bytes);
	return object;
}

static json_t *replaced_json(const struct profile *profile, const struct growth *replaced,
			     size_t frames)
{
	json_t *object = json_object();
	json_t *groups = json_array();

	for (size_t i = 0; i < growth_group_count(replaced) && i < GROWTH_SHOWN; i++)
		(void)json_array_append_new(groups,
					    group_json(profile, growth_group(replaced, i), frames));
	(void)json_object_set_new(object, "all", group_json(profile, growth_all(replaced), frames));
	set_count(object, "group_count", growth_group_count(replaced));
	(void)json_object_set_new(object, "groups", groups);
	return object;
}

/* The names of each process are told when it has begun. */
static json_t *processes_json(struct profile *profile, struct error *error)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < profile_facts(profile)->process_count; i++) {
		if (!profile_begin(profile, i, error)) {
			json_decref(array);
			return NULL;
		}
		(void)json_array_append_new(array, process_json(profile, i));
	}
	return array;
}

json_t *profile_json(struct profile *profile, uint32_t process, const struct analysis *analysis,
		     size_t frames, struct error *error)
{
	const struct profile_facts *facts = profile_facts(profile);
	const struct totals *totals = &analysis->totals;
	json_t *growth = growth_json(profile, analysis, frames);
	json_t *replaced = replaced_json(profile, analysis->replaced, frames);
	json_t *processes = processes_json(profile, error);
	json_t *object;

	if (processes == NULL) {
		json_decref(growth);
		json_decref(replaced);
		return NULL;
	}
	object = json_pack("{s:i, s:i, s:b, s:b}", "profile_version", PROFILE_VERSION, "word_bits",
			   (int)facts->word_bits, "has_stacks", facts->has_stacks, "has_names",
			   facts->has_names);
	set_count(object, "event_count", facts->event_count);
	set_count(object, "file_bytes", facts->file_bytes);
	(void)json_object_set_new(object, "processes", processes);
	set_count(object, "process", process);
	(void)json_object_set_new(object, "sizes", classes_json(totals->sizes));
	(void)json_object_set_new(object, "lives", classes_json(totals->lives));
	(void)json_object_set_new(object, "never_freed", class_json(&totals->never_freed));
	(void)json_object_set_new(object, "freed_elsewhere", class_json(&totals->freed_elsewhere));
	(void)json_object_set_new(object, "enlarged", class_json(&totals->enlarged));
	(void)json_object_set_new(object, "not_enlarged", class_json(&totals->not_enlarged));
	(void)json_object_set_new(object, "peaks", peaks_json(&analysis->recorded));
	(void)json_object_set_new(object, "growth", growth);
	(void)json_object_set_new(object, "replaced", replaced);
	return object;
}
