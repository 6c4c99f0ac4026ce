#include "fuzz.h"

#include <ftw.h>
#include <glib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
// NOLINTNEXTLINE(readability-non-const-parameter): libFuzzer's declaration
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (fuzz_prepare != NULL)
		fuzz_prepare();
	return 0;
}

/* So that a sanitizer's finding, too, is a signal, which replay.c can catch. */
// NOLINTBEGIN(bugprone-reserved-identifier)
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "abort_on_error=1:handle_abort=0";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}
// NOLINTEND(bugprone-reserved-identifier)

_Noreturn void fuzz_fail(const char *condition, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: this must be so, and is not: %s\n", file, line, condition);
	abort();
}

char *fuzz_text(const void *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

char *fuzz_line(char **text)
{
	char *line = *text;

	*text += strcspn(line, "\n");
	if (**text == '\n')
		*(*text)++ = '\0';
	return line;
}

bool fuzz_is_printable(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL))
		return false;
	for (; *text != '\0'; text = g_utf8_next_char(text))
		if (g_unichar_iscntrl(g_utf8_get_char(text)))
			return false;
	return true;
}

bool fuzz_is_value(enum column_type type, const char *text)
{
	return *text != '\0' && fuzz_is_printable(text) &&
	       (type == COLUMN_TEXT ||
		(g_ascii_isdigit(*text) && strspn(text, "0123456789.eE+-") == strlen(text)));
}

void fuzz_check_record(const struct record *record)
{
	char *fields[RECORD_MAX_COLUMNS];
	char *row = record_csv_row(record);
	char *newline;

	MUST(row != NULL);
	newline = strchr(row, '\n');
	MUST(newline != NULL && newline[1] == '\0');
	*newline = '\0';
	MUST(csv_split(row, fields, RECORD_MAX_COLUMNS) == column_count());
	for (size_t i = 0; i < column_count(); i++) {
		const char *value = record->values[i];

		MUST(value == NULL || fuzz_is_value(columns[i].type, value));
		/* Numbers begin with a digit. */
		MUST(value == NULL || strchr("=+-@", *value) == NULL);
		MUST(strcmp(fields[i], value == NULL ? "" : value) == 0);
	}
	free(row);
}

/* ---- files ---- */

static char folder[PATH_MAX / 2];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void remove_folder(void)
{
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
	const char *temporary = getenv("TMPDIR");

	if (temporary == NULL || *temporary != '/')
		temporary = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(folder, sizeof folder, "%s/growbench-fuzz-XXXXXX", temporary);
	MUST(mkdtemp(folder) != NULL);
	MUST(atexit(remove_folder) == 0);
	return folder;
}

void fuzz_write(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "w");

	MUST(file != NULL);
	MUST(fwrite(data, 1, size, file) == size);
	MUST(fclose(file) == 0);
}

char *fuzz_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	struct stat status;
	char *text;

	MUST(file != NULL && fstat(fileno(file), &status) == 0);
	text = malloc((size_t)status.st_size + 1);
	MUST(text != NULL);
	*size = fread(text, 1, (size_t)status.st_size, file);
	MUST(fclose(file) == 0);
	text[*size] = '\0';
	return text;
}
