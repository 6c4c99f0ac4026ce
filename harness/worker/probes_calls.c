/* Mappings, other calls of the system, and the processor's own speed. */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/worker/clock.h"
#include "harness/worker/probe_values.h"

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
		void *memory = mmap(NULL, mapping->bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		mapping->failures += memory == MAP_FAILED || munmap(memory, mapping->bytes) != 0;
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
	unsigned char *memory =
		probe_reserve(2 * mapping.bytes + page, PROT_READ | PROT_WRITE, error);
	enum probe_status status;

	if (memory == NULL)
		return PROBE_FAILED;
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
	unsigned char *memory = probe_reserve((STEPS + 1) * bytes, PROT_READ | PROT_WRITE, error);
	bool grown = true;
	uint64_t start;

	if (memory == NULL)
		return PROBE_FAILED;
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
	unsigned char *memory = probe_reserve((STEPS + 1) * bytes, PROT_NONE, error);
	int failed;
	uint64_t start;

	if (memory == NULL)
		return PROBE_FAILED;
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

/* Both numbers are in registers: some processors add constants without taking time for it. */
static inline uint64_t add(uint64_t sum, uint64_t step)
{
	sum += step;
	__asm__ volatile("" : "+r"(sum));
	return sum;
}

enum {
	ADDITIONS = 8
};

/* Each addition needs the result of the one before, so that no two are done at once; what the loop
 * takes is done beside them. */
static void add_up(void *context, uint64_t count)
{
	uint64_t step = 3;
	uint64_t sum = 0;

	(void)context;
	__asm__ volatile("" : "+r"(step));
	while (count-- > 0) {
		sum = add(add(add(add(sum, step), step), step), step);
		sum = add(add(add(add(sum, step), step), step), step);
	}
	probe_use(&sum);
}

enum probe_status probe_instruction(size_t bytes, struct probe_result *result, struct error *error)
{
	const enum probe_status status = probe_repeat(add_up, NULL, result, error);

	(void)bytes;
	result->probe_ns /= ADDITIONS;
	result->min_ns /= ADDITIONS;
	return status;
}
