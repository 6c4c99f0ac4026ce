#include "harness/worker/probe_values.h"

#include <sys/mman.h>
#include <unistd.h>

#include "harness/common/median.h"
#include "harness/worker/clock.h"

enum {
	LEAST_VALUES = 7,
	VALUE_NS = 400 * 1000,
	ALL_VALUES_NS = 20 * 1000 * 1000
};

enum probe_status probe_take(enum probe_status (*value)(void *context, double *ns,
							struct error *error),
			     void *context, struct probe_result *result, struct error *error)
{
	double values[PROBE_MAX_VALUES];
	unsigned count = 0;
	enum probe_status status = value(context, &values[0], error);
	const uint64_t start = clock_now_ns();

	while (status == PROBE_OK && count < PROBE_MAX_VALUES &&
	       (count < LEAST_VALUES || clock_now_ns() - start < ALL_VALUES_NS))
		status = value(context, &values[count++], error);
	if (status != PROBE_OK)
		return status;
	result->probe_ns = median(values, count);
	result->min_ns = values[0];
	result->value_count = count;
	return PROBE_OK;
}

struct repetition {
	void (*operations)(void *context, uint64_t count);
	void *context;
	uint64_t count;
};

static uint64_t time_operations(const struct repetition *repetition)
{
	const uint64_t start = clock_now_ns();

	repetition->operations(repetition->context, repetition->count);
	return clock_now_ns() - start;
}

static enum probe_status take_repetition(void *context, double *ns, struct error *error)
{
	const struct repetition *repetition = context;

	(void)error;
	*ns = (double)time_operations(repetition) / (double)repetition->count;
	return PROBE_OK;
}

enum probe_status probe_repeat(void (*operations)(void *context, uint64_t count), void *context,
			       struct probe_result *result, struct error *error)
{
	struct repetition repetition = {operations, context, 1};

	/* The least of two, lest an interruption makes for values that are too short. */
	for (;;) {
		const uint64_t first_ns = time_operations(&repetition);
		const uint64_t second_ns = time_operations(&repetition);

		if (first_ns >= VALUE_NS && second_ns >= VALUE_NS)
			break;
		repetition.count *= 2;
	}
	return probe_take(take_repetition, &repetition, result, error);
}

size_t probe_page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

size_t probe_whole_pages(size_t bytes)
{
	const size_t page = probe_page_bytes();

	return (bytes + page - 1) / page * page;
}

void *probe_reserve(size_t bytes, int protection, struct error *error)
{
	void *memory = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		return memory;
	(void)error_set(error, "no address space for %zu bytes to probe", bytes);
	return NULL;
}

void *probe_map(size_t bytes, struct error *error)
{
	const size_t page = probe_page_bytes();
	unsigned char *memory = probe_reserve(bytes, PROT_READ | PROT_WRITE, error);

	if (memory == NULL)
		return NULL;
	(void)madvise(memory, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < bytes; i += page)
		((volatile unsigned char *)memory)[i] = 1;
	return memory;
}
