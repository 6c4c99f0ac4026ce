/* report.c writes what record.c reads: tested together, from a worker's words to a line of CSV. */
#include "kernels/tests/cmocka_headers.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/common/columns.h"
#include "harness/common/report.h"
#include "harness/runner/record/record.h"
#include "support.h"

/* The largest that is below 2^63 as a double as well. */
#define MOST_COUNT (INT64_MAX - 1023)

#define LONGEST_REPORT (REPORT_MAX_BYTES + 1024)

/* What report_end sends, as a text; its length is returned. */
static size_t send_report(struct report *report, int fds[2], const char *status, const char *detail,
			  char *text)
{
	ssize_t length;

	assert_true(report_end(report, status, detail));
	assert_int_equal(close(fds[1]), 0);
	length = read(fds[0], text, LONGEST_REPORT);
	assert_int_equal(close(fds[0]), 0);
	assert_true(length > 0 && length < LONGEST_REPORT);
	text[length] = '\0';
	return (size_t)length;
}

static size_t write_good_report(char *text)
{
	struct report report;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	report_begin(&report, fds[1]);
	report_text(&report, "allocator_path", "/usr/lib/lib one,two.so");
	report_text(&report, "allocator_version", "=1+1");
	report_count(&report, "cold_build_ns", MOST_COUNT);
	report_count(&report, "cold_build_major_fault_count", 0);
	report_real(&report, "warm_build_release_min_ns", 1234.5);
	report_real(&report, "warm_build_release_max_ns", NAN);
	report_real(&report, "warm_minor_fault_count", -0.001);
	return send_report(&report, fds, "ok", "all is \"well\"", text);
}

static void assert_all_missing(const struct record *record)
{
	for (size_t i = 0; i < column_count(); i++)
		if (record->values[i] != NULL)
			fail_msg("%s is '%s'", columns[i].name, record->values[i]);
}

static void assert_refused(const char *text, size_t length, const char *reason)
{
	struct record record = record_init();
	struct error error = {""};

	if (record_read_report(&record, text, length, &error))
		fail_msg("accepted, where it should say: %s", reason);
	assert_contains(error.text, reason);
	assert_all_missing(&record);
	record_release(&record);
}

static void a_report_reads_back_as_it_was_said(void **state)
{
	char text[LONGEST_REPORT];
	size_t length = write_good_report(text);
	struct record record = record_init();
	struct error error = {""};
	size_t known = 0;

	(void)state;
	assert_string_equal(text, "growbench-report 1\n"
				  "allocator_path /usr/lib/lib one,two.so\n"
				  "allocator_version =1+1\n"
				  "cold_build_ns 9223372036854774784\n"
				  "cold_build_major_fault_count 0\n"
				  "warm_build_release_min_ns 1234.5\n"
				  "warm_minor_fault_count 0\n"
				  "status ok\n"
				  "status_detail all is \"well\"\n"
				  "end\n");
	assert_true(record_read_report(&record, text, length, &error));
	assert_string_equal(record_get(&record, "allocator_path"), "/usr/lib/lib one,two.so");
	/* Guarded against a spreadsheet. */
	assert_string_equal(record_get(&record, "allocator_version"), "'=1+1");
	assert_string_equal(record_get(&record, "cold_build_ns"), "9223372036854774784");
	assert_string_equal(record_get(&record, "cold_build_major_fault_count"), "0");
	assert_string_equal(record_get(&record, "warm_build_release_min_ns"), "1234.5");
	assert_string_equal(record_get(&record, "warm_minor_fault_count"), "0");
	assert_string_equal(record_get(&record, "status"), "ok");
	assert_string_equal(record_get(&record, "status_detail"), "all is \"well\"");
	for (size_t i = 0; i < column_count(); i++)
		known += record.values[i] != NULL;
	assert_int_equal(known, 8);
	record_release(&record);
}

