#include "harness/common/columns.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/utf8.h"

#define SCHEMA(version)
#define COLUMN(name, type, source, presence, since, help) \
	{#name, COLUMN_##type, FROM_##source, help},

const struct column columns[] = {
#include "harness/common/columns.def"
	{NULL, COLUMN_TEXT, FROM_RUNNER, NULL},
};

size_t column_count(void)
{
	return COLUMNS;
}

size_t column_find(const char *name)
{
	size_t i = 0;

	while (columns[i].name != NULL && strcmp(columns[i].name, name) != 0)
		i++;
	return i;
}

static bool is_count(const char *text)
{
	uintmax_t value;
	char *end;

	if (!isdigit((unsigned char)*text) || strlen(text) > 20)
		return false;
	errno = 0;
	value = strtoumax(text, &end, 10);
	return errno == 0 && *end == '\0' && (double)value < 0x1p63;
}

/* Digits with at most one '.' and an exponent, by hand: strtod reads what the locale says, and
 * also "inf", "nan" and hexadecimal. */
static bool is_real(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	const char *rest = text + digits;

	if (digits == 0)
		return false;
	if (*rest == '.') {
		size_t decimals = strspn(rest + 1, "0123456789");

		if (decimals == 0)
			return false;
		rest += 1 + decimals;
	}
	if (*rest == 'e' || *rest == 'E') {
		rest++;
		if (*rest == '+' || *rest == '-')
			rest++;
		digits = strspn(rest, "0123456789");
		if (digits == 0 || digits > 2)
			return false;
		rest += digits;
	}
	/* Nobody calls setlocale, so strtod takes the point. */
	return *rest == '\0' && strlen(text) < 64 && strtod(text, NULL) < 0x1p63;
}

static bool is_text(const char *text)
{
	if (*text == '\0')
		return false;
	while (*text != '\0') {
		size_t length = utf8_length(text);

		if (length == 0 || utf8_is_control(text))
			return false;
		text += length;
	}
	return true;
}

bool column_accepts(enum column_type type, const char *text)
{
	switch (type) {
	case COLUMN_TEXT:
		return is_text(text);
	case COLUMN_COUNT:
		return is_count(text);
	case COLUMN_REAL:
		return is_real(text);
	}
	return false;
}
