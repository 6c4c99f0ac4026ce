#include "harness/runner/process/progress.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/common/utf8.h"
#include "harness/runner/process/process.h"

static const uint64_t redraw_ns = 100000000;
static const uint64_t line_ns = 30000000000;

struct progress progress_init(bool quiet)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	struct progress progress = {.quiet = quiet};

	progress.terminal =
		isatty(STDERR_FILENO) == 1 && (terminal == NULL || strcmp(terminal, "dumb") != 0);
	progress.colour = progress.terminal && (no_color == NULL || *no_color == '\0');
	return progress;
}

void progress_duration(double ns, char *text, unsigned size)
{
	double seconds = ns / 1e9;

	if (seconds < 60)
		(void)snprintf(text, size, "%.0fs", seconds);
	else if (seconds < 3600)
		(void)snprintf(text, size, "%um%02us", (unsigned)seconds / 60,
			       (unsigned)seconds % 60);
	else
		(void)snprintf(text, size, "%uh%02um", (unsigned)(seconds / 3600),
			       (unsigned)(seconds / 60) % 60);
}

void progress_start(struct progress *progress, const char *what, uint64_t total, double total_ns)
{
	progress->what = what;
	progress->total = total;
	progress->done = 0;
	progress->total_ns = total_ns;
	progress->done_ns = 0;
	progress->start_ns = process_now_ns();
	progress->last_ns = 0;
	progress->last_percent = 0;
}

static double fraction(const struct progress *progress)
{
	double part = progress->total_ns > 0 ? progress->done_ns / progress->total_ns : 0;

	if (progress->done == progress->total)
		return 1;
	return part < 0.999 ? part : 0.999;
}

/* What is left: the expected rest at the pace so far. */
static void eta(const struct progress *progress, char *text, unsigned size)
{
	double pace = 1;
	double spent = (double)(process_now_ns() - progress->start_ns);

	if (progress->done_ns > 0 && spent > 1e9)
		pace = spent / progress->done_ns;
	progress_duration((progress->total_ns - progress->done_ns) * pace, text, size);
}

static unsigned columns_of_terminal(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

static void draw_bar(struct progress *progress, const char *label)
{
	unsigned columns = columns_of_terminal();
	double part = fraction(progress);
	unsigned cells = columns >= 90 ? 30 : columns >= 60 ? 12 : 0;
	unsigned filled = (unsigned)(part * cells);
	char bar[64] = "";
	char line[512];
	char left[16];

	for (unsigned i = 0; i < cells; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[cells] = '\0';
	eta(progress, left, sizeof left);
	(void)snprintf(line, sizeof line, "%s %s%s%s%3u%% %" PRIu64 "/%" PRIu64 " ETA %s  %s",
		       progress->what, cells > 0 ? "[" : "", bar, cells > 0 ? "] " : "",
		       (unsigned)(part * 100), progress->done, progress->total, left, label);
	(void)fprintf(stderr, "\r%.*s\033[K", (int)(columns - 1), line);
	(void)fflush(stderr);
	progress->drawn = true;
}

static void print_line(struct progress *progress, const char *label)
{
	char left[16];

	eta(progress, left, sizeof left);
	(void)fprintf(stderr, "%s %u%% (%" PRIu64 "/%" PRIu64 "), ETA %s, now %s\n", progress->what,
		      (unsigned)(fraction(progress) * 100), progress->done, progress->total, left,
		      label);
}

void progress_show(struct progress *progress, const char *label)
{
	uint64_t now = process_now_ns();
	unsigned percent = (unsigned)(fraction(progress) * 100);

	if (progress->quiet)
		return;
	if (progress->terminal) {
		if (now - progress->last_ns < redraw_ns)
			return;
		draw_bar(progress, label);
	} else {
		if (progress->last_ns != 0 && percent / 10 == progress->last_percent / 10 &&
		    now - progress->last_ns < line_ns)
			return;
		print_line(progress, label);
	}
	progress->last_ns = now;
	progress->last_percent = percent;
}

void progress_done(struct progress *progress, double expected_ns)
{
	progress->done++;
	progress->done_ns += expected_ns;
}

void progress_skip(struct progress *progress, double expected_ns)
{
	progress->total--;
	progress->total_ns -= expected_ns;
}

void progress_end(struct progress *progress)
{
	if (progress->drawn)
		(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	progress->drawn = false;
}

static void print_text(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

static void print_text(const char *format, va_list arguments)
{
	/* A folder's name, and words. */
	char text[PATH_MAX + 1024];

	(void)vsnprintf(text, sizeof text, format, arguments);
	make_printable(text);
	(void)fprintf(stderr, "%s\n", text);
}

void progress_note(struct progress *progress, const char *format, ...)
{
	va_list arguments;

	if (progress->quiet)
		return;
	progress_end(progress);
	va_start(arguments, format);
	print_text(format, arguments);
	va_end(arguments);
}

void progress_warn(struct progress *progress, const char *format, ...)
{
	va_list arguments;

	progress_end(progress);
	(void)fputs(progress->colour ? "\033[33mwarning:\033[0m " : "warning: ", stderr);
	va_start(arguments, format);
	print_text(format, arguments);
	va_end(arguments);
}

void progress_warn_all(struct progress *progress, char *const *sentences)
{
	for (; *sentences != NULL; sentences++)
		progress_warn(progress, "%s", *sentences);
}
