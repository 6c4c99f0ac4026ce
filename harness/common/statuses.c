#include "harness/common/statuses.h"

#include <stddef.h>
#include <string.h>

const struct status statuses[] = {
	{"ok", STATUS_MEASURED, true},
	{"skipped_predicted", STATUS_PREDICTED, false},
	{"skipped_rounds", STATUS_LEFT_OUT, false},
	{"skipped_memory", STATUS_IMPOSSIBLE, false},
	{"unavailable", STATUS_IMPOSSIBLE, true},
	{"unsupported", STATUS_IMPOSSIBLE, true},
	{"untraced", STATUS_IMPOSSIBLE, false},
	{"unprobed", STATUS_IMPOSSIBLE, true},
	{"wrong_allocator", STATUS_FAILURE, true},
	{"crashed", STATUS_FAILURE, false},
	{"exited", STATUS_FAILURE, false},
	{"timeout", STATUS_FAILURE, false},
	{"bad_report", STATUS_FAILURE, false},
	{"wrong_checksum", STATUS_FAILURE, true},
	{"out_of_memory", STATUS_FAILURE, true},
	{"failed", STATUS_FAILURE, true},
	{"not_started", STATUS_FAILURE, false},
	/* By a second Ctrl-C: no row is written, and the cell is done on resuming. */
	{"interrupted", STATUS_LEFT_OUT, false},
	{NULL, STATUS_FAILURE, false},
};

static const struct status *find(const char *name)
{
	const struct status *status = statuses;

	while (status->name != NULL && (name == NULL || strcmp(status->name, name) != 0))
		status++;
	return status;
}

enum status_class status_class_of(const char *name)
{
	return find(name)->kind;
}

bool status_is_from_worker(const char *name)
{
	return find(name)->from_worker;
}
