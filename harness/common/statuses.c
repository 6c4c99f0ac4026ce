#include "harness/common/statuses.h"

#include <stddef.h>
#include <string.h>

#define STATUS(name, kind, source, meaning) {#name, STATUS_##kind, SOURCE_##source},

enum {
	SOURCE_RUNNER,
	SOURCE_WORKER
};

const struct status statuses[] = {
#include "harness/common/statuses.def"
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
