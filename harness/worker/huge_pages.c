#include "harness/worker/huge_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define FOLDER "/sys/kernel/mm/transparent_hugepage"

enum {
	/* /proc/vmstat has 6 KiB. */
	MOST_TEXT = 16 << 10
};

/* The whole text of a file from its beginning; false if it cannot be read, or is longer. */
static bool read_text(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while ((got = pread(fd, text + length, size - 1 - length, (off_t)length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	return got == 0 && length > 0 && length < size - 1;
}

/* A file of one size's folder, or of the one for all (bytes 0); -1 if it cannot be opened. */
static int open_of(const char *root, size_t bytes, const char *name)
{
	char folder[64] = "";
	char path[PATH_MAX];

	if (bytes > 0)
		(void)snprintf(folder, sizeof folder, "hugepages-%zukB/", bytes / 1024);
	(void)snprintf(path, sizeof path, "%s" FOLDER "/%s%s", root, folder, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool read_of(const char *root, size_t bytes, const char *name, char *text, size_t size)
{
	const int fd = open_of(root, bytes, name);
	bool read;

	if (fd < 0)
		return false;
	read = read_text(fd, text, size);
	(void)close(fd);
	return read;
}

/* What stands behind `key` in /proc/vmstat; UINT64_MAX if it has no such line. */
static uint64_t line_of_vmstat(const char *text, const char *key)
{
	const size_t length = strlen(key);

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtoull(line + length, NULL, 10);
	}
	return UINT64_MAX;
}

static const char key_of_pmd[] = "thp_fault_alloc";

/* Does the size's own switch, or else that for all sizes, let programs have it? */
static bool is_on(const char *root, size_t bytes, size_t pmd_bytes, bool all_on)
{
	char text[128];

	if (!read_of(root, bytes, "enabled", text, sizeof text))
		return bytes == pmd_bytes && all_on;
	return strstr(text, "[inherit]") != NULL ? all_on : strstr(text, "[never]") == NULL;
}

size_t huge_pages_largest(const char *root)
{
	char text[32];

	if (!read_of(root, 0, "hpage_pmd_size", text, sizeof text))
		return 0;
	return strtoull(text, NULL, 10);
}

/* True if the kernel was built without them, or this process may have none. */
static bool knows_none(const char *root)
{
	char whole[PATH_MAX];

	/* 1 is all of them; since Linux 6.18 other values leave those that are asked for. */
	if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1)
		return true;
	(void)snprintf(whole, sizeof whole, "%s/sys/kernel/mm", root);
	if (access(whole, X_OK) != 0)
		return false;
	(void)snprintf(whole, sizeof whole, "%s" FOLDER, root);
	return access(whole, F_OK) != 0 && errno == ENOENT;
}

bool huge_pages_on(const char *root, size_t *sizes, size_t most, size_t *count, struct error *why)
{
	const size_t pmd_bytes = huge_pages_largest(root);
	char text[128];
	bool all_on;

	*count = 0;
	if (knows_none(root))
		return true;
	if (pmd_bytes == 0 || !read_of(root, 0, "enabled", text, sizeof text))
		return error_set(why, "%s" FOLDER " cannot be read", root);
	all_on = strstr(text, "[never]") == NULL;
	for (size_t bytes = 2 * (size_t)sysconf(_SC_PAGESIZE); bytes <= pmd_bytes; bytes *= 2)
		if (*count < most && is_on(root, bytes, pmd_bytes, all_on))
			sizes[(*count)++] = bytes;
	return true;
}

/* The counter of one size; -1 if there is none. */
static int open_counter(const char *root, size_t bytes, size_t pmd_bytes)
{
	char path[PATH_MAX];
	char text[MOST_TEXT];
	int fd = open_of(root, bytes, "stats/anon_fault_alloc");

	if (fd >= 0 || bytes != pmd_bytes)
		return fd;
	(void)snprintf(path, sizeof path, "%s/proc/vmstat", root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 ||
	    (read_text(fd, text, sizeof text) && line_of_vmstat(text, key_of_pmd) != UINT64_MAX))
		return fd;
	(void)close(fd);
	return -1;
}

bool huge_counters_open(const char *root, struct huge_counters *counters, struct error *why)
{
	const size_t pmd_bytes = huge_pages_largest(root);
	size_t count;

	counters->count = 0;
	if (!huge_pages_on(root, counters->page_bytes, HUGE_PAGES_MOST_SIZES, &count, why))
		return false;
	for (; counters->count < count; counters->count++) {
		const size_t bytes = counters->page_bytes[counters->count];
		const int fd = open_counter(root, bytes, pmd_bytes);

		if (fd < 0) {
			huge_counters_close(counters);
			return error_set(why,
					 "this kernel does not count the faults of huge pages of "
					 "%zu KiB, which are on: %s" FOLDER
					 "/hugepages-%zukB/stats/anon_fault_alloc cannot be read",
					 bytes / 1024, root, bytes / 1024);
		}
		counters->fd[counters->count] = fd;
	}
	return true;
}

bool huge_counters_read(const struct huge_counters *counters, struct huge_faults *faults)
{
	char text[MOST_TEXT];

	*faults = (struct huge_faults){0};
	for (size_t i = 0; i < counters->count; i++) {
		uint64_t count;

		if (!read_text(counters->fd[i], text, sizeof text))
			return false;
		/* A file of its own has nothing but the number. */
		count = line_of_vmstat(text, key_of_pmd);
		if (count == UINT64_MAX)
			count = strtoull(text, NULL, 10);
		faults->count += count;
		faults->bytes += count * counters->page_bytes[i];
	}
	return true;
}

void huge_counters_close(struct huge_counters *counters)
{
	for (size_t i = 0; i < counters->count; i++)
		(void)close(counters->fd[i]);
	counters->count = 0;
}
