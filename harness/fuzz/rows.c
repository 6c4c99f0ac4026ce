/*
 * rows - a run's runs.csv, taken up again: any bytes under the header.
 *
 * Every row that is handed on stood in the file as a whole line; what is taken for a row is written
 * as it was read. A file that is accepted loses nothing but a torn last line; one that is refused
 * is left as it is.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "harness/runner/record/folder.h"

static struct folder folder;
static char path[PATH_MAX];
static char *header;

void fuzz_prepare(void)
{
	struct error error;

	MUST(folder_init(&folder, fuzz_folder(), &error));
	(void)snprintf(path, sizeof path, "%s/runs.csv", folder.path);
	header = record_csv_header();
}

/* What is still to come of the file. */
struct rest {
	const char *text;
	const char *end;
	uint64_t line;
};

static void check_again(const struct record *record)
{
	struct record again = record_init();
	struct error error;
	char *row = record_csv_row(record);
	char *line = fuzz_text(row, strlen(row) - 1);

	MUST(record_read_row(&again, line, &error));
	for (size_t i = 0; i < column_count(); i++) {
		const char *value = record->values[i];

		MUST(value == NULL || fuzz_is_value(columns[i].type, value));
		MUST((value == NULL) == (again.values[i] == NULL));
		MUST(value == NULL || strcmp(value, again.values[i]) == 0);
	}
	free(row);
	free(line);
	record_release(&again);
}

static bool take_row(char *line, uint64_t number, void *data, struct error *error)
{
	struct rest *rest = data;
	size_t length = strlen(line);
	struct record record = record_init();
	bool ok;

	MUST(number == ++rest->line);
	MUST((size_t)(rest->end - rest->text) > length && rest->text[length] == '\n');
	MUST(memcmp(line, rest->text, length) == 0);
	rest->text += length + 1;
	ok = record_read_row(&record, line, error);
	if (ok)
		check_again(&record);
	record_release(&record);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t header_size = strlen(header);
	/* Without a header if the input says so. */
	const size_t begin = size > 0 && data[0] == '!' ? 0 : header_size;
	const size_t all = begin + size;
	char *text = malloc(all + 1);
	char *now;
	struct error error = {""};
	struct rest rest = {.line = 1};
	size_t whole;
	bool ok;

	MUST(text != NULL);
	memcpy(text, header, begin);
	if (size > 0)
		memcpy(text + begin, data, size);
	fuzz_write(path, text, all);
	rest.text = text + (begin == 0 ? all : begin);
	rest.end = text + all;
	MUST(folder_open(&folder, &error));
	ok = folder_read(&folder, header, take_row, &rest, &error);
	folder_release(&folder);
	now = fuzz_read(path, &whole);
	MUST(whole <= all && memcmp(now, text, whole) == 0);
	if (ok) {
		MUST(whole >= header_size && memcmp(text, header, header_size) == 0);
		MUST(rest.text == text + whole && text[whole - 1] == '\n');
		MUST(memchr(rest.text, '\n', (size_t)(rest.end - rest.text)) == NULL);
	} else {
		MUST(whole == all && error.text[0] != '\0');
	}
	free(text);
	free(now);
	return 0;
}