static void a_report_that_is_cut_at_any_byte_is_refused_whole(void **state)
{
	char text[LONGEST_REPORT];
	size_t length = write_good_report(text);

	(void)state;
	assert_true(length > 200);
	for (size_t cut = 0; cut < length; cut++) {
		/* As large as it is, so that a sanitizer sees a read past its end. */
		char *part = malloc(cut + 1);
		struct record record = record_init();
		struct error error = {""};

		assert_non_null(part);
		memcpy(part, text, cut);
		part[cut] = 'X';
		record_set_text(&record, "strategy", "kept");
		if (record_read_report(&record, part, cut, &error))
			fail_msg("accepted after %zu of %zu bytes", cut, length);
		assert_true(strlen(error.text) > 0);
		assert_string_equal(record_get(&record, "strategy"), "kept");
		record_set_text(&record, "strategy", "");
		assert_all_missing(&record);
		record_release(&record);
		free(part);
	}
}

static void a_refused_report_leaves_what_was_known(void **state)
{
	static const char text[] = "growbench-report 1\ncold_scan_ns 5\nstatus ok\nrubbish\nend\n";
	struct record record = record_init();
	struct error error = {""};

	(void)state;
	record_set_count(&record, "cold_scan_ns", 77);
	record_set_text(&record, "status", "timeout");
	assert_false(record_read_report(&record, text, strlen(text), &error));
	assert_string_equal(record_get(&record, "cold_scan_ns"), "77");
	assert_string_equal(record_get(&record, "status"), "timeout");
	record_release(&record);
}

static void every_malformed_report_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		{"rubbish\n", "does not begin with 'growbench-report 1'"},
		{"\ngrowbench-report 1\nstatus ok\nend\n", "does not begin"},
		{"growbench-report 2\nstatus ok\nend\n", "does not begin"},
		{"growbench-report 1 \nstatus ok\nend\n", "does not begin"},
		{"growbench-report 1\r\nstatus ok\r\nend\r\n", "does not begin"},
		{"growbench-report 1\nend\n", "has no status"},
		{"growbench-report 1\ncold_scan_ns 1\nend\n", "has no status"},
		{"growbench-report 1\nstatus_detail x\nend\n", "has no status"},
		{"growbench-report 1\nstatus ok\n", "was cut off before its end"},
		{"growbench-report 1\nstatus ok\nend\nend\n", "goes on after its end"},
		{"growbench-report 1\nstatus ok\nend\ncold_scan_ns 1\n", "goes on after its end"},
		{"growbench-report 1\nstatus ok\nend\n\n", "goes on after its end"},
		{"growbench-report 1\nnonsense 1\nstatus ok\nend\n",
		 "'nonsense' that no worker gives"},
		{"growbench-report 1\nstrategy x\nstatus ok\nend\n",
		 "'strategy' that no worker gives"},
		{"growbench-report 1\nworker_ns 1\nstatus ok\nend\n",
		 "'worker_ns' that no worker gives"},
		{"growbench-report 1\nrun_id x\nstatus ok\nend\n", "'run_id' that no worker gives"},
		{"growbench-report 1\npayload_bytes 8\nstatus ok\nend\n",
		 "'payload_bytes' that no worker gives"},
		{"growbench-report 1\nCOLD_SCAN_NS 1\nstatus ok\nend\n", "that no worker gives"},
		{"growbench-report 1\n cold_scan_ns 1\nstatus ok\nend\n", "that no worker gives"},
		{"growbench-report 1\ncold_scan_ns 1\ncold_scan_ns 1\nstatus ok\nend\n",
		 "'cold_scan_ns' twice"},
		{"growbench-report 1\nstatus ok\nstatus failed\nend\n", "'status' twice"},
		{"growbench-report 1\nstatus ok\nstatus_detail a\nstatus_detail b\nend\n",
		 "'status_detail' twice"},
		{"growbench-report 1\nstatus\nend\n", "a line without a value: 'status'"},
		{"growbench-report 1\nstatus ok\n\nend\n", "a line without a value: ''"},
		{"growbench-report 1\nstatus \nend\n", "no valid value"},
		{"growbench-report 1\ncold_scan_ns \nstatus ok\nend\n", "no valid value"},
		{"growbench-report 1\ncold_scan_ns -1\nstatus ok\nend\n",
		 "cold_scan_ns is '-1', which is no valid value"},
		{"growbench-report 1\ncold_scan_ns 1.5\nstatus ok\nend\n", "no valid value"},
		{"growbench-report 1\ncold_scan_ns 1 2\nstatus ok\nend\n", "no valid value"},
		{"growbench-report 1\nwarm_minor_fault_count nan\nstatus ok\nend\n",
		 "no valid value"},
		{"growbench-report 1\nwarm_minor_fault_count inf\nstatus ok\nend\n",
		 "no valid value"},
		{"growbench-report 1\nchecksum a\x01z\nstatus ok\nend\n", "no valid value"},
	};

	(void)state;
	assert_refused("", 0, "there was no report");
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].reason);
}

