#include "harness/trace/tests/failing_map.h"

#include <stddef.h>

void *__real_raw_map(size_t bytes);
void *__wrap_raw_map(size_t bytes);

static unsigned left;
static bool and_all_after;
static unsigned failed;

void failing_map_fail(unsigned nth, bool all)
{
	left = nth;
	and_all_after = all;
	failed = 0;
}

unsigned failing_map_failed(void)
{
	return failed;
}

void *__wrap_raw_map(size_t bytes)
{
	if (left == 1) {
		left = and_all_after ? 1 : 0;
		failed++;
		return NULL;
	}
	if (left > 1)
		left--;
	return __real_raw_map(bytes);
}
