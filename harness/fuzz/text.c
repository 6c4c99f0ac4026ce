/*
 * text - the numbers, lists and names that a person types: a value, then names, a line each.
 *
 * Numbers are held against a second way to read them; what is refused has a message; a list says of
 * its items, and of nothing else, that they are in it.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "harness/common/text.h"
#include "harness/common/utf8.h"

enum {
	MOST_NAMES = 16
};

__extension__ typedef unsigned __int128 wide;

/* The number that the text stands for, or 0 if it is none from 1 to 2^64 - 1. */
static uint64_t count_of(const char *text)
{
	static const char suffixes[] = "kMG";
	wide value = 0;
	unsigned long power = 0;
	const char *rest = text;

	for (; g_ascii_isdigit(*rest); rest++)
		if (value <= UINT64_MAX)
			value = value * 10 + (unsigned)(*rest - '0');
	if (rest == text)
		return 0;
	if (*rest == 'e' && g_ascii_isdigit(rest[1]))
		power = strtoul(rest + 1, (char **)&rest, 10);
	else if (*rest != '\0' && strchr(suffixes, *rest) != NULL)
		power = 3 * (1 + (unsigned long)(strchr(suffixes, *rest++) - suffixes));
	if (*rest != '\0')
		return 0;
	for (; power > 0 && value > 0 && value <= UINT64_MAX; power--)
		value *= 10;
	return value <= UINT64_MAX ? (uint64_t)value : 0;
}

static void check_numbers(const char *text)
{
	struct error error = {""};
	uint64_t value;
	uint64_t *values;
	size_t count;
	bool ok = parse_count(text, "--rows", &value, &error);

	MUST(ok ? value == count_of(text) : count_of(text) == 0 && error.text[0] != '\0');
	error.text[0] = '\0';
	ok = parse_seed(text, "--seed", &value, &error);
	MUST(ok ? *text != '\0' && value == g_ascii_strtoull(text, NULL, 10)
		: error.text[0] != '\0');
	error.text[0] = '\0';
	ok = parse_count_list(text, "--rows", &values, &count, &error);
	MUST(ok ? count > 0 : count == 0 && values == NULL && error.text[0] != '\0');
	for (size_t i = 0; i < count; i++) {
		size_t length = strcspn(text, ",");
		char *item = fuzz_text(text, length);

		MUST(values[i] == count_of(item) && values[i] != 0);
		for (size_t k = 0; k < i; k++)
			MUST(values[k] != values[i]);
		free(item);
		text += length + (text[length] == ',');
	}
	free(values);
}

static bool is_among(const char *word, const char *const *names)
{
	while (*names != NULL && strcmp(*names, word) != 0)
		names++;
	return *names != NULL;
}

static void check_list_of(const char *list, const char *const *names)
{
	struct error error = {""};
	char **items = g_strsplit(list, ",", -1);
	const char *nearest = nearest_name(list, names);
	/* An empty list is one of one empty item here, and of none for GLib. */
	bool all = *list != '\0';

	for (char **item = items; *item != NULL; item++)
		all &= is_among(*item, names);
	for (const char *const *name = names; *name != NULL; name++)
		MUST(is_in_list(*name, list) == g_strv_contains((const char *const *)items, *name));
	MUST(check_list("strategy", list, names, &error) == all);
	MUST(all || error.text[0] != '\0');
	MUST(nearest == NULL || is_among(nearest, names));
	g_strfreev(items);
}

static void check_characters(const char *text)
{
	while (*text != '\0') {
		gunichar character = g_utf8_get_char_validated(text, -1);
		size_t length = utf8_length(text);

		MUST(length == ((character & 0x80000000U) != 0
					? 0
					: (size_t)g_unichar_to_utf8(character, NULL)));
		text += length == 0 ? 1 : length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *names[MOST_NAMES + 1] = {NULL};
	char *text = fuzz_text(data, size);
	char *rest = text;
	const char *value;
	size_t count = 0;

	check_characters(text);
	value = fuzz_line(&rest);
	while (count < MOST_NAMES && *rest != '\0') {
		names[count] = fuzz_line(&rest);
		count += *names[count] != '\0';
	}
	names[count] = NULL;
	check_numbers(value);
	check_list_of(value, names);
	free(text);
	return 0;
}
