/*
 * report - a worker's report, read into a record and written as a row; and any text, reported.
 *
 * What is refused leaves the record as it was. What is taken over may stand in runs.csv, comes out
 * of its row as it went in, and has the points of a timeline as lines of four counts. What our own
 * workers write is never refused.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "harness/common/columns.h"
#include "harness/common/report.h"

static int file = -1;

void fuzz_prepare(void)
{
	file = memfd_create("report", MFD_CLOEXEC);
	MUST(file >= 0);
}

static void check_reported(const char *text)
{
	static struct report report;
	static char sent[REPORT_MAX_BYTES];
	struct record record = record_init();
	struct error error;
	ssize_t length;

	MUST(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
	report_begin(&report, file);
	report_text(&report, "allocator_path", text);
	MUST(report_end(&report, "failed", text));
	length = pread(file, sent, sizeof sent, 0);
	MUST(record_read_report(&record, sent, (size_t)length, &error));
	MUST((record_get(&record, "allocator_path") == NULL) == (*text == '\0'));
	fuzz_check_record(&record);
	record_release(&record);
}

static void check_points(const struct record *record)
{
	char *all = timeline_csv_rows(record);
	char *rest = all;
	size_t lines = 0;

	MUST(all != NULL);
	while (*rest != '\0') {
		char *fields[16];
		char *line = fuzz_line(&rest);

		MUST(csv_split(line, fields, 16) == 10);
		for (size_t i = 6; i < 10; i++)
			MUST(column_accepts(COLUMN_COUNT, fields[i]));
		lines++;
	}
	MUST(lines == (record->points == NULL ? 0 : record->points->len));
	free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record record = record_init();
	struct error error = {""};
	char *text = fuzz_text(data, size);
	char *before;
	char *after;
	bool ok;

	/* What the runner itself writes may be any text as well. */
	record_set_text(&record, "machine_id", text);
	record_set_text(&record, "allocator", text + strlen(text) / 2);
	record_set_count(&record, "position", size);
	before = record_csv_row(&record);
	ok = record_read_report(&record, (const char *)data, size, &error);
	fuzz_check_record(&record);
	check_points(&record);
	if (ok) {
		MUST(record_get(&record, "status") != NULL);
		MUST(strstr(text, "\nend\n") == text + size - strlen("\nend\n"));
	} else {
		after = record_csv_row(&record);
		MUST(error.text[0] != '\0' && record.points == NULL);
		MUST(strcmp(before, after) == 0);
		free(after);
	}
	check_reported(text);
	free(before);
	free(text);
	record_release(&record);
	return 0;
}
