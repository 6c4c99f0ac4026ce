#include "harness/runner/request/requirements.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/common/statuses.h"
#include "harness/common/text.h"

/* ---- what was named ---- */

static bool is_same(const struct requirement *a, const struct requirement *b)
{
	return strcmp(a->option, b->option) == 0 &&
	       strcmp(a->keys[0].value, b->keys[0].value) == 0 &&
	       strcmp(a->keys[1].value, b->keys[1].value) == 0;
}

static void set_key(struct requirement *requirement, size_t key, const char *column,
		    const char *value)
{
	requirement->keys[key].column = column;
	(void)g_strlcpy(requirement->keys[key].value, value, sizeof requirement->keys[key].value);
}

static void set_count(struct requirement *requirement, size_t key, const char *column,
		      uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRIu64, value);
	set_key(requirement, key, column, text);
}

static void add(struct requirements *requirements, const struct requirement *added)
{
	for (size_t i = 0; i < requirements->count; i++)
		if (is_same(&requirements->items[i], added))
			return;
	requirements->items =
		g_renew(struct requirement, requirements->items, requirements->count + 1);
	requirements->items[requirements->count++] = *added;
}

static void add_name(struct requirements *requirements, const char *option, const char *column,
		     const char *name)
{
	struct requirement added = {.option = option, .is_pass = strcmp(column, "pass") == 0};

	set_key(&added, 0, column, name);
	add(requirements, &added);
}

static void add_list(struct requirements *requirements, const char *option, const char *column,
		     const char *list)
{
	g_auto(GStrv) names = g_strsplit(list == NULL ? "" : list, ",", -1);

	for (char **name = names; *name != NULL; name++)
		add_name(requirements, option, column, *name);
}

static void add_size(struct requirements *requirements, const char *option, const char *column,
		     uint64_t value)
{
	struct requirement added = {.option = option, .is_size = true};

	set_count(&added, 0, column, value);
	add(requirements, &added);
}

/* NAME=... of --allocator and --worker, unless a list says which of all names are meant. */
static void add_definitions(struct requirements *requirements, const char *option,
			    const char *column, const struct texts *definitions)
{
	for (size_t i = 0; i < definitions->count; i++) {
		const char *text = definitions->items[i];
		g_autofree char *name = g_strndup(text, strcspn(text, "="));

		add_name(requirements, option, column, name);
	}
}

static void add_shapes(struct requirements *requirements, const struct request *request)
{
	for (size_t i = 0; i < request->shape_count; i++) {
		struct requirement shape = {.option = "--shapes", .is_size = true};

		if (request->given.rows != NULL)
			add_size(requirements, "--rows", "rows", request->shapes[i].rows);
		if (request->given.row_bytes != NULL)
			add_size(requirements, "--row-bytes", "row_bytes",
				 request->shapes[i].row_bytes);
		set_count(&shape, 0, "rows", request->shapes[i].rows);
		set_count(&shape, 1, "row_bytes", request->shapes[i].row_bytes);
		if (request->given.shapes != NULL)
			add(requirements, &shape);
	}
}

static void add_timeline(struct requirements *requirements, const struct request *request)
{
	for (size_t i = 0; i < request->timeline.count; i++) {
		struct requirement added = {.option = "--timeline"};

		set_count(&added, 0, "rows", request->timeline.values[i]);
		set_key(&added, 1, "pass", "trace");
		add(requirements, &added);
	}
}

static bool is_only_probes(const struct request *request)
{
	for (size_t i = 0; i < PASS_COUNT; i++)
		if (i != PASS_PROBE && request->passes[i])
			return false;
	return true;
}

struct requirements requirements_init(const struct request *request)
{
	struct requirements made = {
		.only_probes = is_only_probes(request),
		.is_timed = request->passes[PASS_MEASURE] || request->passes[PASS_PATTERN],
	};

	add_list(&made, "--allocators", "allocator", request->given.allocators);
	if (request->given.allocators == NULL)
		add_definitions(&made, "--allocator", "allocator", &request->given.allocator);
	add_list(&made, "--passes", "pass", request->given.passes);
	/* The others are of cells. */
	if (made.only_probes)
		return made;
	add_list(&made, "--implementations", "implementation", request->given.implementations);
	if (request->given.implementations == NULL)
		add_definitions(&made, "--worker", "implementation", &request->workers);
	if (request->given.strategies != NULL)
		add_list(&made, "--strategies", "strategy", request->strategy_names);
	add_shapes(&made, request);
	for (size_t i = 0; request->given.threads != NULL && i < request->threads.count; i++)
		add_size(&made, "--threads", "threads", request->threads.values[i]);
	if (request->given.timeline != NULL)
		add_timeline(&made, request);
	return made;
}

void requirements_release(struct requirements *requirements)
{
	g_free(requirements->items);
	*requirements = (struct requirements){0};
}

/* ---- what became of it ---- */

static bool counts(const struct requirements *requirements, const struct record *row)
{
	return requirements->only_probes || strcmp(record_get(row, "pass"), "probe") != 0;
}

