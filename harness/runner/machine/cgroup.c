#include "harness/runner/machine/cgroup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

enum version {
	VERSION_1,
	VERSION_2
};

/* Is called with the folder of each group. */
typedef void group_visitor(const char *folder, enum version version, void *data);

/* The group and all above it, up to where they are mounted. */
static void visit_groups(const char *mount, const char *group, enum version version,
			 group_visitor *visit, void *data)
{
	char folder[PATH_MAX];
	size_t length = (size_t)snprintf(folder, sizeof folder, "%s%s", mount, group);
	const size_t top = strlen(mount);

	if (length >= sizeof folder)
		return;
	for (;;) {
		while (length > top && folder[length - 1] == '/')
			folder[--length] = '\0';
		visit(folder, version, data);
		if (length <= top)
			return;
		while (length > top && folder[length - 1] != '/')
			folder[--length] = '\0';
	}
}

/* The groups of a line of /proc/self/cgroup that may have that controller. Where both versions are
 * mounted, version 2 is in a folder of its own. */
static void visit_line(const char *root, const char *line, const char *controller,
		       group_visitor *visit, void *data)
{
	/* hierarchy:controllers:path */
	g_auto(GStrv) parts = g_strsplit(line, ":", 3);
	g_auto(GStrv) controllers = NULL;
	g_autofree char *mount = g_strconcat(root, "/sys/fs/cgroup", NULL);
	g_autofree char *beside = g_strconcat(mount, "/unified", NULL);
	g_autofree char *own = g_strconcat(mount, "/", controller, NULL);

	if (g_strv_length(parts) < 3)
		return;
	controllers = g_strsplit(parts[1], ",", -1);
	if (*parts[1] == '\0') {
		visit_groups(mount, parts[2], VERSION_2, visit, data);
		visit_groups(beside, parts[2], VERSION_2, visit, data);
	} else if (g_strv_contains((const char *const *)controllers, controller)) {
		visit_groups(own, parts[2], VERSION_1, visit, data);
	}
}

