#include "harness/runner/record/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <glib.h>

static char *path_of(const struct folder *folder, const char *name)
{
	return g_strconcat(folder->path, "/", name, NULL);
}

bool folder_init(struct folder *folder, const char *path, struct error *error)
{
	folder->csv_fd = -1;
	folder->timeline_fd = -1;
	if (strlen(path) >= sizeof folder->path)
		return error_set(error, "the folder's name is longer than %zu characters",
				 sizeof folder->path - 1);
	(void)strcpy(folder->path, path);
	/* Without slashes at the end, so that messages and later commands read well. */
	for (size_t length = strlen(path); length > 1 && folder->path[length - 1] == '/'; length--)
		folder->path[length - 1] = '\0';
	return true;
}

void folder_release(struct folder *folder)
{
	if (folder->csv_fd >= 0)
		(void)close(folder->csv_fd);
	if (folder->timeline_fd >= 0)
		(void)close(folder->timeline_fd);
	folder->csv_fd = -1;
	folder->timeline_fd = -1;
}

static bool has_run(const struct folder *folder)
{
	g_autofree char *path = path_of(folder, "runs.csv");

	return access(path, F_OK) == 0;
}

static bool is_empty(const struct folder *folder)
{
	g_autoptr(GDir) entries = g_dir_open(folder->path, 0, NULL);

	return entries != NULL && g_dir_read_name(entries) == NULL;
}

/* Opens a file of the folder: never through a link, and nothing but a regular file, which cannot
 * keep us waiting. */
static int open_file(const char *path, int flags)
{
	struct stat status;
	int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);

	if (fd < 0 || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)))
		return fd;
	(void)close(fd);
	errno = ENXIO;
	return -1;
}

bool folder_check(const struct folder *folder, bool overwrite, struct error *error)
{
	struct stat status;

	if (lstat(folder->path, &status) == 0 && S_ISLNK(status.st_mode))
		return error_set(error,
				 "%s is a symbolic link, through which no run is begun; give what "
				 "it stands for as --out",
				 folder->path);
	if (access(folder->path, F_OK) != 0)
		return true;
	if (has_run(folder))
		return overwrite ||
		       error_set(error,
				 "%s has a run in it; choose another --out, go on with it by "
				 "--resume %s, or replace it with --overwrite",
				 folder->path, folder->path);
	return is_empty(folder) ||
	       error_set(error, "%s exists and is not an empty folder; choose another --out",
			 folder->path);
}

static bool make_folders(const char *path, struct error *error)
{
	char partial[PATH_MAX];
	char *slash;

	(void)snprintf(partial, sizeof partial, "%s", path);
	slash = strchr(partial + 1, '/');
	for (;;) {
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(partial, 0755) != 0 && errno != EEXIST)
			return error_set(error, "%s cannot be made: %s; choose another --out",
					 partial, strerror(errno));
		if (slash == NULL)
			return true;
		*slash = '/';
		slash = strchr(slash + 1, '/');
	}
}

bool folder_check_space(const struct folder *folder, uint64_t needed_bytes, struct error *error)
{
	struct statvfs disk;
	uint64_t free_bytes;

	if (statvfs(folder->path, &disk) != 0)
		return true;
	free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	return free_bytes >= needed_bytes ||
	       error_set(error,
			 "%s has only %" PRIu64 " MB free, and this run needs up to %" PRIu64
			 " MB; make room or choose another --out",
			 folder->path, free_bytes / 1000000, needed_bytes / 1000000 + 1);
}

static void remove_file(const struct folder *folder, const char *name)
{
	char path[PATH_MAX];

	/* As folder_abandon may have no memory. */
	(void)snprintf(path, sizeof path, "%s/%s", folder->path, name);
	(void)unlink(path);
}

/* What else a folder may hold of the rows of an earlier run. */
static const char *const made_from_rows[] = {
	"timeline.csv",     "summary.csv",  "attribution.csv", "latency.csv", "limits.csv",
	"instructions.csv", "patterns.csv", "factors.md",      NULL,
};

