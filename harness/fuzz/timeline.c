/*
 * timeline - a run's timeline.csv, taken up again: any bytes under the header.
 *
 * What stays is the beginning of the file, of whole lines whose positions have a row, and no line
 * less; what is appended then stands behind it, or behind a new header. A file that is refused is
 * left as it is.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "harness/runner/record/folder.h"

#define ADDED "1,c,x,glibc,1,1,1,1,1,1\n"

static struct folder folder;
static char path[PATH_MAX];
static const char *header;

void fuzz_prepare(void)
{
	struct error error;

	MUST(folder_init(&folder, fuzz_folder(), &error));
	(void)snprintf(path, sizeof path, "%s/timeline.csv", folder.path);
	header = timeline_csv_header();
}

static bool has_row(uint64_t position, void *data)
{
	(void)data;
	return position % 4 == 1;
}

static bool line_has_row(const char *line, size_t length)
{
	char *text = fuzz_text(line, length);
	bool has = has_row(strtoull(text, NULL, 10), NULL);

	free(text);
	return has;
}

/* How much of the text stays. */
static size_t kept_of(const char *text, size_t size)
{
	const char *rest = text;
	const char *newline = memchr(rest, '\n', size);

	while (newline != NULL && (rest == text || line_has_row(rest, (size_t)(newline - rest)))) {
		rest = newline + 1;
		newline = memchr(rest, '\n', size - (size_t)(rest - text));
	}
	return (size_t)(rest - text);
}

static void check_appended(const char *text, size_t kept)
{
	const size_t head = kept == 0 ? strlen(header) : kept;
	struct error error;
	size_t size;
	char *now;

	MUST(folder_append_timeline(&folder, header, ADDED, &error));
	folder_release(&folder);
	now = fuzz_read(path, &size);
	MUST(size == head + strlen(ADDED) && memcmp(now, kept == 0 ? header : text, head) == 0);
	MUST(strcmp(now + head, ADDED) == 0);
	free(now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Without a header if the input says so. */
	const size_t begin = size > 0 && data[0] == '!' ? 0 : strlen(header);
	const size_t all = begin + size;
	struct error error = {""};
	char *text = malloc(all + 1);
	char *now;
	size_t kept;
	bool ok;

	MUST(text != NULL);
	memcpy(text, header, begin);
	if (size > 0)
		memcpy(text + begin, data, size);
	text[all] = '\0';
	fuzz_write(path, text, all);
	ok = folder_cut_timeline(&folder, header, has_row, NULL, &error);
	now = fuzz_read(path, &kept);
	MUST(kept <= all && memcmp(now, text, kept) == 0);
	/* An unfinished header is a torn line as well. */
	MUST(ok == (memchr(text, '\n', all) == NULL || strncmp(text, header, strlen(header)) == 0));
	if (ok) {
		MUST(kept == kept_of(text, all));
		check_appended(text, kept);
	} else {
		MUST(kept == all && error.text[0] != '\0');
	}
	free(now);
	free(text);
	return 0;
}
