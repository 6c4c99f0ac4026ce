#include "harness/runner/execute/judge.h"

#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include "harness/common/columns.h"
#include "harness/worker/aged.h"

/* Drops what a worker said but for the allocator's identity. */
static void drop_figures(struct record *record)
{
	g_clear_pointer(&record->points, g_free);
	for (size_t i = 0; i < column_count(); i++)
		if (columns[i].source == FROM_WORKER &&
		    !g_str_has_prefix(columns[i].name, "allocator_"))
			g_clear_pointer(&record->values[i], g_free);
}

/* Does the record have what a worker that did this pass cannot do without? */
static bool has_figures(const char *pass, const struct record *record)
{
	static const struct {
		const char *pass;
		const char *columns[2];
	} needed[] = {
		{"measure", {"cold_build_ns", "checksum"}},
		{"pattern", {"cold_build_ns", "checksum"}},
		{"trace", {"malloc_count", "checksum"}},
		{"latency", {"latency_max_ns", "checksum"}},
		{"instructions", {"checksum", "checksum"}},
		{"probe", {"probe_ns", "probe_ns"}},
	};

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (strcmp(pass, needed[i].pass) == 0)
			return record_get(record, needed[i].columns[0]) != NULL &&
			       record_get(record, needed[i].columns[1]) != NULL;
	return true;
}

/* Does what the worker says of itself tell more than whose malloc it had? */
static bool need_not_prove(const struct record *record)
{
	return record_has_status(record, "wrong_allocator") ||
	       record_has_status(record, "unsupported") || record_has_status(record, "unavailable");
}

/* Was the heap aged by the seed that was asked for, if something was built there? */
static bool is_as_old(const struct allocator *allocator, const struct record *record)
{
	g_autofree char *seed = g_strdup_printf("%" PRIu64, allocator_aged_seed(allocator));
	const char *told = record_get(record, "allocator_aged_seed");

	return record_get(record, "checksum") == NULL ||
	       strcmp(told == NULL ? "0" : told, seed) == 0;
}

static void judge_report(const char *pass, const struct allocator *allocator,
			 const struct process_result *process, struct record *record)
{
	struct error error;
	char text[256];
	const char *message = process_first_message(process, text, sizeof text);
	const char *path;

	if (process->report_too_long) {
		record_set_status(record, "bad_report", "the report is longer than %d bytes",
				  REPORT_MAX_BYTES);
		return;
	}
	if (!record_read_report(record, process->report, process->report_length, &error)) {
		record_set_status(record, "bad_report", "%s%s", error.text, message);
		return;
	}
	if (record_has_status(record, "ok") && !has_figures(pass, record)) {
		record_set_status(record, "bad_report", "the report says ok and has no figures");
		drop_figures(record);
		return;
	}
	path = record_get(record, "allocator_path");
	if (!need_not_prove(record) && g_strcmp0(path, allocator->expected_path) != 0)
		record_set_status(record, "wrong_allocator",
				  "malloc was supplied by %s instead of %s%s",
				  path == NULL ? "nobody knows what" : path,
				  allocator->expected_path, message);
	else if (record_has_status(record, "ok") && !is_as_old(allocator, record))
		record_set_status(
			record, "wrong_allocator",
			"its heap is fresh, not aged: this worker does not know " AGED_VARIABLE);
	if (record_has_status(record, "ok"))
		return;
	drop_figures(record);
	if (record_get(record, "status_detail") == NULL)
		record_set_text(record, "status_detail", "its worker says no more than that");
}

void judge(const char *pass, const struct allocator *allocator, uint64_t timeout_ns,
	   const struct process_result *process, struct record *record)
{
	char text[256];
	const char *message = process_first_message(process, text, sizeof text);

	switch (process->end) {
	case PROCESS_TIMED_OUT:
		record_set_status(record, "timeout",
				  "killed after %" PRIu64 " s; --timeout gives it more",
				  timeout_ns / 1000000000);
		break;
	case PROCESS_INTERRUPTED:
		record_set_status(record, "interrupted", "killed by the second interrupt");
		break;
	case PROCESS_SIGNALLED:
		record_set_status(record, "crashed", "ended by signal %d (SIG%s)%s", process->code,
				  sigabbrev_np(process->code) == NULL ? "?"
								      : sigabbrev_np(process->code),
				  message);
		break;
	case PROCESS_EXITED:
		if (process->code != 0)
			record_set_status(record, "exited", "ended with exit status %d%s",
					  process->code, message);
		else
			judge_report(pass, allocator, process, record);
		break;
	}
}
