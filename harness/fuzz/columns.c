/*
 * columns - is a text a value that a column may hold?
 *
 * Against GLib's idea of UTF-8 and of numbers. A number is one for the scripts as well, which
 * refuse a run with a count of more than 20 digits, or a figure of 2^63 or more
 * (scripts/growbench/data/load.py).
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "harness/common/columns.h"

static void check_number(const char *text, bool is_count, bool is_real)
{
	char *end;
	double value = g_ascii_strtod(text, &end);
	bool is_readable = *text != '\0' && *end == '\0' && g_ascii_isdigit(*text);

	if (is_count || is_real)
		MUST(is_readable && value < 9223372036854775808.0 && strlen(text) < 64);
	if (is_count) {
		MUST(is_real && strlen(text) <= 20);
		MUST(strspn(text, "0123456789") == strlen(text));
	}
	/* The other way round, for what the runner itself writes. */
	if (strspn(text, "0123456789") == strlen(text) && *text != '\0' && strlen(text) <= 18)
		MUST(is_count);
	if (is_readable && strpbrk(text, "xXpPiInN") == NULL && strlen(text) < 20 && value < 1e18 &&
	    text[strlen(text) - 1] != '.' && strstr(text, ".e") == NULL &&
	    strstr(text, ".E") == NULL && strpbrk(text, "eE") == NULL)
		MUST(is_real);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	MUST(column_accepts(COLUMN_TEXT, text) == (*text != '\0' && fuzz_is_printable(text)));
	check_number(text, column_accepts(COLUMN_COUNT, text), column_accepts(COLUMN_REAL, text));
	/* A name is found at its own place only. */
	if (column_find(text) != column_count())
		MUST(strcmp(columns[column_find(text)].name, text) == 0);
	free(text);
	return 0;
}
