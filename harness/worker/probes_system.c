/* Pages and mappings, and calls of the system. */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/worker/clock.h"
#include "harness/worker/huge_pages.h"
#include "harness/worker/probe_values.h"

/* Of huge pages, so much is touched at once, or one of them: more than most caches hold, since a
 * process is given pages that nobody has used for a while. */
#define HUGE_TOUCHED_BYTES ((size_t)128 << 20)

enum {
	LONG_ENOUGH_NS = 400 * 1000
};

/* What of a page's life is to be timed. */
enum counted {
	COUNTED_TOUCH,
	COUNTED_FILL, /* after the touch of this page, and before that of the next */
	COUNTED_GIVING_BACK,
	COUNTED_KINDS
};

struct pages {
	size_t page_bytes;
	size_t distance; /* from one to the next */
	size_t count;
	bool huge;
	enum counted counted;
	uint64_t taken_ns[COUNTED_KINDS];
};

static void *map(size_t bytes, int protection)
{
	void *memory = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static enum probe_status no_mapping(size_t bytes, struct error *error)
{
	(void)error_set(error, "no address space for %zu bytes to probe", bytes);
	return PROBE_FAILED;
}

static uint64_t faults_so_far(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt;
}

/* Writes to each page at `offset`. */
static void touch_pages(unsigned char *memory, const struct pages *pages, size_t offset)
{
	for (size_t page = 0; page < pages->count; page++)
		((volatile unsigned char *)memory)[page * pages->distance + offset] = 1;
}

/* Huge pages are asked for one by one: between those that have gaps no larger one can lie. Fails
 * where the kernel knows none, which is noticed later or does not matter. */
static void choose_page_size(unsigned char *memory, const struct pages *pages)
{
	if (!pages->huge || pages->distance > pages->page_bytes)
		(void)madvise(memory, pages->count * pages->distance, MADV_NOHUGEPAGE);
	for (size_t page = 0; pages->huge && page < pages->count; page++)
		(void)madvise(memory + page * pages->distance, pages->page_bytes, MADV_HUGEPAGE);
}

/* A new mapping of the pages, aligned to their size; huge ones are asked for or forbidden. */
static unsigned char *map_pages(const struct pages *pages, struct error *error)
{
	const size_t bytes = pages->count * pages->distance;
	const size_t slack = pages->huge ? pages->page_bytes : 0;
	unsigned char *memory = map(bytes + slack, PROT_READ | PROT_WRITE);
	size_t front;

	if (memory == NULL) {
		(void)no_mapping(bytes, error);
		return NULL;
	}
	front = slack - (uintptr_t)memory % pages->page_bytes;
	if (pages->huge && front > 0)
		(void)munmap(memory, front);
	if (pages->huge && front < slack)
		(void)munmap(memory + front + bytes, slack - front);
	memory += pages->huge ? front : 0;
	choose_page_size(memory, pages);
	return memory;
}

/* Each page touched and filled, with a reading of the clock in between. */
static void touch_and_fill(unsigned char *memory, struct pages *pages)
{
	for (size_t page = 0; page < pages->count; page++) {
		unsigned char *place = memory + page * pages->distance;
		uint64_t start;

		*(volatile unsigned char *)place = 1;
		start = clock_now_ns();
		probe_store_lines(place, pages->page_bytes, page);
		pages->taken_ns[COUNTED_FILL] += clock_now_ns() - start;
	}
}

/* One mapping, touched and given back; adds the times of both. A second touch, at the other end of
 * each page, takes no fault if the page is as large as it should be, and filling it takes none. */
static enum probe_status touch_and_give_back(struct pages *pages, struct error *error)
{
	const size_t bytes = pages->count * pages->distance;
	unsigned char *memory = map_pages(pages, error);
	uint64_t faults[3];
	uint64_t start;

	if (memory == NULL)
		return PROBE_FAILED;
	faults[0] = faults_so_far();
	start = clock_now_ns();
	if (pages->counted == COUNTED_FILL)
		touch_and_fill(memory, pages);
	else
		touch_pages(memory, pages, 0);
	pages->taken_ns[COUNTED_TOUCH] += clock_now_ns() - start;
	faults[1] = faults_so_far();
	touch_pages(memory, pages, pages->page_bytes - 1);
	faults[2] = faults_so_far();
	start = clock_now_ns();
	(void)munmap(memory, bytes);
	pages->taken_ns[COUNTED_GIVING_BACK] += clock_now_ns() - start;

	if (faults[1] - faults[0] < pages->count || faults[2] - faults[0] >= 2 * pages->count) {
		(void)error_set(error,
				"not available: for %zu pages of %zu bytes the kernel gave others "
				"(see /sys/kernel/mm/transparent_hugepage/enabled)",
				pages->count, pages->page_bytes);
		return PROBE_UNAVAILABLE;
	}
	return PROBE_OK;
}

static enum probe_status time_pages(void *context, double *ns, struct error *error)
{
	struct pages *pages = context;
	size_t count = 0;

	for (int kind = 0; kind < COUNTED_KINDS; kind++)
		pages->taken_ns[kind] = 0;
	/* The others are shorter; their values may be shorter too. */
	while (pages->taken_ns[COUNTED_TOUCH] < LONG_ENOUGH_NS) {
		enum probe_status status = touch_and_give_back(pages, error);

		if (status != PROBE_OK)
			return status;
		count += pages->count;
	}
	*ns = (double)pages->taken_ns[pages->counted] / (double)count;
	return PROBE_OK;
}

static enum probe_status probe_pages(size_t bytes, enum counted counted,
				     struct probe_result *result, struct error *error)
{
	const size_t page = probe_page_bytes();
	struct pages pages = {
		.page_bytes = page,
		.distance = page,
		.count = bytes / page,
		.counted = counted,
	};

	if (pages.count == 0 || bytes % page != 0) {
		(void)error_set(error,
				"not available: %zu bytes are no whole number of pages of "
				"%zu bytes",
				bytes, page);
		return PROBE_UNAVAILABLE;
	}
	return probe_take(time_pages, &pages, result, error);
}

enum probe_status probe_touch(size_t bytes, struct probe_result *result, struct error *error)
{
	return probe_pages(bytes, COUNTED_TOUCH, result, error);
}

enum probe_status probe_untouch(size_t bytes, struct probe_result *result, struct error *error)
{
	return probe_pages(bytes, COUNTED_GIVING_BACK, result, error);
}

static enum probe_status probe_huge_pages(size_t bytes, enum counted counted,
					  struct probe_result *result, struct error *error)
{
	const size_t largest = huge_pages_largest("");
	struct pages pages = {
		.page_bytes = bytes,
		.distance = bytes < largest ? 2 * bytes : bytes,
		.count = bytes < HUGE_TOUCHED_BYTES ? HUGE_TOUCHED_BYTES / bytes : 1,
		.huge = true,
		.counted = counted,
	};

	if (bytes <= probe_page_bytes() || (bytes & (bytes - 1)) != 0 || bytes > largest) {
		(void)error_set(error,
				"not available: %zu bytes are no size of a huge page (see "
				"/sys/kernel/mm/transparent_hugepage)",
				bytes);
		return PROBE_UNAVAILABLE;
	}
	return probe_take(time_pages, &pages, result, error);
}

enum probe_status probe_touch_huge(size_t bytes, struct probe_result *result, struct error *error)
{
	return probe_huge_pages(bytes, COUNTED_TOUCH, result, error);
}

enum probe_status probe_fill_huge(size_t bytes, struct probe_result *result, struct error *error)
{
	return probe_huge_pages(bytes, COUNTED_FILL, result, error);
}

enum probe_status probe_untouch_huge(size_t bytes, struct probe_result *result, struct error *error)
{
	return probe_huge_pages(bytes, COUNTED_GIVING_BACK, result, error);
}

/* How an operation that can fail tells so, without a branch to an error in the timed loop. */
struct mapping {
	size_t bytes;
	unsigned char *place;
	unsigned char *other;
	uint64_t failures;
};

static enum probe_status report_failures(const struct mapping *mapping, const char *call,
					 enum probe_status status, struct error *error)
{
	if (status != PROBE_OK || mapping->failures == 0)
		return status;
	(void)error_set(error, "not available: %s of %zu bytes is refused", call, mapping->bytes);
	return PROBE_UNAVAILABLE;
}

static void map_and_unmap(void *context, uint64_t count)
{
	struct mapping *mapping = context;

	while (count-- > 0) {
		void *memory = map(mapping->bytes, PROT_READ | PROT_WRITE);

		mapping->failures += memory == NULL || munmap(memory, mapping->bytes) != 0;
	}
}

enum probe_status probe_mmap_munmap(size_t bytes, struct probe_result *result, struct error *error)
{
	struct mapping mapping = {.bytes = probe_whole_pages(bytes)};

	return report_failures(&mapping, "mmap",
			       probe_repeat(map_and_unmap, &mapping, result, error), error);
}

static void move_to_and_fro(void *context, uint64_t count)
{
	struct mapping *mapping = context;

	while (count-- > 0) {
		unsigned char *place = mapping->place;

		if (mremap(place, mapping->bytes, mapping->bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			   mapping->other) == MAP_FAILED) {
			mapping->failures++;
			continue;
		}
		mapping->place = mapping->other;
		mapping->other = place;
	}
}

/* To an address that is free, as a mapping is moved that cannot grow where it is. It was ours
 * before, and nobody else maps anything meanwhile. Its distance is an odd number of pages, so that
 * no whole page tables can be moved, as malloc's never can. */
enum probe_status probe_mremap(size_t bytes, struct probe_result *result, struct error *error)
{
	const size_t page = probe_page_bytes();
	struct mapping mapping = {.bytes = probe_whole_pages(bytes)};
	unsigned char *memory = map(2 * mapping.bytes + page, PROT_READ | PROT_WRITE);
	enum probe_status status;

	if (memory == NULL)
		return no_mapping(mapping.bytes, error);
	(void)madvise(memory, mapping.bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < mapping.bytes; i += page)
		((volatile unsigned char *)memory)[i] = 1;
	mapping.place = memory;
	mapping.other = memory + mapping.bytes + page;
	(void)munmap(mapping.other, mapping.bytes);
	status = probe_repeat(move_to_and_fro, &mapping, result, error);
	(void)munmap(memory, 2 * mapping.bytes + page);
	return report_failures(&mapping, "mremap", status, error);
}

enum {
	STEPS = 256
};

/* From one step to STEPS + 1 in free address space. */
static enum probe_status time_growing(void *context, double *ns, struct error *error)
{
	const size_t bytes = *(const size_t *)context;
	unsigned char *memory = map((STEPS + 1) * bytes, PROT_READ | PROT_WRITE);
	bool grown = true;
	uint64_t start;

	if (memory == NULL)
		return no_mapping((STEPS + 1) * bytes, error);
	*(volatile unsigned char *)memory = 1;
	(void)munmap(memory + bytes, STEPS * bytes);
	start = clock_now_ns();
	for (size_t step = 1; step <= STEPS; step++)
		grown &= mremap(memory, step * bytes, (step + 1) * bytes, 0) == memory;
	*ns = (double)(clock_now_ns() - start) / STEPS;
	(void)munmap(memory, (STEPS + 1) * bytes);
	if (!grown) {
		(void)error_set(error, "not available: mremap cannot grow a mapping where it is");
		return PROBE_UNAVAILABLE;
	}
	return PROBE_OK;
}

enum probe_status probe_mremap_grow(size_t bytes, struct probe_result *result, struct error *error)
{
	size_t step = probe_whole_pages(bytes);

	return probe_take(time_growing, &step, result, error);
}

static void grow_and_shrink(void *context, uint64_t count)
{
	struct mapping *mapping = context;
	const intptr_t bytes = (intptr_t)mapping->bytes;

	while (count-- > 0)
		mapping->failures += sbrk(bytes) == (void *)-1 || sbrk(-bytes) == (void *)-1;
}

/* The break is back where it was before malloc, whose heap it may be, is called again. */
enum probe_status probe_brk(size_t bytes, struct probe_result *result, struct error *error)
{
	struct mapping mapping = {.bytes = probe_whole_pages(bytes)};

	return report_failures(&mapping, "brk",
			       probe_repeat(grow_and_shrink, &mapping, result, error), error);
}

/* Step after step of a reservation, of which the front is writable already. */
static enum probe_status time_committing(void *context, double *ns, struct error *error)
{
	const size_t bytes = *(const size_t *)context;
	unsigned char *memory = map((STEPS + 1) * bytes, PROT_NONE);
	int failed;
	uint64_t start;

	if (memory == NULL)
		return no_mapping((STEPS + 1) * bytes, error);
	failed = mprotect(memory, bytes, PROT_READ | PROT_WRITE);
	start = clock_now_ns();
	for (size_t step = 1; step <= STEPS; step++)
		failed |= mprotect(memory + step * bytes, bytes, PROT_READ | PROT_WRITE);
	*ns = (double)(clock_now_ns() - start) / STEPS;
	(void)munmap(memory, (STEPS + 1) * bytes);
	if (failed != 0) {
		(void)error_set(error, "not available: mprotect of %zu bytes is refused", bytes);
		return PROBE_UNAVAILABLE;
	}
	return PROBE_OK;
}

enum probe_status probe_mprotect(size_t bytes, struct probe_result *result, struct error *error)
{
	size_t step = probe_whole_pages(bytes);

	return probe_take(time_committing, &step, result, error);
}

static void call_system(void *context, uint64_t count)
{
	(void)context;
	while (count-- > 0)
		(void)syscall(SYS_getppid);
}

enum probe_status probe_system_call(size_t bytes, struct probe_result *result, struct error *error)
{
	(void)bytes;
	return probe_repeat(call_system, NULL, result, error);
}

static void read_clock(void *context, uint64_t count)
{
	(void)context;
	while (count-- > 0) {
		const uint64_t now = clock_now_ns();

		probe_use(&now);
	}
}

enum probe_status probe_clock(size_t bytes, struct probe_result *result, struct error *error)
{
	(void)bytes;
	return probe_repeat(read_clock, NULL, result, error);
}
