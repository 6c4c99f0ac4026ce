#include "harness/record/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/trace/calls.h"
#include "harness/trace/lock.h"
#include "harness/trace/raw.h"

_Atomic(struct recording *) recording;
/* The folder, from the environment that the program began with; and who was the last to begin. */
static char folder[PATH_MAX];
static int32_t last_pid;
bool recording_is_inherited;

_Thread_local struct recording_thread recording_thread __attribute__((tls_model("initial-exec")));

static long call(long number, long first, long second, long third, long fourth)
{
	return raw_system_call(number, first, second, third, fourth, 0, 0);
}

/* ---- memory and files ---- */

static void *map(size_t bytes, int flags, int fd, uint64_t offset)
{
	const long start = raw_system_call(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, flags,
					   fd, (long)offset);

	return raw_failed(start) ? NULL : (void *)start;
}

static void advise(void *start, size_t bytes, int advice)
{
	(void)call(SYS_madvise, (long)start, (long)bytes, advice, 0);
}

void *recording_map(size_t bytes)
{
	void *start = map(bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start != NULL &&
	    raw_failed(call(SYS_madvise, (long)start, (long)bytes, MADV_WIPEONFORK, 0)))
		recording_is_inherited = true;
	return start;
}

static int open_file(const char *path, int flags)
{
	return (int)call(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void close_file(int fd)
{
	(void)call(SYS_close, fd, 0, 0, 0);
}

/* Maps a part of the file; a child of fork does not have it, nor does a core dump. */
static void *map_file(int fd, uint64_t offset, size_t bytes)
{
	void *start = map(bytes, MAP_SHARED, fd, offset);

	if (start != NULL) {
		advise(start, bytes, MADV_DONTFORK);
		advise(start, bytes, MADV_DONTDUMP);
	}
	return start;
}

/* Where a file may not grow so far, the kernel would send a signal. */
static bool may_grow_to(uint64_t bytes)
{
	struct rlimit limit;

	return raw_failed(call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit)) ||
	       limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur;
}

static bool write_zeros(int fd, uint64_t offset, size_t bytes)
{
	static const char zeros[4096];

	for (size_t done = 0; done < bytes; done += sizeof zeros)
		if (call(SYS_pwrite64, fd, (long)zeros, sizeof zeros, (long)(offset + done)) !=
		    sizeof zeros)
			return false;
	return true;
}

/* Takes the disk space now: writing to a mapped page that there is no space for is a signal. */
static bool take_space(int fd, uint64_t offset, size_t bytes)
{
	long result;

	if (!may_grow_to(offset + bytes))
		return false;
	result = call(SYS_fallocate, fd, 0, (long)offset, (long)bytes);
	if (result == -EOPNOTSUPP || result == -ENOSYS)
		return write_zeros(fd, offset, bytes);
	return !raw_failed(result);
}

/* ---- windows ---- */

struct window {
	size_t number;
	uint64_t start; /* its first event */
	uint64_t count;
};

static inline struct window window_of(uint64_t place)
{
	struct window window;

	if (place >= RECORDING_DOUBLED) {
		window.number =
			RECORDING_DOUBLINGS + 1 + (place - RECORDING_DOUBLED) / RECORDING_MOST;
		window.start = place - (place - RECORDING_DOUBLED) % RECORDING_MOST;
		window.count = RECORDING_MOST;
		return window;
	}
	window.number = 63 - (size_t)__builtin_clzll(place / RECORDING_LEAST + 1);
	window.start = RECORDING_LEAST * (((uint64_t)1 << window.number) - 1);
	window.count = RECORDING_LEAST << window.number;
	return window;
}

static void stop(struct recording *of, enum raw_end why)
{
	uint32_t on = RECORDING_ON;

	if (atomic_compare_exchange_strong(&of->phase, &on, RECORDING_OFF))
		atomic_store(&of->header->end, why);
}

/* Takes it from what all processes may have. */
static bool is_within_limit(struct recording *of, uint64_t bytes)
{
	struct raw_settings *settings = of->settings;

	if (atomic_fetch_add(&settings->used_bytes, bytes) + bytes <= settings->limit_bytes)
		return true;
	(void)atomic_fetch_sub(&settings->used_bytes, bytes);
	return false;
}

static struct raw_event *map_window(struct recording *of, struct window window)
{
	const uint64_t offset = RAW_HEADER_BYTES + window.start * sizeof(struct raw_event);
	const size_t bytes = window.count * sizeof(struct raw_event);
	struct raw_event *events = NULL;
	int fd;

	if (window.number >= RECORDING_WINDOWS || !is_within_limit(of, bytes)) {
		stop(of, RAW_LIMITED);
		return NULL;
	}
	fd = open_file(of->path, O_RDWR);
	if (fd >= 0) {
		if (take_space(fd, offset, bytes))
			events = map_file(fd, offset, bytes);
		close_file(fd);
	}
	if (events == NULL)
		stop(of, RAW_NO_SPACE);
	return events;
}

/* Of the window before the last, in which nobody is likely to write any more, nothing stays
 * resident.
 */
static void let_go(struct recording *of, size_t number)
{
	struct raw_event *old;

	if (number < RECORDING_DOUBLINGS + 2)
		return;
	old = atomic_load(&of->windows[number - 2]);
	if (old != NULL && number - 2 > RECORDING_DOUBLINGS)
		advise(old, RECORDING_MOST * sizeof *old, MADV_DONTNEED);
}

/* NULL if it cannot be had. */
static struct raw_event *need_window(struct recording *of, struct window window)
{
	struct raw_event *events;

	lock_take(&of->map_lock);
	events = atomic_load(&of->windows[window.number]);
	if (events == NULL && atomic_load(&of->phase) <= RECORDING_ON) {
		events = map_window(of, window);
		atomic_store_explicit(&of->windows[window.number], events, memory_order_release);
		let_go(of, window.number);
	}
	lock_release(&of->map_lock);
	return events;
}

/* ---- beginning ---- */

static char *put_text(char *end, const char *text)
{
	while (*text != '\0')
		*end++ = *text++;
	*end = '\0';
	return end;
}

static char *put_number(char *end, unsigned long number)
{
	char digits[24];
	int count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	while (count > 0)
		*end++ = digits[--count];
	*end = '\0';
	return end;
}

/* Is there a folder? The environment may not be there yet when the first call comes: then it is
 * looked for again. */
static bool find_folder(bool *too_early)
{
	const char *named;

	*too_early = environ == NULL;
	if (*folder != '\0')
		return true;
	if (*too_early)
		return false;
	named = getenv(RAW_FOLDER_VARIABLE);
	if (named == NULL || *named != '/' || strlen(named) >= sizeof folder)
		return false;
	(void)put_text(folder, named);
	return true;
}

static bool map_settings(struct recording *of)
{
	char path[sizeof of->path];
	int fd;

	(void)put_text(put_text(path, folder), "/" RAW_SETTINGS);
	fd = open_file(path, O_RDWR);
	if (fd < 0)
		return false;
	of->settings = map_file(fd, 0, sizeof *of->settings);
	close_file(fd);
	if (of->settings == NULL || of->settings->version != RAW_VERSION)
		return false;
	of->flags = of->settings->flags;
	return true;
}

/* A file that nobody has yet: an earlier process, or program, may have had this number. */
static int make_file(struct recording *of)
{
	int fd = -EEXIST;

	for (unsigned long i = 0; fd == -EEXIST && i < 100000; i++) {
		char *end = put_text(put_text(of->path, folder), "/");

		end = put_text(put_number(end, (unsigned long)of->pid), "-");
		(void)put_number(end, i);
		fd = open_file(of->path, O_RDWR | O_CREAT | O_EXCL);
	}
	return fd;
}

static void fill_header(struct recording *of)
{
	struct timespec now = {0, 0};

	(void)call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0);
	of->header->version = RAW_VERSION;
	of->header->page_bytes = (uint32_t)sysconf(_SC_PAGESIZE);
	of->header->pid = of->pid;
	of->header->parent_pid = (int32_t)call(SYS_getppid, 0, 0, 0, 0);
	of->header->start_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	of->header->forked = last_pid != 0 && last_pid != of->pid;
}

