/* What the first touch of a page takes, filling it, and giving it back. */
#include <sys/mman.h>
#include <sys/resource.h>

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
	unsigned char *memory = probe_reserve(bytes + slack, PROT_READ | PROT_WRITE, error);
	size_t front;

	if (memory == NULL)
		return NULL;
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