static void a_report_with_a_nul_byte_anywhere_is_refused(void **state)
{
	char text[LONGEST_REPORT];
	size_t length = write_good_report(text);

	(void)state;
	for (size_t i = 0; i < length; i++) {
		char kept = text[i];

		text[i] = '\0';
		assert_refused(text, length, "is not text");
		text[i] = kept;
	}
	/* What stands after a NUL would otherwise never be looked at. */
	text[length] = '\0';
	assert_refused(text, length + 1, "is not text");
}

static void words_that_would_break_a_line_become_question_marks(void **state)
{
	char text[LONGEST_REPORT];
	struct report report;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	report_begin(&report, fds[1]);
	report_text(&report, "allocator_path", "/a\nstatus ok\nend\n\x7f\t");
	/* An escape of U+009B, and half a character. */
	report_text(&report, "allocator_version", "\xc2\x9b\xe2\x82 \xc3\xa9");
	(void)send_report(&report, fds, "failed", "line 1\nline 2", text);
	assert_string_equal(text, "growbench-report 1\n"
				  "allocator_path /a?status ok?end???\n"
				  "allocator_version ???? \xc3\xa9\n"
				  "status failed\n"
				  "status_detail line 1?line 2\n"
				  "end\n");
}

static void a_report_that_does_not_fit_is_not_sent(void **state)
{
	struct report report;
	static char longest[LONGEST_REPORT];
	char byte;
	int fds[2];

	(void)state;
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 2 * LONGEST_REPORT) > LONGEST_REPORT);
	report_begin(&report, fds[1]);
	report_text(&report, "allocator_path", longest);
	assert_false(report_end(&report, "ok", NULL));
	assert_int_equal(read(fds[0], &byte, 1), -1);

	/* At every length near the room that there is, it is sent whole or not at all. */
	for (size_t length = sizeof report.text - 100; length < sizeof report.text; length++) {
		char text[LONGEST_REPORT];
		ssize_t got;
		bool sent;

		longest[length] = '\0';
		report_begin(&report, fds[1]);
		report_text(&report, "allocator_path", longest);
		longest[length] = 'a';
		sent = report_end(&report, "ok", NULL);
		got = read(fds[0], text, sizeof text);
		if (sent)
			assert_int_equal(got,
					 length + strlen("growbench-report 1\nallocator_path \n"
							 "status ok\nend\n"));
		else
			assert_int_equal(got, -1);
	}
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

static void a_report_that_cannot_be_written_is_an_error(void **state)
{
	struct report report;

	(void)state;
	report_begin(&report, -1);
	assert_false(report_end(&report, "ok", NULL));
}

/* Children that make a mistake only a programmer can make. */
static int report_unknown(void *data)
{
	struct report report;

	(void)data;
	report_begin(&report, STDERR_FILENO);
	report_text(&report, "no_such_column", "1");
	return 0;
}

static int report_for_runner(void *data)
{
	struct report report;

	(void)data;
	report_begin(&report, STDERR_FILENO);
	report_text(&report, "strategy", "x");
	return 0;
}

static int record_unknown(void *data)
{
	struct record record = record_init();

	(void)data;
	record_set_text(&record, "no_such_column", "1");
	return 0;
}

static int record_known(void *data)
{
	struct record record = record_init();

	(void)data;
	record_set_text(&record, "strategy", "1");
	record_release(&record);
	return 0;
}

