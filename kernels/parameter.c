#include "parameter.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEAST_FACTOR 1001
#define MOST_FACTOR 1000000
#define MOST_COUNT 1000000
#define MOST_STEP (UINT64_C(1) << 40)
#define STEP_OF_ROWS (UINT64_C(1) << 63)

/* Reads digits of a number that is at most 10^15; returns what is behind them, or NULL. */
static const char *read_number(const char *text, uint64_t *value)
{
	const uint64_t most = UINT64_C(1000000000000000);

	if (!isdigit((unsigned char)*text))
		return NULL;
	for (*value = 0; isdigit((unsigned char)*text); text++) {
		*value = 10 * *value + (uint64_t)(*text - '0');
		if (*value > most)
			return NULL;
	}
	return text;
}

bool parameter_read_factor(const char *text, uint64_t *value)
{
	uint64_t thousandths = 100;

	text = read_number(text, value);
	if (text == NULL || *value > MOST_FACTOR)
		return false;
	*value *= 1000;
	if (*text == '.') {
		text++;
		do {
			if (!isdigit((unsigned char)*text))
				return false;
			*value += thousandths * (uint64_t)(*text++ - '0');
			thousandths /= 10;
		} while (*text != '\0' && thousandths > 0);
	}
	return *text == '\0' && *value >= LEAST_FACTOR && *value <= MOST_FACTOR;
}

void parameter_write_factor(uint64_t value, char text[PARAMETER_MOST_BYTES])
{
	int length = snprintf(text, PARAMETER_MOST_BYTES, "%" PRIu64 ".%03" PRIu64, value / 1000,
			      value % 1000);

	while (text[length - 1] == '0')
		text[--length] = '\0';
	if (text[length - 1] == '.')
		text[length - 1] = '\0';
}

static const char *const factors[] = {"1.125", "1.25", "1.5", "1.618", "2", "3", NULL};

const struct strategy_parameter parameter_factor = {
	.name = "factor",
	.range = "a factor from 1.001 to 1000",
	.examples = factors,
	.read = parameter_read_factor,
	.write = parameter_write_factor,
};

bool parameter_read_count(const char *text, uint64_t *value)
{
	text = read_number(text, value);
	return text != NULL && *text == '\0' && *value >= 1 && *value <= MOST_COUNT;
}

void parameter_write_count(uint64_t value, char text[PARAMETER_MOST_BYTES])
{
	(void)snprintf(text, PARAMETER_MOST_BYTES, "%" PRIu64, value);
}

bool parameter_read_step(const char *text, uint64_t *value)
{
	text = read_number(text, value);
	if (text == NULL || *value < 1 || *value > MOST_STEP)
		return false;
	if (strcmp(text, "rows") == 0)
		*value |= STEP_OF_ROWS;
	else if (strcmp(text, "B") != 0)
		return false;
	return true;
}

void parameter_write_step(uint64_t value, char text[PARAMETER_MOST_BYTES])
{
	(void)snprintf(text, PARAMETER_MOST_BYTES, "%" PRIu64 "%s", value & ~STEP_OF_ROWS,
		       (value & STEP_OF_ROWS) != 0 ? "rows" : "B");
}