static bool is_timing(const struct record *row)
{
	const char *pass = record_get(row, "pass");

	return strcmp(pass, pass_names[PASS_MEASURE]) == 0 ||
	       strcmp(pass, pass_names[PASS_PATTERN]) == 0;
}

static bool concerns(const struct requirements *requirements, const struct requirement *requirement,
		     const struct record *row)
{
	for (size_t i = 0; i < 2 && requirement->keys[i].column != NULL; i++)
		if (strcmp(record_get(row, requirement->keys[i].column),
			   requirement->keys[i].value) != 0)
			return false;
	return counts(requirements, row) || requirement->is_pass;
}

bool requirements_plan(struct requirements *requirements, const struct record *row)
{
	bool missing = false;

	for (size_t i = 0; i < requirements->count; i++) {
		struct requirement *requirement = &requirements->items[i];

		requirement->is_planned |= concerns(requirements, requirement, row);
		missing |= !requirement->is_planned;
	}
	return missing;
}

/* The first reason stays. */
static void set_reason(char *reason, size_t size, const struct record *row)
{
	char detail[700];

	if (*reason != '\0')
		return;
	record_copy(row, "status_detail", detail, sizeof detail);
	(void)snprintf(reason, size, "%s: %s", record_get(row, "status"), detail);
}

void requirements_note(struct requirements *requirements, const struct record *row)
{
	const enum status_class kind = status_class_of(record_get(row, "status"));

	/* The cell's other rounds say. */
	if (kind == STATUS_LEFT_OUT)
		return;
	if (counts(requirements, row)) {
		requirements->any_measured |= kind == STATUS_MEASURED;
		requirements->any_timed |= kind == STATUS_MEASURED && is_timing(row);
		if (kind != STATUS_MEASURED)
			set_reason(requirements->first_reason, sizeof requirements->first_reason,
				   row);
	}
	for (size_t i = 0; i < requirements->count; i++) {
		struct requirement *requirement = &requirements->items[i];

		if (requirement->is_met || !concerns(requirements, requirement, row))
			continue;
		requirement->is_met = kind == STATUS_MEASURED ||
				      (kind == STATUS_PREDICTED && requirement->is_size);
		if (!requirement->is_met)
			set_reason(requirement->reason, sizeof requirement->reason, row);
	}
}

/* ---- telling ---- */

/* "--shapes 10x80" */
static char *name_of(const struct requirement *requirement)
{
	const bool is_shape = requirement->keys[1].column != NULL && requirement->is_size;

	return g_strdup_printf("%s %s%s%s", requirement->option, requirement->keys[0].value,
			       is_shape ? "x" : "", is_shape ? requirement->keys[1].value : "");
}

/* Has it rows, none of which was measured? */
static bool is_unmet(const struct requirement *requirement)
{
	return requirement->is_planned && !requirement->is_met;
}

/* One sentence of all that has the reason of items[first]. */
static char *tell_together(const struct requirements *requirements, size_t first)
{
	const char *reason = requirements->items[first].reason;
	GString *text = g_string_new(NULL);

	for (size_t i = first; i < requirements->count && text->len < 1024; i++) {
		const struct requirement *requirement = &requirements->items[i];
		g_autofree char *name = name_of(requirement);

		if (is_unmet(requirement) && strcmp(requirement->reason, reason) == 0)
			g_string_append_printf(text, "%s%s", text->len == 0 ? "" : ", ", name);
	}
	g_string_append_printf(text, ": not one row was measured (%s)", reason);
	return g_string_free(text, FALSE);
}

static bool is_told_before(const struct requirements *requirements, size_t item)
{
	for (size_t i = 0; i < item; i++)
		if (is_unmet(&requirements->items[i]) &&
		    strcmp(requirements->items[i].reason, requirements->items[item].reason) == 0)
			return true;
	return false;
}

static GPtrArray *tell_unplanned(const struct requirements *requirements)
{
	GPtrArray *told = g_ptr_array_new();

	for (size_t i = 0; i < requirements->count; i++) {
		g_autofree char *name = name_of(&requirements->items[i]);

		if (!requirements->items[i].is_planned)
			g_ptr_array_add(told, g_strdup_printf("%s: the run has no row of it; "
							      "growbench plan shows what it has",
							      name));
	}
	return told;
}

char **requirements_unplanned(const struct requirements *requirements)
{
	GPtrArray *told = tell_unplanned(requirements);

	g_ptr_array_add(told, NULL);
	return (char **)g_ptr_array_free(told, FALSE);
}

char **requirements_unmet(const struct requirements *requirements)
{
	GPtrArray *told = tell_unplanned(requirements);

	for (size_t i = 0; i < requirements->count; i++)
		if (is_unmet(&requirements->items[i]) && !is_told_before(requirements, i))
			g_ptr_array_add(told, tell_together(requirements, i));
	if (told->len == 0 &&
	    !(requirements->is_timed ? requirements->any_timed : requirements->any_measured))
		g_ptr_array_add(told, g_strdup_printf("not one row was measured (%s)",
						      requirements->first_reason));
	g_ptr_array_add(told, NULL);
	return (char **)g_ptr_array_free(told, FALSE);
}
