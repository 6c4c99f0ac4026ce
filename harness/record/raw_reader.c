#include "harness/record/raw_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

/* ---- the list ---- */

static bool read_header(const char *path, struct raw_process *process)
{
	struct raw_header header;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const ssize_t got = fd < 0 ? -1 : read(fd, &header, sizeof header);

	if (fd >= 0)
		(void)close(fd);
	if (got != sizeof header || header.version != RAW_VERSION)
		return false;
	*process = (struct raw_process){
		.path = g_strdup(path),
		.pid = header.pid,
		.parent_pid = header.parent_pid,
		.start_ns = header.start_ns,
		.lost_count = atomic_load(&header.lost_count),
		.page_bytes = header.page_bytes,
		.end = (enum raw_end)atomic_load(&header.end),
		.forked = header.forked != 0,
		.parent = RAW_NO_PARENT,
	};
	return true;
}

/* PID-N, and nothing behind. */
static bool is_process(const char *name)
{
	const size_t pid = strspn(name, "0123456789");

	return pid > 0 && name[pid] == '-' && name[pid + 1] != '\0' &&
	       name[pid + 1 + strspn(name + pid + 1, "0123456789")] == '\0';
}

static int by_start(const void *a, const void *b)
{
	const struct raw_process *x = a;
	const struct raw_process *y = b;

	return x->start_ns != y->start_ns
		       ? (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns)
		       : strcmp(x->path, y->path);
}

/* The last process of each number so far is who a later one comes from. */
static void find_parents(struct raw_processes *processes)
{
	g_autoptr(GHashTable) last = g_hash_table_new(NULL, NULL);

	for (uint32_t i = 0; i < processes->count; i++) {
		struct raw_process *process = &processes->items[i];
		const int32_t own = process->pid;
		const int32_t from = process->parent_pid;
		gpointer place;

		if (!process->forked &&
		    g_hash_table_lookup_extended(last, GINT_TO_POINTER(own), NULL, &place)) {
			process->parent = GPOINTER_TO_UINT(place);
			processes->items[process->parent].replaced = true;
		} else if (g_hash_table_lookup_extended(last, GINT_TO_POINTER(from), NULL,
							&place)) {
			process->parent = GPOINTER_TO_UINT(place);
		}
		(void)g_hash_table_insert(last, GINT_TO_POINTER(own), GUINT_TO_POINTER(i));
	}
}

bool raw_processes_list(const char *folder, struct raw_processes *processes, struct error *error)
{
	g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(struct raw_process));
	DIR *entries = opendir(folder);
	struct dirent *entry;

	*processes = (struct raw_processes){NULL, 0};
	if (entries == NULL)
		return error_set(error, "%s: %s", folder, strerror(errno));
	while ((entry = readdir(entries)) != NULL) {
		g_autofree char *path = g_build_filename(folder, entry->d_name, NULL);
		struct raw_process process;

		if (is_process(entry->d_name) && read_header(path, &process))
			g_array_append_val(items, process);
	}
	(void)closedir(entries);
	processes->count = items->len;
	processes->items = (struct raw_process *)(void *)g_array_steal(items, NULL);
	if (processes->count > 0)
		qsort(processes->items, processes->count, sizeof *processes->items, by_start);
	find_parents(processes);
	return true;
}

void raw_processes_release(struct raw_processes *processes)
{
	for (uint32_t i = 0; i < processes->count; i++)
		g_free(processes->items[i].path);
	g_free(processes->items);
	*processes = (struct raw_processes){NULL, 0};
}

char *raw_beside(const struct raw_process *process, const char *suffix, size_t *bytes)
{
	g_autofree char *path = g_strconcat(process->path, suffix, NULL);
	char *text = NULL;

	*bytes = 0;
	(void)g_file_get_contents(path, &text, bytes, NULL);
	return text;
}

/* ---- events ---- */

bool raw_reader_open(struct raw_reader *reader, const struct raw_process *process,
		     struct error *error)
{
	reader->path = process->path;
	reader->offset = RAW_HEADER_BYTES;
	reader->next = 0;
	reader->count = 0;
	reader->fd = open(process->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return reader->fd >= 0 || error_set(error, "%s: %s", process->path, strerror(errno));
}

void raw_reader_close(struct raw_reader *reader)
{
	(void)close(reader->fd);
}

/* As many bytes as there are, up to `size`; less than 0: errno. */
static ssize_t read_all(struct raw_reader *reader, void *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		const ssize_t got = pread(reader->fd, (char *)bytes + done, size - done,
					  (off_t)(reader->offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return got;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

/* Moves what is left to the front, and reads on. */
static bool fill(struct raw_reader *reader, struct error *error)
{
	const size_t left = reader->count - reader->next;
	ssize_t got;

	memmove(reader->events, reader->events + reader->next, left * sizeof *reader->events);
	got = read_all(reader, reader->events + left,
		       (RAW_READ_EVENTS - left) * sizeof *reader->events);
	if (got < 0)
		return error_set(error, "%s cannot be read: %s", reader->path, strerror(errno));
	reader->offset += (uint64_t)got;
	reader->next = 0;
	reader->count = left + (size_t)got / sizeof *reader->events;
	memset(reader->events + reader->count, 0, RAW_AHEAD * sizeof *reader->events);
	return true;
}

const struct raw_plain_event *raw_reader_next(struct raw_reader *reader, bool *failed,
					      struct error *error)
{
	*failed = false;
	if (reader->count - reader->next <= RAW_AHEAD && !fill(reader, error)) {
		*failed = true;
		return NULL;
	}
	return reader->next < reader->count ? &reader->events[reader->next++] : NULL;
}