static void keep_command(struct recording *of)
{
	const int fd = open_file("/proc/self/cmdline", O_RDONLY);
	char part[4096];
	long got;

	if (fd < 0)
		return;
	while ((got = call(SYS_read, fd, (long)part, sizeof part, 0)) > 0)
		if (!recording_append(of, RAW_COMMAND_SUFFIX, part, (size_t)got))
			break;
	close_file(fd);
}

static bool begin_file(struct recording *of)
{
	int fd;

	of->pid = (int32_t)call(SYS_getpid, 0, 0, 0, 0);
	if (!map_settings(of) || !is_within_limit(of, RAW_HEADER_BYTES))
		return false;
	fd = make_file(of);
	if (fd < 0)
		return false;
	if (take_space(fd, 0, (size_t)sysconf(_SC_PAGESIZE)))
		of->header = map_file(fd, 0, (size_t)sysconf(_SC_PAGESIZE));
	close_file(fd);
	if (of->header == NULL)
		return false;
	fill_header(of);
	last_pid = of->pid;
	return true;
}

static struct recording *make_recording(void)
{
	struct recording *of = atomic_load_explicit(&recording, memory_order_acquire);
	struct recording *none = NULL;
	struct recording *made;

	if (of != NULL)
		return of;
	made = recording_map(sizeof *made);
	if (made == NULL)
		return NULL;
	if (atomic_compare_exchange_strong(&recording, &none, made))
		return made;
	(void)call(SYS_munmap, (long)made, sizeof *made, 0, 0);
	return none;
}