static void assert_aborts(int (*body)(void *data))
{
	int status = status_of_child(body, NULL);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void a_name_that_is_not_in_the_table_aborts(void **state)
{
	int status;

	(void)state;
	assert_aborts(report_unknown);
	assert_aborts(report_for_runner);
	assert_aborts(record_unknown);
	status = status_of_child(record_known, NULL);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_value_can_be_replaced_and_taken_away(void **state)
{
	struct record record = record_init();

	(void)state;
	assert_null(record_get(&record, "worker_ns"));
	assert_true(record_get_real(&record, "worker_ns", 2.5) == 2.5);
	record_set_count(&record, "worker_ns", 0);
	assert_string_equal(record_get(&record, "worker_ns"), "0");
	assert_true(record_get_real(&record, "worker_ns", 2.5) == 0);
	record_set_count(&record, "worker_ns", MOST_COUNT);
	assert_string_equal(record_get(&record, "worker_ns"), "9223372036854774784");
	record_set_text(&record, "worker_ns", "");
	assert_null(record_get(&record, "worker_ns"));
	record_set_real(&record, "predicted_cold_build_release_ns", 1e12 / 3);
	assert_string_equal(record_get(&record, "predicted_cold_build_release_ns"),
			    "3.33333333e+11");
	assert_true(fabs(record_get_real(&record, "predicted_cold_build_release_ns", 0) -
			 1e12 / 3) < 1e4);
	record_release(&record);
	assert_all_missing(&record);
}

static void a_number_that_no_column_holds_is_missing_not_zero(void **state)
{
	static const double held[] = {0, 1e-9, 0.1, 1, 1234567.891, 1e15, 9e18};
	static const double not_held[] = {NAN, INFINITY, -INFINITY, -1, 3.6e21};
	struct record record = record_init();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(held); i++) {
		record_set_real(&record, "warm_build_release_min_ns", held[i]);
		assert_true(column_accepts(COLUMN_REAL,
					   record_get(&record, "warm_build_release_min_ns")));
		assert_true(fabs(record_get_real(&record, "warm_build_release_min_ns", -1) -
				 held[i]) <= 1e-8 * held[i]);
	}
	for (size_t i = 0; i < COUNT_OF(not_held); i++) {
		record_set_real(&record, "warm_build_release_min_ns", 5);
		record_set_real(&record, "warm_build_release_min_ns", not_held[i]);
		assert_null(record_get(&record, "warm_build_release_min_ns"));
	}
	/* A reading of the system that went backwards. */
	record_set_count(&record, "steal_ns", (uint64_t)-10000000);
	assert_null(record_get(&record, "steal_ns"));
	record_release(&record);
}

/* Nothing that a terminal takes for a command, or a spreadsheet for a formula, and no byte that is
 * no character. */
static void text_is_kept_as_far_as_it_does_nothing(void **state)
{
	static const struct {
		const char *said;
		const char *kept;
	} cases[] = {
		{"a\x1b[31mb", "a [31mb"},
		/* the same sequence in two other forms */
		{"a\xc2\x9b[31mb", "a [31mb"},
		{"a\x9b[31mb", "a?[31mb"},
		{"\x7f\x07", "  "},
		{"\xc2\xa0\xc3\xa9", "\xc2\xa0\xc3\xa9"},
		{"a\xff\xc3\xa9\xc2\x9b\n\xc3", "a?\xc3\xa9  ?"},
		{"=1+1", "'=1+1"},
		{"+1", "'+1"},
		{"-1", "'-1"},
		{"@SUM(A1)", "'@SUM(A1)"},
		{"=", "'="},
		{"a=b", "a=b"},
		{"a-b+c@d", "a-b+c@d"},
		{"'=", "'="},
		{"\t=1", "' =1"},
		{"a\r\nb", "a  b"},
		{"  -1", "'  -1"},
		{"\r\n=1", "'  =1"},
		{"\x01=1", "' =1"},
		{"\xc2\x85=1", "' =1"},
		{"  ", "  "},
		{" a=1", " a=1"},
		/* the wide forms, and a wide sign that is none of them */
		{"\xef\xbc\x9d.", "'\xef\xbc\x9d."},
		{"\xef\xbc\x8b.", "'\xef\xbc\x8b."},
		{"\xef\xbc\x8d.", "'\xef\xbc\x8d."},
		{"\xef\xbc\xa0.", "'\xef\xbc\xa0."},
		{"\xef\xbc\x8c.", "\xef\xbc\x8c."},
	};
	struct record record = record_init();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		record_set_text(&record, "status_detail", cases[i].said);
		assert_string_equal(record_get(&record, "status_detail"), cases[i].kept);
	}
	record_release(&record);
}

