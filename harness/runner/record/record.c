#include "harness/runner/record/record.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/columns.h"
#include "harness/common/report.h"
#include "harness/common/statuses.h"
#include "harness/common/utf8.h"

struct record record_init(void)
{
	return (struct record){.values = {NULL}};
}

void record_release(struct record *record)
{
	for (size_t i = 0; i < column_count(); i++)
		g_clear_pointer(&record->values[i], g_free);
	g_clear_pointer(&record->points, g_ptr_array_unref);
}

static size_t find_or_abort(const char *name)
{
	size_t column = column_find(name);

	if (column == column_count()) {
		(void)fprintf(stderr, "growbench: no column '%s'\n", name);
		abort();
	}
	return column;
}

static void set(struct record *record, size_t column, const char *value)
{
	g_free(record->values[column]);
	record->values[column] = *value == '\0' ? NULL : g_strdup(value);
}

/* Would a spreadsheet run it? One may look past blanks, and take the wide forms of the signs
 * (U+FF1D and so on) for the plain ones. */
static bool is_formula(const char *value)
{
	static const char *const signs[] = {
		"=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};

	while (*value == ' ' || utf8_is_control(value))
		value += utf8_length(value);
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (g_str_has_prefix(value, signs[i]))
			return true;
	return false;
}

void record_set_text(struct record *record, const char *name, const char *value)
{
	char text[PATH_MAX + 8];
	size_t used = 0;

	if (is_formula(value))
		text[used++] = '\'';
	/* What is no character becomes a '?', a control character a space, and none is cut. */
	while (*value != '\0') {
		size_t length = utf8_length(value);

		if (used + length + 1 >= sizeof text)
			break;
		if (length == 0) {
			text[used++] = '?';
		} else if (utf8_is_control(value)) {
			text[used++] = ' ';
		} else {
			memcpy(text + used, value, length);
			used += length;
		}
		value += length == 0 ? 1 : length;
	}
	text[used] = '\0';
	set(record, find_or_abort(name), text);
}

void record_set_status(struct record *record, const char *status, const char *format, ...)
{
	char detail[700];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(detail, sizeof detail, format, arguments);
	va_end(arguments);
	record_set_text(record, "status", status);
	record_set_text(record, "status_detail", detail);
}

bool record_has_status(const struct record *record, const char *status)
{
	return g_strcmp0(record_get(record, "status"), status) == 0;
}

/* Such as a difference of two readings of the system that went below zero. */
static void set_number(struct record *record, const char *name, const char *text)
{
	size_t column = find_or_abort(name);

	set(record, column, column_accepts(columns[column].type, text) ? text : "");
}

void record_set_count(struct record *record, const char *name, uint64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%" PRIu64, value);
	set_number(record, name, text);
}

void record_set_real(struct record *record, const char *name, double value)
{
	char text[32];

	/* The runner never calls setlocale, so the decimal sign is '.'. */
	(void)snprintf(text, sizeof text, "%.9g", value);
	set_number(record, name, text);
}

const char *record_get(const struct record *record, const char *name)
{
	return record->values[find_or_abort(name)];
}

void record_copy(const struct record *record, const char *name, char *text, size_t size)
{
	const char *value = record_get(record, name);

	(void)snprintf(text, size, "%s", value == NULL ? "" : value);
	utf8_trim(text);
}

double record_get_real(const struct record *record, const char *name, double fallback)
{
	const char *value = record_get(record, name);

	return value == NULL ? fallback : strtod(value, NULL);
}

/* Takes over the four numbers of a point. */
static bool read_point(struct record *record, const char *value, struct error *error)
{
	g_auto(GStrv) numbers = g_strsplit(value, " ", -1);

	if (g_strv_length(numbers) != 4)
		return error_set(error, "the report has a point '%.64s', which is not 4 numbers",
				 value);
	for (size_t i = 0; i < 4; i++)
		if (!column_accepts(COLUMN_COUNT, numbers[i]))
			return error_set(error,
					 "the report has a point with '%.64s', which is no count",
					 numbers[i]);
	if (record->points == NULL)
		record->points = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(record->points, g_strjoinv(",", numbers));
	return true;
}

/* Takes over one line "name value". */
static bool read_line(struct record *record, const char *name, const char *value,
		      struct error *error)
{
	size_t column = column_find(name);
	bool of_status = strcmp(name, "status") == 0 || strcmp(name, "status_detail") == 0;

	if (strcmp(name, REPORT_POINT) == 0)
		return read_point(record, value, error);
	if (column == column_count() || (columns[column].source != FROM_WORKER && !of_status))
		return error_set(error, "the report has a value '%.64s' that no worker gives",
				 name);
	if (record->values[column] != NULL)
		return error_set(error, "the report has '%s' twice", name);
	if (!column_accepts(columns[column].type, value))
		return error_set(error, "the report's %s is '%.64s', which is no valid value", name,
				 value);
	if (strcmp(name, "status") == 0 && !status_is_from_worker(value))
		return error_set(error, "the report's status is '%.64s', which no worker gives",
				 value);
	record_set_text(record, name, value);
	return true;
}

static bool read_lines(struct record *record, char *text, struct error *error)
{
	char *rest = text;
	char *line = strsep(&rest, "\n");

	if (strcmp(line, REPORT_FIRST_LINE) != 0)
		return error_set(error, "the report does not begin with '%s'", REPORT_FIRST_LINE);
	for (line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		char *value = strchr(line, ' ');

		/* Not even this line is whole. */
		if (rest == NULL)
			break;
		if (strcmp(line, REPORT_LAST_LINE) == 0) {
			if (*rest != '\0')
				return error_set(error, "the report goes on after its end");
			if (record_get(record, "status") == NULL)
				return error_set(error, "the report has no status");
			return true;
		}
		if (value == NULL)
			return error_set(error, "the report has a line without a value: '%.64s'",
					 line);
		*value = '\0';
		if (!read_line(record, line, value + 1, error))
			return false;
	}
	return error_set(error, "the report was cut off before its end");
}

bool record_read_report(struct record *record, const char *text, size_t length, struct error *error)
{
	struct record read = record_init();
	g_autofree char *copy = g_strndup(text, length);
	bool ok;

	if (length == 0)
		return error_set(error, "there was no report");
	if (strlen(copy) < length)
		return error_set(error, "the report is not text");
	ok = read_lines(&read, copy, error);
	for (size_t i = 0; ok && i < column_count(); i++)
		if (read.values[i] != NULL) {
			g_free(record->values[i]);
			record->values[i] = g_steal_pointer(&read.values[i]);
		}
	if (ok && read.points != NULL) {
		g_clear_pointer(&record->points, g_ptr_array_unref);
		record->points = g_steal_pointer(&read.points);
	}
	record_release(&read);
	return ok;
}

static void append_field(GString *line, const char *value)
{
	const bool quoted = value != NULL && strpbrk(value, ",\"\r\n") != NULL;

	if (quoted)
		g_string_append_c(line, '"');
	for (; value != NULL && *value != '\0'; value++) {
		if (*value == '"')
			g_string_append_c(line, '"');
		g_string_append_c(line, *value);
	}
	if (quoted)
		g_string_append_c(line, '"');
}

static char *csv_line(const struct record *record)
{
	GString *line = g_string_new(NULL);

	for (size_t i = 0; i < column_count(); i++) {
		if (i > 0)
			g_string_append_c(line, ',');
		append_field(line, record == NULL ? columns[i].name : record->values[i]);
	}
	g_string_append_c(line, '\n');
	return g_string_free(line, FALSE);
}

char *record_csv_header(void)
{
	return csv_line(NULL);
}

char *record_csv_row(const struct record *record)
{
	return csv_line(record);
}

/* What stands before each point, from the record; its names are the header's. */
static const char *const timeline_keys[] = {
	"position", "implementation", "strategy", "allocator", "rows", "row_bytes", NULL,
};

const char *timeline_csv_header(void)
{
	return "position,implementation,strategy,allocator,rows,row_bytes,rows_appended,live_bytes,"
	       "live_peak_bytes,resident_bytes\n";
}

char *timeline_csv_rows(const struct record *record)
{
	g_autoptr(GString) cell = g_string_new(NULL);
	GString *text = g_string_new(NULL);

	for (const char *const *key = timeline_keys; *key != NULL; key++) {
		append_field(cell, record_get(record, *key));
		g_string_append_c(cell, ',');
	}
	for (size_t i = 0; record->points != NULL && i < record->points->len; i++)
		g_string_append_printf(text, "%s%s\n", cell->str,
				       (const char *)record->points->pdata[i]);
	return g_string_free(text, FALSE);
}

/* Unquotes the field that starts at *rest in place and moves *rest behind it and its comma; NULL
 * at the line's end. False if a quote is never closed or something follows it. */
static bool next_field(char **rest, char **field)
{
	char *read = *rest;
	char *write = read;

	*field = read;
	if (*read == '"') {
		for (read++; !(read[0] == '"' && read[1] != '"'); read++) {
			if (*read == '\0')
				return false;
			if (*read == '"')
				read++;
			*write++ = *read;
		}
		read++;
	} else {
		while (*read != '\0' && *read != ',')
			*write++ = *read++;
	}
	if (*read != '\0' && *read != ',')
		return false;
	*rest = *read == ',' ? read + 1 : NULL;
	*write = '\0';
	return true;
}

size_t csv_split(char *line, char **fields, size_t most)
{
	size_t count = 0;

	for (char *rest = line; rest != NULL; count++)
		if (count == most || !next_field(&rest, &fields[count]))
			return 0;
	return count;
}

bool record_read_row(struct record *record, char *line, struct error *error)
{
	const size_t last_needed = column_find("status");
	char *fields[RECORD_MAX_COLUMNS];
	size_t count = csv_split(line, fields, RECORD_MAX_COLUMNS);

	if (count != column_count())
		return error_set(error, "it has not the %zu fields of a row", column_count());
	for (size_t i = 0; i < count; i++) {
		if (i <= last_needed && *fields[i] == '\0')
			return error_set(error, "it has no %s", columns[i].name);
		if (*fields[i] != '\0' && !column_accepts(columns[i].type, fields[i]))
			return error_set(error, "its %s is '%.64s', which is no valid value",
					 columns[i].name, fields[i]);
	}
	for (size_t i = 0; i < count; i++)
		set(record, i, fields[i]);
	return true;
}
