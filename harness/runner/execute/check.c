#include "harness/runner/execute/check.h"

#include <stdio.h>

#include "harness/common/utf8.h"

static void identify_worker(const char *program, struct allocator_check *check)
{
	struct error reason;

	if (!build_id_of_file(program, check->worker_build_id, &reason))
		(void)snprintf(check->no_worker_build_id, sizeof check->no_worker_build_id,
			       "%.255s", reason.text);
}

struct allocator_check check_allocator(struct worker_pool *pool, const struct allocator *allocator)
{
	const struct worker_task task = {
		.pass = "resolution", .size = {.threads = 1}, .allocator = allocator, .values = 1};
	struct record record = record_init();
	struct allocator_check check = {.status = ""};

	(void)worker_run(pool, &task, &record);
	record_copy(&record, "status", check.status, sizeof check.status);
	record_copy(&record, "status_detail", check.detail, sizeof check.detail);
	record_copy(&record, "allocator_version", check.version, sizeof check.version);
	record_copy(&record, "allocator_build_id", check.build_id, sizeof check.build_id);
	identify_worker(worker_program(pool, allocator), &check);
	check.resolution_known = record_get(&record, "peak_resolution_bytes") != NULL;
	check.resolution_bytes = (uint64_t)record_get_real(&record, "peak_resolution_bytes", 0);
	record_release(&record);
	return check;
}

void check_trace(struct worker_pool *pool, const struct allocator *allocator,
		 struct allocator_check *check)
{
	const struct worker_task task = {
		.pass = pass_names[PASS_TRACE],
		.strategy = strategies[0],
		.size = {.rows = 10, .row_bytes = 8, .threads = 1},
		.allocator = allocator,
	};
	struct record record = record_init();

	(void)worker_run(pool, &task, &record);
	check->untraced[0] = '\0';
	if (!record_has_status(&record, "ok"))
		(void)snprintf(check->untraced, sizeof check->untraced,
			       "the interposer cannot be put in front of it: %.600s",
			       record_get(&record, "status_detail"));
	utf8_trim(check->untraced);
	record_copy(&record, "untraced_reason", check->syscalls_unavailable,
		    sizeof check->syscalls_unavailable);
	record_release(&record);
}

void check_counting(struct worker_pool *pool, const struct allocator *allocator,
		    struct allocator_check *check)
{
	const struct worker_task task = {
		.pass = pass_names[PASS_INSTRUCTIONS],
		.strategy = strategies[0],
		.size = {.rows = 10, .row_bytes = 8, .threads = 1},
		.allocator = allocator,
	};
	struct record record = record_init();

	check->uncounted[0] = '\0';
	(void)worker_run(pool, &task, &record);
	if (!record_has_status(&record, "ok"))
		(void)snprintf(check->uncounted, sizeof check->uncounted,
			       "it does not run under Valgrind: %.600s",
			       record_get(&record, "status_detail"));
	utf8_trim(check->uncounted);
	record_release(&record);
}