/* All groups around us that may have that controller. */
static void visit_ours(const char *root, const char *controller, group_visitor *visit, void *data)
{
	g_autofree char *path = g_strconcat(root, "/proc/self/cgroup", NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		visit_line(root, *line, controller, visit, data);
}

static int open_in(const char *folder, const char *name)
{
	char path[PATH_MAX + 64];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* From its start; false, with an empty text, if there is nothing to read. */
static bool read_text(int fd, char *text, size_t size)
{
	const ssize_t length = fd < 0 ? -1 : pread(fd, text, size - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* Without the newline at its end, for g_free; NULL if there is nothing to read. */
static char *read_file(const char *folder, const char *name)
{
	g_autofree char *path = g_strconcat(folder, "/", name, NULL);
	char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? g_strchomp(text) : NULL;
}

/* ---- limits ---- */

/* Version 1 says "no limit" as the largest multiple of a page. */
#define NO_MEMORY_LIMIT (UINT64_C(1) << 60)

static void lower_memory(const char *folder, enum version version, void *data)
{
	const char *const name = version == VERSION_2 ? "memory.max" : "memory.limit_in_bytes";
	g_autofree char *text = read_file(folder, name);
	struct cgroup_memory *memory = data;
	uint64_t bytes;

	/* "max" is no number. */
	if (text == NULL || !g_ascii_isdigit(*text))
		return;
	bytes = strtoull(text, NULL, 10);
	if (bytes >= memory->bytes || bytes >= NO_MEMORY_LIMIT)
		return;
	memory->bytes = bytes;
	(void)snprintf(memory->file, sizeof memory->file, "%s/%s", folder, name);
}

void cgroup_memory(const char *root, struct cgroup_memory *memory)
{
	memory->bytes = UINT64_MAX;
	memory->file[0] = '\0';
	visit_ours(root, "memory", lower_memory, memory);
}

struct quota {
	bool seen;
	uint64_t milli_cpus;
	char *text;
	size_t size;
};

/* As version 2 has it, "QUOTA PERIOD" in microseconds; of version 1 a quota of -1 is none. */
static char *read_quota(const char *folder, enum version version)
{
	g_autofree char *quota = NULL;
	g_autofree char *period = NULL;

	if (version == VERSION_2)
		return read_file(folder, "cpu.max");
	quota = read_file(folder, "cpu.cfs_quota_us");
	period = read_file(folder, "cpu.cfs_period_us");
	return quota == NULL || period == NULL ? NULL : g_strjoin(" ", quota, period, NULL);
}

static void lower_quota(const char *folder, enum version version, void *data)
{
	g_autofree char *text = read_quota(folder, version);
	struct quota *least = data;
	uint64_t quota_us;
	uint64_t period_us;

	if (text == NULL)
		return;
	least->seen = true;
	if (!g_ascii_isdigit(*text) ||
	    sscanf(text, "%" SCNu64 " %" SCNu64, &quota_us, &period_us) != 2 || period_us == 0 ||
	    quota_us > UINT64_MAX / 1000 || quota_us * 1000 / period_us >= least->milli_cpus)
		return;
	least->milli_cpus = quota_us * 1000 / period_us;
	(void)snprintf(least->text, least->size, "%" PRIu64 " %" PRIu64, quota_us, period_us);
}

bool cgroup_cpu_quota(const char *root, uint64_t *milli_cpus, char *text, size_t size)
{
	struct quota least = {.milli_cpus = UINT64_MAX, .text = text, .size = size};

	(void)snprintf(text, size, "max");
	visit_ours(root, "cpu", lower_quota, &least);
	*milli_cpus = least.milli_cpus;
	return least.seen;
}

static void lower_burst(const char *folder, enum version version, void *data)
{
	g_autofree char *text =
		read_file(folder, version == VERSION_2 ? "cpu.max.burst" : "cpu.cfs_burst_us");
	uint64_t *least = data;
	uint64_t burst_us;

	if (text != NULL && g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX, &burst_us, NULL) &&
	    burst_us < *least)
		*least = burst_us;
}

bool cgroup_cpu_burst(const char *root, uint64_t *burst_us)
{
	*burst_us = UINT64_MAX;
	visit_ours(root, "cpu", lower_burst, burst_us);
	return *burst_us != UINT64_MAX;
}

/* ---- counts ---- */

/* Adds the number on the line "KEY NUMBER" of the text; false if there is none. */
static bool add_line(const char *text, const char *key, uint64_t unit, uint64_t *sum)
{
	const size_t length = strlen(key);

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0 && line[length] == ' ') {
			*sum += strtoull(line + length, NULL, 10) * unit;
			return true;
		}
	}
	return false;
}

static bool add_throttled(int fd, uint64_t *ns)
{
	char text[2048];

	return read_text(fd, text, sizeof text) && (add_line(text, "throttled_usec", 1000, ns) ||
						    add_line(text, "throttled_time", 1, ns));
}

static bool add_oom_kills(int fd, uint64_t *kills)
{
	char text[1024];

	return read_text(fd, text, sizeof text) && add_line(text, "oom_kill", 1, kills);
}

static void watch_cpu(const char *folder, enum version version, void *data)
{
	struct cgroup_watch *watch = data;
	uint64_t ignored = 0;
	int fd;

	(void)version;
	if (watch->throttled_count == CGROUP_MOST_GROUPS)
		return;
	fd = open_in(folder, "cpu.stat");
	if (add_throttled(fd, &ignored))
		watch->throttled_fds[watch->throttled_count++] = fd;
	else if (fd >= 0)
		(void)close(fd);
}

/* The first that is found is our own group's. */
static void watch_memory(const char *folder, enum version version, void *data)
{
	struct cgroup_watch *watch = data;
	uint64_t ignored = 0;
	int fd;

	if (watch->has_oom)
		return;
	fd = open_in(folder, version == VERSION_2 ? "memory.events" : "memory.oom_control");
	watch->has_oom = add_oom_kills(fd, &ignored);
	if (watch->has_oom)
		watch->oom_fd = fd;
	else if (fd >= 0)
		(void)close(fd);
}

void cgroup_watch_open(const char *root, struct cgroup_watch *watch)
{
	watch->throttled_count = 0;
	watch->has_oom = false;
	visit_ours(root, "cpu", watch_cpu, watch);
	visit_ours(root, "memory", watch_memory, watch);
}

void cgroup_watch_close(struct cgroup_watch *watch)
{
	for (size_t i = 0; i < watch->throttled_count; i++)
		(void)close(watch->throttled_fds[i]);
	if (watch->has_oom)
		(void)close(watch->oom_fd);
	watch->throttled_count = 0;
	watch->has_oom = false;
}

struct cgroup_counts cgroup_watch_read(const struct cgroup_watch *watch)
{
	struct cgroup_counts counts = {.throttled_known = watch->throttled_count > 0};

	for (size_t i = 0; i < watch->throttled_count; i++)
		counts.throttled_known &=
			add_throttled(watch->throttled_fds[i], &counts.throttled_ns);
	counts.oom_known = watch->has_oom && add_oom_kills(watch->oom_fd, &counts.oom_kills);
	return counts;
}