/* Splits a line of CSV that ends with a newline; the fields point into *line. */
static size_t split_line(char *line, char **fields)
{
	size_t length = strlen(line);

	assert_true(length > 0);
	assert_int_equal(line[length - 1], '\n');
	line[length - 1] = '\0';
	return csv_split(line, fields, RECORD_MAX_COLUMNS);
}

static void header_and_row_have_a_field_for_every_column(void **state)
{
	struct record record = record_init();
	char *header = record_csv_header();
	char *empty = record_csv_row(&record);
	char *fields[RECORD_MAX_COLUMNS];

	(void)state;
	assert_non_null(header);
	assert_non_null(empty);
	assert_int_equal(split_line(header, fields), column_count());
	for (size_t i = 0; i < column_count(); i++)
		assert_string_equal(fields[i], columns[i].name);
	assert_int_equal(split_line(empty, fields), column_count());
	for (size_t i = 0; i < column_count(); i++)
		assert_string_equal(fields[i], "");
	free(header);
	free(empty);
}

static void any_text_survives_csv(void **state)
{
	static const char *const texts[] = {
		"plain", "a,b",   "\"",          "\"\"",     "\"a\"",    "a\"b",  ",",
		",,",    "\",\"", "a, \"b\", c", " padded ", "\xc3\xa9", "end\"", ",\"",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct record record = record_init();
		char *fields[RECORD_MAX_COLUMNS];
		char *row;

		/* At the start, in the middle, next to each other, and at the end. */
		record_set_text(&record, columns[0].name, texts[i]);
		record_set_text(&record, "strategy", texts[i]);
		record_set_text(&record, "allocator", texts[i]);
		record_set_text(&record, columns[column_count() - 1].name, texts[i]);
		row = record_csv_row(&record);
		assert_non_null(row);
		assert_int_equal(split_line(row, fields), column_count());
		for (size_t j = 0; j < column_count(); j++)
			assert_string_equal(fields[j],
					    record.values[j] == NULL ? "" : record.values[j]);
		assert_string_equal(fields[column_find("strategy")], texts[i]);
		free(row);
		record_release(&record);
	}
}

/* What pandas and the others read, byte for byte. */
static void quoting_is_that_of_rfc_4180(void **state)
{
	struct record record = record_init();
	char *row;

	(void)state;
	record_set_count(&record, "schema_version", 1);
	record_set_text(&record, "status_detail", "said \"no\", twice");
	record_set_text(&record, "status", "plain words");
	row = record_csv_row(&record);
	assert_non_null(row);
	assert_int_equal(strncmp(row, "1,,", 3), 0);
	assert_contains(row, ",plain words,\"said \"\"no\"\", twice\",");
	assert_int_equal(row[strlen(row) - 1], '\n');
	assert_ptr_equal(strchr(row, '\n'), row + strlen(row) - 1);
	free(row);
	record_release(&record);
}

static void a_line_is_split_into_what_stands_between_commas(void **state)
{
	char line[] = "a,,\"b,\"\"c\"\"\",\"\", d ,";
	static const char *const wanted[] = {"a", "", "b,\"c\"", "", " d ", ""};
	char empty[] = "";
	char *fields[8];

	(void)state;
	assert_int_equal(csv_split(line, fields, 8), COUNT_OF(wanted));
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		assert_string_equal(fields[i], wanted[i]);
	assert_int_equal(csv_split(empty, fields, 8), 1);
	assert_string_equal(fields[0], "");
}

