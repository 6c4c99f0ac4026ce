/*
 * libgrowbench-fail-allocation.so - preloaded, lets one allocation of a program fail, for tests.
 *
 * Counts the calls of malloc, calloc, realloc, aligned_alloc, posix_memalign, mmap, mremap and
 * mprotect of all libraries (but not what the C library does inside of itself without a symbol),
 * from the start of the process on. Variables:
 *
 *     FAIL_ALLOCATION       N: the Nth call fails (1 is the first). 0 or unset: none
 *     FAIL_ALLOCATION_ALL   set: and so do all after it
 *     FAIL_ALLOCATION_LOG   a file. Without N, a line for each call: its number, its name, "main",
 *                           or "before" where a library's constructor made it, and a number for
 *                           where it was called from, the same for calls from the same place.
 *                           Of the first 5000 calls. With N, that line of each call that
 *                           failed, and its stack; of the first 50
 *
 * Only this process is meant: growbench gives its workers none of these variables.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	MOST_FRAMES = 48,
	MOST_LOGGED = 5000,
	MOST_FAILED_LOGGED = 50
};

static unsigned long call_to_fail;
static bool all_after;
static int log_fd = -1;
static bool started;
static unsigned long calls;
/* What the stack's unwinder allocates is not counted. */
static __thread bool inside;

static void start(void)
{
	const char *number = getenv("FAIL_ALLOCATION");
	const char *log = getenv("FAIL_ALLOCATION_LOG");
	void *frame;

	started = true;
	call_to_fail = number == NULL ? 0 : strtoul(number, NULL, 10);
	all_after = getenv("FAIL_ALLOCATION_ALL") != NULL;
	if (log == NULL)
		return;
	log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	/* Its first use loads a library. */
	(void)backtrace(&frame, 1);
}

/* FNV-1a. */
static uint64_t hash_of(void *const *frames, int count)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < count; i++)
		hash = (hash ^ (uint64_t)(uintptr_t)frames[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* The dynamic linker calls constructors. */
static bool is_before_main(const void *outermost)
{
	Dl_info object;

	return dladdr(outermost, &object) != 0 && (uintptr_t)object.dli_fbase == getauxval(AT_BASE);
}

static void log_call(const char *name, unsigned long call)
{
	void *frames[MOST_FRAMES];
	const int count = backtrace(frames, MOST_FRAMES);
	char line[96];
	const int length = snprintf(line, sizeof line, "%lu %s %s %" PRIx64 "\n", call, name,
				    is_before_main(frames[count - 1]) ? "before" : "main",
				    hash_of(frames + 2, count - 2));

	(void)!write(log_fd, line, (size_t)length);
	if (call_to_fail > 0)
		backtrace_symbols_fd(frames, count, log_fd);
}

/* Counts a call; true if it has to fail. */
static bool fails(const char *name)
{
	unsigned long call;
	bool failing;

	if (inside)
		return false;
	inside = true;
	if (!started)
		start();
	call = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
	failing = call_to_fail > 0 && (call == call_to_fail || (all_after && call > call_to_fail));
	if (log_fd >= 0 && (failing ? call - call_to_fail < MOST_FAILED_LOGGED
				    : call_to_fail == 0 && call <= MOST_LOGGED))
		log_call(name, call);
	inside = false;
	if (failing)
		errno = ENOMEM;
	return failing;
}

/* Finds the same function of the next library, once: dlsym itself may call free. */
#define NEXT(name, next)                                          \
	do {                                                      \
		if ((next) == NULL) {                             \
			void *address_ = dlsym(RTLD_NEXT, name);  \
			memcpy(&(next), &address_, sizeof(next)); \
		}                                                 \
	} while (0)

void *malloc(size_t bytes)
{
	static __typeof__(malloc) *next;

	NEXT("malloc", next);
	return fails("malloc") ? NULL : next(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	static __typeof__(calloc) *next;

	NEXT("calloc", next);
	return fails("calloc") ? NULL : next(count, bytes);
}

void *realloc(void *block, size_t bytes)
{
	static __typeof__(realloc) *next;

	NEXT("realloc", next);
	return fails("realloc") ? NULL : next(block, bytes);
}

/* Here only so that a worker finds one library behind all four. */
void free(void *block)
{
	static __typeof__(free) *next;
	/* volatile: dlsym is declared a leaf, which never comes back to here. */
	static volatile bool finding;

	/* From glibc 2.42 on dlsym itself may free the message of what was not found before it:
	 * that one stays. */
	if (finding)
		return;
	finding = next == NULL;
	NEXT("free", next);
	finding = false;
	next(block);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	static __typeof__(aligned_alloc) *next;

	NEXT("aligned_alloc", next);
	return fails("aligned_alloc") ? NULL : next(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	static __typeof__(posix_memalign) *next;

	NEXT("posix_memalign", next);
	return fails("posix_memalign") ? ENOMEM : next(block, alignment, bytes);
}

void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
	static __typeof__(mmap) *next;

	NEXT("mmap", next);
	return fails("mmap") ? MAP_FAILED : next(address, bytes, protection, flags, file, offset);
}

void *mremap(void *address, size_t old_bytes, size_t bytes, int flags, ...)
{
	static __typeof__(mremap) *next;
	void *target = NULL;
	va_list more;

	va_start(more, flags);
	if (flags & MREMAP_FIXED)
		target = va_arg(more, void *);
	va_end(more);
	NEXT("mremap", next);
	return fails("mremap") ? MAP_FAILED : next(address, old_bytes, bytes, flags, target);
}

int mprotect(void *address, size_t bytes, int protection)
{
	static __typeof__(mprotect) *next;

	NEXT("mprotect", next);
	return fails("mprotect") ? -1 : next(address, bytes, protection);
}
