/*
 * csv - a line of CSV, split.
 *
 * It comes apart as RFC 4180 says, read in a second way; and lines that are written here from any
 * fields, quoted or not, come apart into these.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum {
	MOST = 64
};

/* Writes the fields as a line, in quotes where that is needed, or everywhere. Its own way to do it,
 * so as not to share a mistake. */
static char *join(char *const *fields, size_t count, bool quote_all)
{
	size_t room = 1;
	char *line;
	char *write;

	for (size_t i = 0; i < count; i++)
		room += 2 * strlen(fields[i]) + 3;
	line = write = malloc(room);
	MUST(line != NULL);
	for (size_t i = 0; i < count; i++) {
		bool quoted = quote_all || *fields[i] == '"' || strchr(fields[i], ',') != NULL;

		if (i > 0)
			*write++ = ',';
		if (quoted)
			*write++ = '"';
		for (const char *read = fields[i]; *read != '\0'; read++) {
			if (quoted && *read == '"')
				*write++ = '"';
			*write++ = *read;
		}
		if (quoted)
			*write++ = '"';
	}
	*write = '\0';
	return line;
}

static void check_joined(char *const *fields, size_t count, bool quote_all)
{
	char *line = join(fields, count, quote_all);
	char *again[MOST + 1];

	MUST(csv_split(line, again, MOST + 1) == count);
	for (size_t i = 0; i < count; i++)
		MUST(strcmp(again[i], fields[i]) == 0);
	free(line);
}

/* Reads the line as RFC 4180 says, a character at a time, into `text`, with a '\0' behind each
 * field: how many there are, or 0 if it is no line of CSV. */
static size_t read_slowly(const char *line, char *text)
{
	enum {
		BEGIN,
		PLAIN,
		QUOTED,
		BEHIND
	} state = BEGIN;
	size_t count = 1;

	for (; *line != '\0'; line++) {
		const bool quote = *line == '"';

		if (state == BEHIND && quote) {
			*text++ = '"';
			state = QUOTED;
		} else if (state == QUOTED ? quote : state == BEGIN && quote) {
			state = state == QUOTED ? BEHIND : QUOTED;
		} else if (state != QUOTED && *line == ',') {
			*text++ = '\0';
			count++;
			state = BEGIN;
		} else if (state == BEHIND) {
			return 0;
		} else {
			*text++ = *line;
			state = state == BEGIN ? PLAIN : state;
		}
	}
	*text = '\0';
	return state == QUOTED ? 0 : count;
}

static void check_split(const char *line, char *const *fields, size_t count)
{
	char *text = malloc(strlen(line) + 1);
	const char *expected = text;
	size_t expected_count = read_slowly(line, text);

	MUST(count == (expected_count <= MOST ? expected_count : 0));
	for (size_t i = 0; i < count; i++) {
		MUST(strcmp(fields[i], expected) == 0);
		expected += strlen(expected) + 1;
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *fields[MOST];
	char *line = fuzz_text(data, size);
	char *text = fuzz_text(data, size);
	char *rest = text;
	size_t count = csv_split(line, fields, MOST);

	MUST(count <= MOST);
	check_split(text, fields, count);
	if (count > 0) {
		check_joined(fields, count, false);
		check_joined(fields, count, true);
	}
	count = 0;
	while (count < MOST && (*rest != '\0' || count == 0))
		fields[count++] = fuzz_line(&rest);
	check_joined(fields, count, false);
	check_joined(fields, count, true);
	free(line);
	free(text);
	return 0;
}
