#include "harness/runner/cgroup.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void lower_to_file(const char *path, uint64_t *least)
{
	char text[32];
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return;
	/* "max" is no number. */
	if (fgets(text, sizeof text, file) != NULL && isdigit((unsigned char)*text)) {
		uint64_t value = strtoull(text, NULL, 10);

		*least = value < *least ? value : *least;
	}
	(void)fclose(file);
}

/* Of the group and all above it. */
static void lower_to_groups(const char *mount, const char *group, const char *name, uint64_t *least)
{
	char folder[PATH_MAX];
	char path[PATH_MAX + 64];
	size_t length = (size_t)snprintf(folder, sizeof folder, "%s%s", mount, group);
	const size_t top = strlen(mount);

	if (length >= sizeof folder)
		return;
	for (;;) {
		(void)snprintf(path, sizeof path, "%s/%s", folder, name);
		lower_to_file(path, least);
		if (length <= top)
			return;
		while (length > top && folder[length - 1] != '/')
			length--;
		length -= length > top;
		folder[length] = '\0';
	}
}

/* Is "memory" one of the controllers in a list such as "cpu,cpuacct"? */
static int has_memory(const char *controllers)
{
	const char *found = strstr(controllers, "memory");

	return found != NULL && (found == controllers || found[-1] == ',') &&
	       (found[6] == '\0' || found[6] == ',');
}

uint64_t cgroup_memory_bytes(const char *root)
{
	char path[PATH_MAX];
	char *line = NULL;
	size_t size = 0;
	uint64_t least = UINT64_MAX;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
	file = fopen(path, "re");
	while (file != NULL && getline(&line, &size, file) > 0) {
		/* hierarchy:controllers:path */
		char *controllers = strchr(line, ':');
		char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');

		if (group == NULL)
			continue;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		(void)snprintf(path, sizeof path, "%s/sys/fs/cgroup", root);
		if (controllers[1] == '\0') {
			lower_to_groups(path, group, "memory.max", &least);
		} else if (has_memory(controllers + 1)) {
			(void)snprintf(path, sizeof path, "%s/sys/fs/cgroup/memory", root);
			lower_to_groups(path, group, "memory.limit_in_bytes", &least);
		}
	}
	free(line);
	if (file != NULL)
		(void)fclose(file);
	return least;
}