/* Locks the open runs.csv. Some network file systems have no locks: there we go on without. */
static bool lock_csv(const struct folder *folder, struct error *error)
{
	return flock(folder->csv_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK ||
	       error_set(error,
			 "another growbench is writing to %s; wait until it has ended, or choose "
			 "another --out",
			 folder->path);
}

static bool start_csv(struct folder *folder, const char *header, bool overwrite,
		      struct error *error)
{
	g_autofree char *path = path_of(folder, "runs.csv");
	struct stat status;

	folder->csv_fd = open_file(path, O_WRONLY | O_CREAT | O_APPEND);
	if (folder->csv_fd < 0)
		return error_set(error, "%s cannot be written: %s; choose another --out", path,
				 strerror(errno));
	if (!lock_csv(folder, error)) {
		folder_release(folder);
		return false;
	}
	/* Somebody may have made a whole run since we looked. */
	if (fstat(folder->csv_fd, &status) == 0 && status.st_size > 0 && !overwrite) {
		folder_release(folder);
		return error_set(error, "%s has a run in it by now; choose another --out",
				 folder->path);
	}
	/* Before the rows, so that nobody goes on with the old run and none of its rows. */
	remove_file(folder, "machine.json");
	if (ftruncate(folder->csv_fd, 0) != 0)
		(void)error_set(error, "%s cannot be written: %s; choose another --out", path,
				strerror(errno));
	else if (folder_append(folder, header, error))
		return true;
	remove_file(folder, "runs.csv");
	folder_release(folder);
	return false;
}

bool folder_create(struct folder *folder, const char *header, bool overwrite, uint64_t needed_bytes,
		   struct error *error)
{
	if (!make_folders(folder->path, error))
		return false;
	if (folder_check_space(folder, needed_bytes, error) &&
	    start_csv(folder, header, overwrite, error)) {
		for (const char *const *name = made_from_rows; *name != NULL; name++)
			remove_file(folder, *name);
		return true;
	}
	/* Only succeeds if it is empty. */
	(void)rmdir(folder->path);
	return false;
}

void folder_abandon(struct folder *folder)
{
	remove_file(folder, "machine.json");
	remove_file(folder, "timeline.csv");
	/* Last, and before the lock goes: until then the folder is ours. */
	remove_file(folder, "runs.csv");
	folder_release(folder);
	/* Only succeeds if it is empty. */
	(void)rmdir(folder->path);
}

/* Appends to the open file `name` of the folder. */
static bool append(const struct folder *folder, const char *name, int fd, const char *text,
		   struct error *error)
{
	const size_t length = strlen(text);
	const off_t start = lseek(fd, 0, SEEK_END);
	const ssize_t written = write(fd, text, length);

	if (written == (ssize_t)length)
		return true;
	(void)error_set(error, "%s/%s cannot be written: %s; the rows so far are whole",
			folder->path, name, written >= 0 ? "the disk is full" : strerror(errno));
	/* Half a row is worse than none. */
	if (written > 0 && start >= 0 && ftruncate(fd, start) != 0)
		(void)error_set(error, "%s/%s cannot be written, and its last row is torn",
				folder->path, name);
	return false;
}

bool folder_append(const struct folder *folder, const char *row, struct error *error)
{
	return append(folder, "runs.csv", folder->csv_fd, row, error);
}

/* Cuts the file off after its last line that is whole; false if that cannot be done. */
static bool cut_torn_line(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char last = '\n';

	for (off_t whole = end; whole > 0; whole--) {
		if (pread(fd, &last, 1, whole - 1) != 1)
			return false;
		if (last == '\n')
			return whole == end || ftruncate(fd, whole) == 0;
	}
	return end == 0 || ftruncate(fd, 0) == 0;
}

static bool open_timeline(struct folder *folder, const char *header, struct error *error)
{
	g_autofree char *path = path_of(folder, "timeline.csv");

	folder->timeline_fd = open_file(path, O_RDWR | O_CREAT | O_APPEND);
	if (folder->timeline_fd < 0 || !cut_torn_line(folder->timeline_fd))
		return error_set(error, "%s cannot be written: %s", path, strerror(errno));
	if (lseek(folder->timeline_fd, 0, SEEK_END) > 0 ||
	    append(folder, "timeline.csv", folder->timeline_fd, header, error))
		return true;
	remove_file(folder, "timeline.csv");
	return false;
}

bool folder_append_timeline(struct folder *folder, const char *header, const char *rows,
			    struct error *error)
{
	return (folder->timeline_fd >= 0 || open_timeline(folder, header, error)) &&
	       append(folder, "timeline.csv", folder->timeline_fd, rows, error);
}

bool folder_open(struct folder *folder, struct error *error)
{
	g_autofree char *path = path_of(folder, "runs.csv");

	folder->csv_fd = open_file(path, O_RDWR | O_APPEND);
	if (folder->csv_fd < 0)
		return error_set(error, "%s cannot be opened: %s; is this a run's folder?", path,
				 strerror(errno));
	if (lock_csv(folder, error))
		return true;
	folder_release(folder);
	return false;
}

/* The open file, from its start, as a stream of its own; NULL if that cannot be. */
static FILE *stream_of(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *stream = copy < 0 ? NULL : fdopen(copy, "r");

	if (stream == NULL && copy >= 0)
		(void)close(copy);
	if (stream != NULL)
		rewind(stream);
	return stream;
}

static bool is_header(const char *line, const char *header, const char *path, struct error *error)
{
	return strcmp(line, header) == 0 ||
	       error_set(error, "%s, line 1: its columns are of another version", path);
}

bool folder_read(struct folder *folder, const char *header,
		 bool (*row)(char *line, uint64_t number, void *data, struct error *error),
		 void *data, struct error *error)
{
	g_autofree char *path = path_of(folder, "runs.csv");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	off_t whole = 0;
	uint64_t number = 0;
	bool ok = true;
	FILE *file = stream_of(folder->csv_fd);

	if (file == NULL)
		return error_set(error, "%s cannot be read: %s", path, strerror(errno));
	while (ok && (length = getline(&line, &size, file)) > 0 && line[length - 1] == '\n') {
		number++;
		whole += length;
		if (number == 1) {
			ok = is_header(line, header, path, error);
			continue;
		}
		line[length - 1] = '\0';
		/* A zero byte would hide the rest of the line. */
		ok = strlen(line) == (size_t)length - 1
			     ? row(line, number, data, error)
			     : error_set(error, "%s, line %" PRIu64 ": this is no text", path,
					 number);
	}
	if (ok && ferror(file) != 0)
		ok = error_set(error, "%s cannot be read: %s", path, strerror(errno));
	free(line);
	(void)fclose(file);
	if (ok && number == 0)
		ok = error_set(error, "%s has no header", path);
	return ok && (ftruncate(folder->csv_fd, whole) == 0 ||
		      error_set(error, "%s cannot be written: %s", path, strerror(errno)));
}

bool folder_cut_timeline(const struct folder *folder, const char *header,
			 bool (*has_row)(uint64_t position, void *data), void *data,
			 struct error *error)
{
	g_autofree char *path = path_of(folder, "timeline.csv");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	off_t whole = 0;
	bool ok = true;
	FILE *file;
	int fd;

	fd = open_file(path, O_RDWR);
	if (fd < 0)
		return errno == ENOENT ||
		       error_set(error, "%s cannot be opened: %s", path, strerror(errno));
	file = stream_of(fd);
	while (file != NULL && (length = getline(&line, &size, file)) > 0 &&
	       line[length - 1] == '\n') {
		if (whole == 0)
			ok = is_header(line, header, path, error);
		else if (!has_row(strtoull(line, NULL, 10), data))
			break;
		if (!ok)
			break;
		whole += length;
	}
	ok = ok && ((file != NULL && ferror(file) == 0 && ftruncate(fd, whole) == 0) ||
		    error_set(error, "%s cannot be written: %s", path, strerror(errno)));
	free(line);
	if (file != NULL)
		(void)fclose(file);
	(void)close(fd);
	return ok;
}

bool folder_sync(const struct folder *folder, struct error *error)
{
	return fsync(folder->csv_fd) == 0 ||
	       error_set(error, "%s/runs.csv cannot be written: %s", folder->path, strerror(errno));
}
