#include "harness/common/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads digits into *value; returns the first character after them, or NULL on overflow. */
static const char *read_digits(const char *text, uint64_t *value)
{
	*value = 0;
	for (; isdigit((unsigned char)*text); text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (__builtin_mul_overflow(*value, (uint64_t)10, value) ||
		    __builtin_add_overflow(*value, digit, value))
			return NULL;
	}
	return text;
}

/* The power of ten that a suffix stands for, or -1. */
static int suffix_power(const char *suffix)
{
	static const struct {
		const char *letter;
		int power;
	} suffixes[] = {
		{"", 0},
#define CONSTANT(name, value, meaning)
#define SUFFIX(letter, power) {#letter, power},
#include "harness/common/constants.def"
	};
	uint64_t exponent;
	const char *end;

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (strcmp(suffix, suffixes[i].letter) == 0)
			return suffixes[i].power;
	if (*suffix != 'e' || !isdigit((unsigned char)suffix[1]))
		return -1;
	end = read_digits(suffix + 1, &exponent);
	if (end == NULL || *end != '\0' || exponent > 1000)
		return end != NULL && *end != '\0' ? -1 : 1000;
	return (int)exponent;
}

static bool scale_by_ten(uint64_t *value, int power)
{
	for (; power > 0 && *value != 0; power--)
		if (__builtin_mul_overflow(*value, (uint64_t)10, value))
			return false;
	return true;
}

bool parse_count(const char *text, const char *what, uint64_t *value, struct error *error)
{
	const char *end = read_digits(text, value);
	int power = end == NULL ? 0 : suffix_power(end);

	if (!isdigit((unsigned char)*text) || power < 0)
		return error_set(error,
				 "%s: '%s' is not a whole number; give one of 1 and more, such as "
				 "10000, 10k or 1e4",
				 what, text);
	if (end == NULL || !scale_by_ten(value, power))
		return error_set(error, "%s: '%s' is too large; the most is 18446744073709551615",
				 what, text);
	if (*value == 0)
		return error_set(error, "%s: '%s' is zero; give 1 or more", what, text);
	return true;
}

/* The exponent of two that a size's unit means, or -1. */
static int unit_power(const char *unit)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};

	for (int i = 0; i < 4; i++)
		if (strcmp(unit, units[i]) == 0)
			return 10 * (i + 1);
	return -1;
}

bool parse_size(const char *text, const char *what, uint64_t *bytes, struct error *error)
{
	const char *end = read_digits(text, bytes);
	const int power = end == NULL ? -1 : unit_power(end);

	if (!isdigit((unsigned char)*text) || (power < 0 && end != NULL && suffix_power(end) < 0))
		return error_set(error, "%s: '%s' is no size; give one such as 512MiB, 4GiB or 1e9",
				 what, text);
	if (power < 0)
		return parse_count(text, what, bytes, error);
	if (*bytes > UINT64_MAX >> power)
		return error_set(error, "%s: '%s' is too large", what, text);
	*bytes <<= power;
	return *bytes > 0 || error_set(error, "%s: '%s' is zero; give 1 or more", what, text);
}

bool parse_seed(const char *text, const char *what, uint64_t *value, struct error *error)
{
	const char *end = read_digits(text, value);

	if (*text == '\0' || end == NULL || *end != '\0')
		return error_set(error,
				 "%s: '%s' is not a whole number from 0 to 18446744073709551615",
				 what, text);
	return true;
}

bool parse_count_list(const char *text, const char *what, uint64_t **values, size_t *count,
		      struct error *error)
{
	char *copy = strdup(text);
	size_t items = 1;
	char *rest = copy;

	for (const char *c = text; *c != '\0'; c++)
		items += *c == ',';
	*values = calloc(items, sizeof **values);
	*count = 0;
	if (copy == NULL || *values == NULL) {
		(void)error_set(error, "%s: out of memory", what);
		goto failed;
	}
	for (char *item = strsep(&rest, ","); item != NULL; item = strsep(&rest, ",")) {
		uint64_t value;

		if (!parse_count(item, what, &value, error))
			goto failed;
		for (size_t i = 0; i < *count; i++)
			if ((*values)[i] == value) {
				(void)error_set(error, "%s: '%s' is given twice", what, item);
				goto failed;
			}
		(*values)[(*count)++] = value;
	}
	free(copy);
	return true;
failed:
	free(copy);
	free(*values);
	*values = NULL;
	*count = 0;
	return false;
}

enum {
	LONGEST_NAME = 64
};

/* Levenshtein's distance (Wagner and Fischer, J. ACM 21, 1974) with one row of the table. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[LONGEST_NAME + 1];
	size_t length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
			size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = substitute < best ? substitute : best;
		}
	}
	return row[length];
}

const char *nearest_name(const char *word, const char *const *names)
{
	size_t length = strlen(word);
	size_t best_distance = length / 2 + 1;
	const char *best = NULL;

	if (length > LONGEST_NAME)
		return NULL;
	for (; *names != NULL; names++) {
		size_t distance;

		if (strlen(*names) > LONGEST_NAME)
			continue;
		distance = edit_distance(word, *names);
		if (distance < best_distance) {
			best = *names;
			best_distance = distance;
		}
	}
	return best;
}

bool unknown_name(const char *what, const char *word, const char *const *names, struct error *error)
{
	const char *nearest = nearest_name(word, names);
	char valid[768] = "";
	size_t used = 0;

	for (; *names != NULL; names++) {
		int written = snprintf(valid + used, sizeof valid - used, "%s%s",
				       used == 0 ? "" : ", ", *names);

		if (written < 0 || (size_t)written >= sizeof valid - used) {
			valid[used] = '\0';
			break;
		}
		used += (size_t)written;
	}
	if (nearest != NULL)
		return error_set(error, "unknown %s '%.64s'; did you mean '%s'? Valid: %s", what,
				 word, nearest, valid);
	return error_set(error, "unknown %s '%.64s'. Valid: %s", what, word, valid);
}

bool is_in_list(const char *name, const char *list)
{
	size_t length = strlen(name);

	while (list != NULL && *list != '\0') {
		size_t item = strcspn(list, ",");

		if (item == length && strncmp(list, name, length) == 0)
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}

bool check_list(const char *what, const char *list, const char *const *names, struct error *error)
{
	const char *next = list;

	while (next != NULL) {
		size_t length = strcspn(next, ",");
		char item[128];
		bool known = false;

		(void)snprintf(item, sizeof item, "%.*s", (int)length, next);
		for (const char *const *name = names; *name != NULL; name++)
			known |= strcmp(*name, item) == 0;
		if (!known)
			return unknown_name(what, item, names, error);
		next = next[length] == ',' ? next + length + 1 : NULL;
	}
	return true;
}