static void text_longer_than_a_path_is_cut_behind_a_character(void **state)
{
	struct record record = record_init();
	static char longest[3 * PATH_MAX + 1];
	size_t kept;

	(void)state;
	for (size_t i = 0; i < sizeof longest - 1; i += 3)
		memcpy(longest + i, "\xe2\x82\xac", 3);
	record_set_text(&record, "status_detail", longest);
	kept = strlen(record_get(&record, "status_detail"));
	assert_in_range(kept, PATH_MAX, PATH_MAX + 8);
	assert_int_equal(kept % 3, 0);
	record_release(&record);
}

/* The record's row, without its newline. */
static char *line_of(const struct record *record)
{
	char *line = record_csv_row(record);

	line[strlen(line) - 1] = '\0';
	return line;
}

static struct record whole_record(void)
{
	struct record record = record_init();

	for (size_t i = 0; i <= column_find("status"); i++)
		if (columns[i].type == COLUMN_TEXT)
			record_set_text(&record, columns[i].name, "a, \"b\"");
		else
			record_set_count(&record, columns[i].name, i);
	record_set_text(&record, "checksum", "0x12");
	return record;
}

static void a_row_is_read_as_it_was_written(void **state)
{
	struct record record = whole_record();
	struct record again = record_init();
	char *line = line_of(&record);
	struct error error;

	(void)state;
	assert_true(record_read_row(&again, line, &error));
	for (size_t i = 0; i < column_count(); i++)
		if (record.values[i] == NULL)
			assert_null(again.values[i]);
		else
			assert_string_equal(record.values[i], again.values[i]);
	free(line);
	record_release(&record);
	record_release(&again);
}

static void what_is_no_whole_row_is_refused(void **state)
{
	static const struct {
		const char *column;
		const char *value;
		const char *reason;
	} cases[] = {
		{"position", "", "it has no position"},
		{"status", "", "it has no status"},
		{"rows", "12x", "its rows is '12x', which is no valid value"},
		{"strategy", "a\tb", "its strategy is"},
		{"cold_build_ns", "-1", "its cold_build_ns is '-1'"},
		{"checksum", "x,", "it has not the"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct record record = whole_record();
		struct record read = record_init();
		size_t column = column_find(cases[i].column);
		struct error error = {""};
		char *line;

		free(record.values[column]);
		record.values[column] = strdup(cases[i].value);
		line = line_of(&record);
		/* As where half of the quotes are lost. */
		if (strcmp(cases[i].value, "x,") == 0)
			memmove(strrchr(line, '"'), strrchr(line, '"') + 1,
				strlen(strrchr(line, '"')));
		assert_false(record_read_row(&read, line, &error));
		assert_contains(error.text, cases[i].reason);
		assert_all_missing(&read);
		free(line);
		record_release(&record);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_longer_than_a_path_is_cut_behind_a_character),
		cmocka_unit_test(a_row_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_whole_row_is_refused),
		cmocka_unit_test(a_report_reads_back_as_it_was_said),
		cmocka_unit_test(a_report_that_is_cut_at_any_byte_is_refused_whole),
		cmocka_unit_test(a_refused_report_leaves_what_was_known),
		cmocka_unit_test(every_malformed_report_is_refused_with_its_reason),
		cmocka_unit_test(a_report_with_a_nul_byte_anywhere_is_refused),
		cmocka_unit_test(words_that_would_break_a_line_become_question_marks),
		cmocka_unit_test(a_report_that_does_not_fit_is_not_sent),
		cmocka_unit_test(a_report_that_cannot_be_written_is_an_error),
		cmocka_unit_test(a_name_that_is_not_in_the_table_aborts),
		cmocka_unit_test(a_value_can_be_replaced_and_taken_away),
		cmocka_unit_test(a_number_that_no_column_holds_is_missing_not_zero),
		cmocka_unit_test(text_is_kept_as_far_as_it_does_nothing),
		cmocka_unit_test(header_and_row_have_a_field_for_every_column),
		cmocka_unit_test(any_text_survives_csv),
		cmocka_unit_test(quoting_is_that_of_rfc_4180),
		cmocka_unit_test(a_line_is_split_into_what_stands_between_commas),
	};

	return cmocka_run_group_tests_name("report and record", tests, NULL, NULL);
}
