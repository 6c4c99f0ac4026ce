#include "harness/common/columns.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/text.h"

const struct column columns[] = {
	/* which row this is */
	{"schema_version", COLUMN_COUNT, FROM_RUNNER, "version of this table; 1"},
	{"run_id", COLUMN_TEXT, FROM_RUNNER, "the run: machine_id and the time it began, in UTC"},
	{"machine_id", COLUMN_TEXT, FROM_RUNNER, "stable label of the machine"},
	{"round", COLUMN_COUNT, FROM_RUNNER,
	 "visit of every cell that this row belongs to, from 1"},
	{"position", COLUMN_COUNT, FROM_RUNNER, "place in the order of the whole run, from 1"},
	{"pass", COLUMN_TEXT, FROM_RUNNER, "what the worker was asked for: measure"},
	/* the cell */
	{"implementation", COLUMN_TEXT, FROM_RUNNER, "what the strategy is written in: c"},
	{"strategy", COLUMN_TEXT, FROM_RUNNER, "how the array is built"},
	{"allocator", COLUMN_TEXT, FROM_RUNNER, "label of the allocator that was asked for"},
	{"rows", COLUMN_COUNT, FROM_RUNNER, "rows of each array"},
	{"row_bytes", COLUMN_COUNT, FROM_RUNNER, "bytes of each row"},
	{"threads", COLUMN_COUNT, FROM_RUNNER, "threads that each build an array at the same time"},
	{"work", COLUMN_TEXT, FROM_RUNNER, "how rows are made: cheap or random"},
	{"payload_bytes", COLUMN_COUNT, FROM_RUNNER, "rows x row_bytes x threads"},
	/* what became of it */
	{"status", COLUMN_TEXT, FROM_RUNNER, "ok, or why there are no figures"},
	{"status_detail", COLUMN_TEXT, FROM_RUNNER, "the status in words"},
	{"predicted_cold_build_release_ns", COLUMN_REAL, FROM_RUNNER,
	 "skipped_predicted only: what build and release would take in a fresh process"},
	{"predicted_warm_build_release_ns", COLUMN_REAL, FROM_RUNNER,
	 "skipped_predicted only: the same in the steady state"},
	{"started_utc", COLUMN_TEXT, FROM_RUNNER, "when the worker was started, ISO 8601"},
	{"worker_ns", COLUMN_COUNT, FROM_RUNNER, "from before the worker's start to after its end"},
	{"cpu", COLUMN_COUNT, FROM_RUNNER, "number of the first CPU that the worker is pinned to"},
	{"steal_ns", COLUMN_COUNT, FROM_RUNNER,
	 "time that the hypervisor took from the worker's CPUs while it lived, in steps of a "
	 "clock tick"},
	{"peak_resolution_bytes", COLUMN_COUNT, FROM_WORKER,
	 "how far peak_memory_bytes may be from the truth, measured once at the run's start"},
	/* which library supplied malloc, as the worker found it */
	{"allocator_path", COLUMN_TEXT, FROM_WORKER, "file that supplied malloc, links resolved"},
	{"allocator_version", COLUMN_TEXT, FROM_WORKER, "version that the library states"},
	{"allocator_build_id", COLUMN_TEXT, FROM_WORKER, "build-id of that file, hexadecimal"},
	/* the first build of a fresh process */
	{"cold_build_ns", COLUMN_COUNT, FROM_WORKER, "cold: first append to finished array"},
	{"cold_scan_ns", COLUMN_COUNT, FROM_WORKER, "cold: read every row once, in order"},
	{"cold_release_ns", COLUMN_COUNT, FROM_WORKER, "cold: free everything"},
	{"cold_build_minor_fault_count", COLUMN_COUNT, FROM_WORKER,
	 "cold: page faults of the build that needed no disk"},
	{"cold_build_major_fault_count", COLUMN_COUNT, FROM_WORKER,
	 "cold: page faults of the build that needed the disk"},
	{"cold_user_ns", COLUMN_COUNT, FROM_WORKER, "cold: user time of build, scan and release"},
	{"cold_system_ns", COLUMN_COUNT, FROM_WORKER,
	 "cold: system time of build, scan and release"},
	{"rss_before_bytes", COLUMN_COUNT, FROM_WORKER,
	 "resident memory just before the cold build"},
	{"peak_rss_bytes", COLUMN_COUNT, FROM_WORKER,
	 "most resident memory during the cold build, from a VmHWM reset before it"},
	{"peak_memory_bytes", COLUMN_COUNT, FROM_WORKER, "peak_rss_bytes - rss_before_bytes"},
	/* the steady state */
	{"warm_iteration_count", COLUMN_COUNT, FROM_WORKER,
	 "warm: builds and releases that one value is the mean of"},
	{"warm_value_count", COLUMN_COUNT, FROM_WORKER, "warm: values taken"},
	{"warm_build_release_median_ns", COLUMN_REAL, FROM_WORKER,
	 "warm: one build and release, median of the values"},
	{"warm_build_release_min_ns", COLUMN_REAL, FROM_WORKER, "warm: the smallest value"},
	{"warm_build_release_max_ns", COLUMN_REAL, FROM_WORKER, "warm: the largest value"},
	{"warm_minor_fault_count", COLUMN_REAL, FROM_WORKER,
	 "warm: page faults of one build and release, mean"},
	/* what disturbed it */
	{"involuntary_switch_count", COLUMN_COUNT, FROM_WORKER,
	 "times that the worker was preempted, cold and warm"},
	{"checksum", COLUMN_TEXT, FROM_WORKER, "checksum of the rows as built, hexadecimal"},
	{NULL, COLUMN_TEXT, FROM_RUNNER, NULL},
};

size_t column_count(void)
{
	return sizeof columns / sizeof *columns - 1;
}

size_t column_find(const char *name)
{
	size_t i = 0;

	while (columns[i].name != NULL && strcmp(columns[i].name, name) != 0)
		i++;
	return i;
}

static bool is_count(const char *text)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	(void)strtoumax(text, &end, 10);
	return errno == 0 && *end == '\0';
}

/* Digits with at most one '.' and an exponent, by hand: strtod reads what the locale says, and
 * also "inf", "nan" and hexadecimal. */
static bool is_real(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	const char *rest = text + digits;

	if (digits == 0)
		return false;
	if (*rest == '.') {
		size_t decimals = strspn(rest + 1, "0123456789");

		if (decimals == 0)
			return false;
		rest += 1 + decimals;
	}
	if (*rest == 'e' || *rest == 'E') {
		rest++;
		if (*rest == '+' || *rest == '-')
			rest++;
		digits = strspn(rest, "0123456789");
		if (digits == 0 || digits > 2)
			return false;
		rest += digits;
	}
	return *rest == '\0' && strlen(text) < 64;
}

static bool is_text(const char *text)
{
	if (*text == '\0')
		return false;
	while (*text != '\0') {
		size_t length = utf8_length(text);

		if (length == 0 || (unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
		text += length;
	}
	return true;
}

bool column_accepts(enum column_type type, const char *text)
{
	switch (type) {
	case COLUMN_TEXT:
		return is_text(text);
	case COLUMN_COUNT:
		return is_count(text);
	case COLUMN_REAL:
		return is_real(text);
	}
	return false;
}
