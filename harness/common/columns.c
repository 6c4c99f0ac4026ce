#include "harness/common/columns.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/utf8.h"

const struct column columns[] = {
	/* which row this is */
	{"schema_version", COLUMN_COUNT, FROM_RUNNER, "version of this table; 4"},
	{"run_id", COLUMN_TEXT, FROM_RUNNER, "the run: machine_id and the time it began, in UTC"},
	{"machine_id", COLUMN_TEXT, FROM_RUNNER, "stable label of the machine"},
	{"round", COLUMN_COUNT, FROM_RUNNER,
	 "visit of every cell in this pass that the row belongs to, from 1"},
	{"position", COLUMN_COUNT, FROM_RUNNER, "place in the order of the whole run, from 1"},
	{"pass", COLUMN_TEXT, FROM_RUNNER,
	 "what the worker was asked for: measure, trace, latency, probe or pattern"},
	/* the cell */
	{"implementation", COLUMN_TEXT, FROM_RUNNER,
	 "what it is written in or taken from: c, cpp, glib, uthash, numpy, python, or a "
	 "--worker's name"},
	{"strategy", COLUMN_TEXT, FROM_RUNNER,
	 "how the array is built; in the passes of these names, the probe or the pattern"},
	{"allocator", COLUMN_TEXT, FROM_RUNNER, "label of the allocator that was asked for"},
	{"rows", COLUMN_COUNT, FROM_RUNNER,
	 "rows of each array; 1 in the probe pass; in the pattern pass, rows of the input"},
	{"row_bytes", COLUMN_COUNT, FROM_RUNNER,
	 "bytes of each row; in the probe pass, bytes that are probed"},
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
	{"cpu_count", COLUMN_COUNT, FROM_RUNNER, "CPUs that the worker is pinned to"},
	{"steal_ns", COLUMN_COUNT, FROM_RUNNER,
	 "time that the hypervisor took from the worker's CPUs while it lived, in steps of a "
	 "clock tick"},
	{"throttled_ns", COLUMN_COUNT, FROM_RUNNER,
	 "time that a control group's CPU quota held it back while it lived, added up over CPUs"},
	{"peak_resolution_bytes", COLUMN_COUNT, FROM_WORKER,
	 "how far peak_memory_bytes may be from the truth, measured once at the run's start"},
	{"page_bytes", COLUMN_COUNT, FROM_RUNNER, "size of an ordinary page of memory"},
	/* which library supplied malloc, as the worker found it */
	{"allocator_path", COLUMN_TEXT, FROM_WORKER, "file that supplied malloc, links resolved"},
	{"allocator_version", COLUMN_TEXT, FROM_WORKER, "version that the library states"},
	{"allocator_build_id", COLUMN_TEXT, FROM_WORKER, "build-id of that file, hexadecimal"},
	/* what stands between the program and malloc */
	{"implementation_version", COLUMN_TEXT, FROM_WORKER,
	 "what an implementation other than ours is, such as NumPy 1.24.2 on CPython 3.11.2"},
	{"layers_before_malloc", COLUMN_TEXT, FROM_WORKER,
	 "what an implementation has of its own between the program and malloc"},
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
	{"touch_page_ns", COLUMN_REAL, FROM_WORKER,
	 "first touch of a page, just before the cold build, mean of 64 pages and more"},
	{"interpreter_ns", COLUMN_REAL, FROM_WORKER,
	 "what the build's statements take, run as often, on arrays that do not grow; smallest of "
	 "3 values"},
	{"rss_before_bytes", COLUMN_COUNT, FROM_WORKER,
	 "resident memory just before the cold build"},
	{"peak_rss_bytes", COLUMN_COUNT, FROM_WORKER,
	 "most resident memory during the cold build, from a VmHWM reset before it"},
	{"peak_memory_bytes", COLUMN_COUNT, FROM_WORKER, "peak_rss_bytes - rss_before_bytes"},
	{"no_peak_reason", COLUMN_TEXT, FROM_WORKER,
	 "why the peak could not be read, where it could not"},
	{"cold_build_huge_fault_count", COLUMN_COUNT, FROM_WORKER,
	 "cold: those of cold_build_minor_fault_count that brought a transparent huge page, of any "
	 "size above page_bytes"},
	{"cold_build_huge_fault_bytes", COLUMN_COUNT, FROM_WORKER,
	 "cold: bytes that these brought"},
	{"huge_fault_unknown_reason", COLUMN_TEXT, FROM_WORKER,
	 "why faults of huge pages were not counted, where they were not"},
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
	{"warm_scan_value_count", COLUMN_COUNT, FROM_WORKER,
	 "pattern: values of the warm scan taken"},
	{"warm_scan_median_ns", COLUMN_REAL, FROM_WORKER,
	 "pattern: read every element of the result once; median of the values"},
	{"warm_scan_min_ns", COLUMN_REAL, FROM_WORKER, "pattern: the smallest value"},
	/* what disturbed it */
	{"involuntary_switch_count", COLUMN_COUNT, FROM_WORKER,
	 "times that the worker was preempted, cold and warm"},
	{"checksum", COLUMN_TEXT, FROM_WORKER, "checksum of the rows as built, hexadecimal"},
	/* the trace pass: what the allocator was asked for, and did, in the build */
	{"malloc_count", COLUMN_COUNT, FROM_WORKER, "trace: calls of malloc (and operator new)"},
	{"calloc_count", COLUMN_COUNT, FROM_WORKER, "trace: calls of calloc"},
	{"realloc_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: calls of realloc, realloc(NULL, n) too"},
	{"free_count", COLUMN_COUNT, FROM_WORKER, "trace: calls of free (and operator delete)"},
	{"aligned_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: calls of aligned_alloc, posix_memalign and the like"},
	{"realloc_in_place_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: reallocs that left the block where it was"},
	{"realloc_moved_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: reallocs that moved the block, by copying or by mremap"},
	{"realloc_remapped_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: those of realloc_moved_count that moved its pages by mremap"},
	{"realloc_shrunk_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: reallocs to a smaller size, in place or moved"},
	{"realloc_failed_count", COLUMN_COUNT, FROM_WORKER, "trace: reallocs that returned NULL"},
	{"realloc_moved_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: bytes of the blocks that realloc moved, as requested before"},
	{"realloc_remapped_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: those of realloc_moved_bytes whose pages were moved by mremap, not copied"},
	{"strategy_copied_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: bytes that the strategy itself copies from one place in the array to another, in "
	 "closed form"},
	{"copied_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: strategy_copied_bytes + realloc_moved_bytes - realloc_remapped_bytes"},
	{"peak_requested_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: most bytes requested and live at once, between calls"},
	{"peak_moving_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: the same with both blocks of a realloc while it copied from one to the other"},
	{"peak_usable_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: most usable bytes live at once (malloc_usable_size, or as requested without it), "
	 "between calls"},
	{"end_requested_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: bytes requested and live when the build has ended"},
	{"end_usable_bytes", COLUMN_COUNT, FROM_WORKER, "trace: usable bytes of these"},
	{"leaked_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: bytes requested and live when all has been released"},
	{"allocator_mmap_count", COLUMN_COUNT, FROM_WORKER, "trace: mmap calls of the allocator"},
	{"allocator_munmap_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: munmap calls of the allocator"},
	{"allocator_mremap_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: mremap calls of the allocator"},
	{"allocator_brk_count", COLUMN_COUNT, FROM_WORKER, "trace: brk calls of the allocator"},
	{"allocator_madvise_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: madvise calls of the allocator"},
	{"allocator_mprotect_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: mprotect calls of the allocator"},
	{"allocator_mapped_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: bytes that the allocator took from the kernel by mmap, mremap and brk"},
	{"allocator_unmapped_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: bytes that it gave back by munmap, mremap, brk and madvise"},
	{"strategy_mmap_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: mmap calls of the strategy itself"},
	{"strategy_mprotect_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: mprotect calls of the strategy itself"},
	{"scan_call_count", COLUMN_COUNT, FROM_WORKER, "trace: allocator calls during the scan"},
	{"release_free_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: calls of free during the release"},
	{"release_unmapped_bytes", COLUMN_COUNT, FROM_WORKER,
	 "trace: bytes given back to the kernel during the release"},
	{"thread_call_min_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: allocator calls of the build by the thread that made fewest"},
	{"thread_call_max_count", COLUMN_COUNT, FROM_WORKER,
	 "trace: allocator calls of the build by the thread that made most"},
	{"traced_build_release_ns", COLUMN_COUNT, FROM_WORKER,
	 "trace: build and release with the interposer in front; tells its own cost, nothing else"},
	{"untraced_reason", COLUMN_TEXT, FROM_WORKER,
	 "trace: why system calls could not be counted, where they could not"},
	/* the latency pass: each append of a cold build timed by itself */
	{"latency_append_count", COLUMN_COUNT, FROM_WORKER, "latency: appends timed"},
	{"latency_timer_ns", COLUMN_REAL, FROM_WORKER,
	 "latency: what reading the clock adds to each append, median"},
	{"latency_median_ns", COLUMN_REAL, FROM_WORKER,
	 "latency: median of the appends, the clock's own cost included"},
	{"latency_p90_ns", COLUMN_REAL, FROM_WORKER, "latency: 90th percentile"},
	{"latency_p99_ns", COLUMN_REAL, FROM_WORKER, "latency: 99th percentile"},
	{"latency_p99_9_ns", COLUMN_REAL, FROM_WORKER,
	 "latency: 99.9th percentile; from 1,000 appends on"},
	{"latency_p99_99_ns", COLUMN_REAL, FROM_WORKER,
	 "latency: 99.99th percentile; from 10,000 appends on"},
	{"latency_max_ns", COLUMN_COUNT, FROM_WORKER, "latency: the slowest append"},
	{"latency_total_ns", COLUMN_COUNT, FROM_WORKER, "latency: all appends together"},
	{"latency_slowest_share", COLUMN_REAL, FROM_WORKER,
	 "latency: share of the total that the slowest 0.1% of the appends took, 0 to 1"},
	{"latency_error_share", COLUMN_REAL, FROM_WORKER,
	 "latency: largest relative error of a percentile, from the histogram's bins"},
	/* the probe pass: what this machine can do */
	{"probe_ns", COLUMN_REAL, FROM_WORKER, "probe: one operation, median of the values"},
	{"probe_min_ns", COLUMN_REAL, FROM_WORKER, "probe: the smallest value"},
	{"probe_value_count", COLUMN_COUNT, FROM_WORKER, "probe: values taken"},
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
	uintmax_t value;
	char *end;

	if (!isdigit((unsigned char)*text) || strlen(text) > 20)
		return false;
	errno = 0;
	value = strtoumax(text, &end, 10);
	return errno == 0 && *end == '\0' && (double)value < 0x1p63;
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
	/* Nobody calls setlocale, so strtod takes the point. */
	return *rest == '\0' && strlen(text) < 64 && strtod(text, NULL) < 0x1p63;
}

static bool is_text(const char *text)
{
	if (*text == '\0')
		return false;
	while (*text != '\0') {
		size_t length = utf8_length(text);

		if (length == 0 || utf8_is_control(text))
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
