/*
 * defects - preloaded into a worker, it plants the defect that the variable DEFECT names. For
 * harness/tests/test_selftest.py: what make selftest has to find.
 */
#include <dlfcn.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/trace/trace.h"

static bool has(const char *defect)
{
	const char *const planted = getenv("DEFECT");

	return planted != NULL && strcmp(planted, defect) == 0;
}

/* no_reset: what is written to clear_refs does nothing, and seems to succeed. */
ssize_t write(int fd, const void *bytes, size_t count)
{
	char link[32];
	char path[64];
	ssize_t length;

	if (has("no_reset")) {
		(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		length = readlink(link, path, sizeof path - 1);
		path[length < 0 ? 0 : length] = '\0';
		if (strstr(path, "clear_refs") != NULL)
			return (ssize_t)count;
	}
	return syscall(SYS_write, fd, bytes, count);
}

/* maxrss: what is read of VmHWM is ru_maxrss, which comes from the parent. */
ssize_t read(int fd, void *bytes, size_t count)
{
	const ssize_t length = syscall(SYS_read, fd, bytes, count);
	struct rusage usage;
	char figure[16];
	char *line;

	if (!has("maxrss") || length <= 0 || (size_t)length == count)
		return length;
	((char *)bytes)[length] = '\0';
	line = strstr(bytes, "VmHWM:\t");
	if (line == NULL || syscall(SYS_getrusage, RUSAGE_SELF, &usage) != 0)
		return length;
	/* The kernel's width of the figure. */
	(void)snprintf(figure, sizeof figure, "%8ld", usage.ru_maxrss);
	memcpy(line + strlen("VmHWM:\t"), figure, strlen(figure));
	return length;
}

/* fault_off: each reading has a page fault more than there was. */
int getrusage(__rusage_who_t who, struct rusage *usage)
{
	static long readings;
	const long status = syscall(SYS_getrusage, who, usage);

	if (status == 0 && has("fault_off"))
		usage->ru_minflt += ++readings;
	return (int)status;
}

static void shift(struct timespec *time, long long ns)
{
	const long long all = (long long)time->tv_sec * 1000000000 + time->tv_nsec + ns;

	time->tv_sec = all / 1000000000;
	time->tv_nsec = all % 1000000000;
}

/*
 * clock_back: the clock of every other CPU is 50 us behind.
 * clock_coarse: it counts in steps of 4 ms.
 * clock_fast: it is four times as fast.
 */
int clock_gettime(clockid_t clock, struct timespec *time)
{
	const long status = syscall(SYS_clock_gettime, clock, time);

	if (status != 0 || clock != CLOCK_MONOTONIC)
		return (int)status;
	if (has("clock_back") && sched_getcpu() % 2 == 1)
		shift(time, -50000);
	if (has("clock_coarse"))
		time->tv_nsec -= time->tv_nsec % 4000000;
	if (has("clock_fast"))
		shift(time, 3 * ((long long)time->tv_sec * 1000000000 + time->tv_nsec));
	return 0;
}

/* ---- trace_off: the interposer counts one malloc too many ---- */

static void (*real_stop)(struct trace_counts *counts);

static void stop(struct trace_counts *counts)
{
	real_stop(counts);
	counts->malloc_count++;
}

/* In the interposer's own table, for a worker takes no other object's. */
__attribute__((constructor)) static void plant(void)
{
	struct trace *const trace = dlsym(RTLD_DEFAULT, TRACE_SYMBOL);
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t start = (uintptr_t)trace / page * page;

	if (trace == NULL || !has("trace_off") ||
	    mprotect((void *)start, (uintptr_t)(trace + 1) - start, PROT_READ | PROT_WRITE) != 0)
		return;
	real_stop = trace->stop;
	trace->stop = stop;
}
