#include "harness/runner/machine/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

char *facts_file(const char *path)
{
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return NULL;
	(void)g_strchomp(text);
	return *text == '\0' ? NULL : g_steal_pointer(&text);
}

/* What follows one of the names "key|other key" at the start of the line, or NULL. */
static const char *skip_key(const char *line, const char *keys)
{
	for (const char *key = keys; *key != '\0';) {
		const size_t length = strcspn(key, "|");

		if (strncmp(line, key, length) == 0 && strchr("\t :=", line[length]) != NULL)
			return line + length;
		key += length + (key[length] == '|');
	}
	return NULL;
}

char *facts_line(const char *path, const char *keys)
{
	char *line = NULL;
	size_t room = 0;
	char *value = NULL;
	FILE *file = fopen(path, "re");

	while (file != NULL && value == NULL && getline(&line, &room, file) > 0) {
		const char *rest = skip_key(line, keys);

		if (rest == NULL)
			continue;
		rest += strspn(rest, "\t :=\"");
		if (strcspn(rest, "\"\n") > 0)
			value = g_strndup(rest, strcspn(rest, "\"\n"));
	}
	free(line);
	if (file != NULL)
		(void)fclose(file);
	return value;
}

void facts_set(json_t *object, json_t *absent, const char *name, json_t *value,
	       const char *why_absent)
{
	if (value == NULL)
		(void)json_object_set_new(absent, name, json_string(why_absent));
	(void)json_object_set_new(object, name, value == NULL ? json_null() : value);
}

void facts_add(json_t *object, json_t *absent, const struct fact *facts)
{
	for (const struct fact *fact = facts; fact->name != NULL; fact++) {
		g_autofree char *text = fact->key == NULL ? facts_file(fact->path)
							  : facts_line(fact->path, fact->key);
		g_autofree char *reason =
			fact->key == NULL
				? g_strdup_printf("%s is absent or empty", fact->path)
				: g_strdup_printf("%s has no line %.*s", fact->path,
						  (int)strcspn(fact->key, "|"), fact->key);

		/* What is no UTF-8 is no string. */
		facts_set(object, absent, fact->name, text == NULL ? NULL : json_string(text),
			  reason);
	}
}