static void begin(struct recording *of)
{
	bool too_early;
	const bool found = find_folder(&too_early);

	if (!found || !begin_file(of)) {
		atomic_store(&of->phase, !found && too_early ? RECORDING_NONE : RECORDING_OFF);
		return;
	}
	recording_thread.number = 0;
	if ((of->flags & RAW_NAMES) != 0 && of->header->forked == 0)
		keep_command(of);
	atomic_store(&of->phase, RECORDING_ON);
}

/* A thread that begins keeps the others waiting: what they do is to be recorded, too. */
struct recording *recording_begin(void)
{
	struct recording *of = make_recording();
	uint32_t none = RECORDING_NONE;

	if (of == NULL || atomic_load(&of->phase) == RECORDING_OFF)
		return NULL;
	if (atomic_compare_exchange_strong(&of->phase, &none, RECORDING_BEGINNING))
		begin(of);
	while (atomic_load(&of->phase) == RECORDING_BEGINNING)
		raw_yield();
	return atomic_load(&of->phase) == RECORDING_ON ? of : NULL;
}

/* ---- for the others ---- */

uint32_t recording_new_thread(struct recording *of)
{
	recording_thread.number = 1 + atomic_fetch_add(&of->thread_count, 1) % RAW_MOST_THREAD;
	return recording_thread.number;
}

struct raw_event *recording_find(struct recording *of, uint64_t place)
{
	const struct window window = window_of(place);
	struct raw_event *events = NULL;

	if (window.number < RECORDING_WINDOWS)
		events = atomic_load_explicit(&of->windows[window.number], memory_order_acquire);
	if (__builtin_expect(events == NULL, 0)) {
		events = need_window(of, window);
		if (events == NULL) {
			(void)atomic_fetch_add(&of->header->lost_count, 1);
			return NULL;
		}
	}
	return &events[place - window.start];
}

bool recording_append(struct recording *of, const char *suffix, const void *bytes, size_t size)
{
	char path[sizeof of->path + 16];
	long written;
	int fd;

	if (!is_within_limit(of, size))
		return false;
	(void)put_text(put_text(path, of->path), suffix);
	fd = open_file(path, O_WRONLY | O_CREAT | O_APPEND);
	if (fd < 0)
		return false;
	written = call(SYS_write, fd, (long)bytes, (long)size, 0);
	close_file(fd);
	return written == (long)size;
}
