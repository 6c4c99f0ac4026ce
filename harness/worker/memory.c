#include "harness/worker/memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/worker/clock.h"

void *memory_map(size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	/* Neither a part of a huge page of the allocator's, which may map beside it, nor one
	 * itself. Fails where the kernel has none. */
	(void)madvise(memory, bytes, MADV_NOHUGEPAGE);
	return memory;
}

static char why_not[160] = "nothing has failed";

/* Keeps the reason; returns false. */
static bool refused(const char *what, int error)
{
	(void)snprintf(why_not, sizeof why_not, "%s%s%s", what, error == 0 ? "" : ": ",
		       error == 0 ? "" : strerror(error));
	return false;
}

const char *memory_why_not(void)
{
	return why_not;
}

static int map_object(struct dl_phdr_info *object, size_t size, void *data)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)data;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t start = (object->dlpi_addr + segment->p_vaddr) / page * page;
		uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) == 0)
			(void)madvise((void *)start, end - start, MADV_POPULATE_READ);
	}
	return 0;
}

void memory_map_program(void)
{
	(void)dl_iterate_phdr(map_object, NULL);
}

/* The value in kB of a line such as "VmHWM:	    1508 kB" in /proc/self/status, in bytes. */
static bool read_status(const char *key, uint64_t *bytes)
{
	char text[4096];
	ssize_t length;
	const char *line;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return refused("/proc/self/status cannot be read", errno);
	length = read(fd, text, sizeof text - 1);
	(void)close(fd);
	text[length > 0 ? length : 0] = '\0';
	line = strstr(text, key);
	if (line == NULL) {
		char what[64];

		(void)snprintf(what, sizeof what, "/proc/self/status has no %s", key + 1);
		what[strcspn(what, ":")] = '\0';
		return refused(what, 0);
	}
	*bytes = strtoull(line + strlen(key), NULL, 10) * 1024;
	return true;
}

static void touch(unsigned char *memory, size_t bytes, size_t page)
{
	for (size_t i = 0; i < bytes; i += page)
		((volatile unsigned char *)memory)[i] = 1;
}

/* Enough pages that their removal at once exceeds a batch, of 32 pages or 2 for each CPU. */
static size_t batch_pages(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	return cpus > 16 ? 4 * (size_t)cpus : 64;
}

/* The kernel empties a CPU's batch when a change makes it too large, and takes away the pages of a
 * mapping in one change. So a mapping of many pages that goes away leaves the batch of its kind of
 * page empty: here that of anonymous memory and that of files. False without memory. */
static bool empty_batches(double *touch_page_ns)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = batch_pages() * page;
	unsigned char *memory = memory_map(bytes);
	uint64_t start = clock_now_ns();
	Dl_info libc;
	int fd = -1;

	if (memory == NULL)
		return refused("no memory to empty the kernel's batches with", 0);
	touch(memory, bytes, page);
	*touch_page_ns = (double)(clock_now_ns() - start) / (double)batch_pages();
	(void)munmap(memory, bytes);
	/* Any file of that size which is in the page cache will do. */
	if (dladdr(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &libc) != 0)
		fd = open(libc.dli_fname, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	memory = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	(void)close(fd);
	if (memory == MAP_FAILED)
		return refused("no memory to empty the kernel's batches with", 0);
	(void)munmap(memory, bytes);
	return true;
}

bool memory_reset_peak(uint64_t *rss_bytes, double *touch_page_ns)
{
	double touched_ns = 0;
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	const int error = errno;
	/* The price of a page is worth having without a peak. */
	bool reset = empty_batches(&touched_ns);

	if (touch_page_ns != NULL)
		*touch_page_ns = touched_ns;
	if (fd < 0)
		return refused("/proc/self/clear_refs cannot be opened", error);
	if (reset && write(fd, "5", 1) != 1)
		reset = refused("/proc/self/clear_refs cannot be written", errno);
	(void)close(fd);
	return reset && read_status("\nVmRSS:", rss_bytes);
}

int memory_open_resident(void)
{
	return open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

bool memory_resident(int fd, uint64_t *rss_bytes)
{
	char text[128];
	ssize_t length = pread(fd, text, sizeof text - 1, 0);
	char *end;

	if (length <= 0)
		return false;
	text[length] = '\0';
	/* "size resident ...", in pages. */
	(void)strtoull(text, &end, 10);
	*rss_bytes = strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

bool memory_peak(uint64_t *peak_bytes)
{
	return read_status("\nVmHWM:", peak_bytes);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

bool memory_peak_of_mapping(size_t bytes, bool over, uint64_t *peak_bytes)
{
	uint64_t before;
	uint64_t peak = 0;
	unsigned char *memory;
	bool ok;

	if (!memory_reset_peak(&before, NULL))
		return false;
	memory = memory_map(bytes);
	if (memory == NULL)
		return refused("no memory to read a known peak of", 0);
	touch(memory, bytes, (size_t)sysconf(_SC_PAGESIZE));
	if (over)
		(void)munmap(memory, bytes);
	ok = memory_peak(&peak);
	if (!over)
		(void)munmap(memory, bytes);
	*peak_bytes = peak > before ? peak - before : 0;
	return ok;
}

bool memory_resolution(uint64_t *resolution_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t most = batch_pages();

	*resolution_bytes = 0;
	for (size_t pages = most; pages < 2 * most; pages++) {
		for (int over = 0; over <= 1; over++) {
			uint64_t reading;
			uint64_t error;

			if (!memory_peak_of_mapping(pages * page, over == 1, &reading))
				return false;
			error = distance(reading, pages * page);
			if (error > *resolution_bytes)
				*resolution_bytes = error;
		}
	}
	return true;
}
