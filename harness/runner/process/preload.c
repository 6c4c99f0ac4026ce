#include "harness/runner/process/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct preload preload_init(void)
{
	return (struct preload){.list = ""};
}

bool preload_add(struct preload *preload, const char *path, struct error *error)
{
	const size_t used = strlen(preload->list);
	char *const end = preload->list + used;
	const char *const before = used == 0 ? "" : ":";
	int fd;

	if (strpbrk(path, " :$") == NULL) {
		(void)snprintf(end, sizeof preload->list - used, "%s%s", before, path);
		return true;
	}
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return error_set(error, "%s cannot be opened: %s", path, strerror(errno));
	preload->fds[preload->fd_count++] = fd;
	(void)snprintf(end, sizeof preload->list - used, "%s/proc/%d/fd/%d", before, (int)getpid(),
		       fd);
	return true;
}

void preload_release(struct preload *preload)
{
	for (size_t i = 0; i < preload->fd_count; i++)
		(void)close(preload->fds[i]);
	*preload = preload_init();
}
