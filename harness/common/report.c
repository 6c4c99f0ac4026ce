#include "harness/common/report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/common/columns.h"
#include "harness/common/utf8.h"

static void add_line(struct report *report, const char *name, const char *value)
{
	size_t room = sizeof report->text - report->used;
	char *line = report->text + report->used;
	int length = snprintf(line, room, "%s %s\n", name, value);

	if (length < 0 || (size_t)length >= room) {
		report->overflowed = true;
		return;
	}
	for (char *c = line; c < line + length - 1;) {
		size_t size = utf8_length(c);

		if (size == 0 || utf8_is_control(c))
			memset(c, '?', size == 0 ? 1 : size);
		c += size == 0 ? 1 : size;
	}
	report->used += (unsigned)length;
}

void report_begin(struct report *report, int fd)
{
	report->fd = fd;
	report->overflowed = false;
	report->used = (unsigned)sizeof REPORT_FIRST_LINE;
	memcpy(report->text, REPORT_FIRST_LINE "\n", sizeof REPORT_FIRST_LINE);
}

void report_text(struct report *report, const char *name, const char *value)
{
	size_t column = column_find(name);

	if (column == column_count() || columns[column].source != FROM_WORKER) {
		(void)fprintf(stderr, "growbench-worker: no column '%s' for a worker\n", name);
		abort();
	}
	if (*value != '\0')
		add_line(report, name, value);
}

void report_count(struct report *report, const char *name, uint64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%" PRIu64, value);
	report_text(report, name, text);
}

void report_real(struct report *report, const char *name, double value)
{
	char text[32];

	if (!isfinite(value))
		return;
	/* The worker never calls setlocale, so the decimal sign is '.'. */
	(void)snprintf(text, sizeof text, "%.9g", value < 0 ? 0 : value);
	report_text(report, name, text);
}

void report_point(struct report *report, uint64_t rows, uint64_t live_bytes,
		  uint64_t live_peak_bytes, uint64_t resident_bytes)
{
	char text[96];

	(void)snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, rows,
		       live_bytes, live_peak_bytes, resident_bytes);
	add_line(report, REPORT_POINT, text);
}

void report_strategy(struct report *report, const char *name, const char *kind, const char *help)
{
	char text[320];

	(void)snprintf(text, sizeof text, "%s %s %s", name, kind, help);
	add_line(report, REPORT_STRATEGY, text);
}

void report_passes(struct report *report, const char *names)
{
	add_line(report, REPORT_PASSES, names);
}

bool report_end(struct report *report, const char *status, const char *detail)
{
	const char *next = report->text;
	size_t left;

	add_line(report, "status", status);
	if (detail != NULL && *detail != '\0')
		add_line(report, "status_detail", detail);
	if (report->used + sizeof REPORT_LAST_LINE > sizeof report->text)
		report->overflowed = true;
	if (report->overflowed)
		return false;
	memcpy(report->text + report->used, REPORT_LAST_LINE "\n", sizeof REPORT_LAST_LINE);
	report->used += (unsigned)sizeof REPORT_LAST_LINE;
	left = report->used;
	while (left > 0) {
		ssize_t written = write(report->fd, next, left);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		next += written;
		left -= (size_t)written;
	}
	return true;
}
