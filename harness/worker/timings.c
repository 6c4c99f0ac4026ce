#include "harness/worker/timings.h"

#include <math.h>
#include <string.h>

#include "harness/common/median.h"
#include "harness/worker/memory.h"

double timings_clock_ns(void)
{
	enum {
		BATCHES = 11,
		READINGS = 16
	};
	double ns[BATCHES];

	for (int batch = 0; batch < BATCHES; batch++) {
		const uint64_t start = clock_now_ns();

		for (int i = 1; i < READINGS; i++)
			(void)clock_now_ns();
		ns[batch] = (double)(clock_now_ns() - start) / READINGS;
	}
	return median(ns, BATCHES);
}

bool timings_prepare(struct timings *timings, uint64_t iterations, unsigned values, double clock_ns)
{
	/* For one more than there can be, so that it is not full before, and even, as neighbours
	 * are joined when it is. */
	const size_t room = iterations < TIMINGS_MOST / values ? (iterations * values + 2) / 2 * 2
							       : TIMINGS_MOST;

	*timings = (struct timings){0};
	timings->ns = memory_map(room * sizeof *timings->ns);
	if (timings->ns == NULL)
		return false;
	/* Touched, or there would be page faults in what is timed. */
	memset(timings->ns, 0, room * sizeof *timings->ns);
	timings->room = room;
	timings->most = iterations;
	timings->batch = 1;
	timings->shortest = (uint64_t)ceil(clock_ns * TIMINGS_CLOCK_COSTS);
	return true;
}

static void join_neighbours(struct timings *timings)
{
	timings->count /= 2;
	for (size_t i = 0; i < timings->count; i++)
		timings->ns[i] = timings->ns[2 * i] + timings->ns[2 * i + 1];
	timings->batch *= 2;
}

void timings_add(struct timings *timings, uint64_t ns)
{
	if (timings->count < TIMINGS_SETTLING && ns < timings->shortest &&
	    timings->batch < timings->most) {
		timings->count = 0;
		timings->batch =
			timings->batch <= timings->most / 2 ? 2 * timings->batch : timings->most;
		return;
	}
	timings->ns[timings->count++] = ns;
	if (timings->count == timings->room)
		join_neighbours(timings);
}

void timings_end(struct timings *timings, const double *value_ns, unsigned values)
{
	if (timings->count > 0 || timings->ns == NULL)
		return;
	timings->batch = timings->most;
	for (unsigned i = 0; i < values; i++)
		timings->ns[timings->count++] =
			(uint64_t)llround(value_ns[i] * (double)timings->most);
}

/* Heapsort (J. W. J. Williams, 1964): the largest of ns[0..count) to where the heap's root belongs.
 */
static void sift_down(uint64_t *ns, size_t root, size_t count)
{
	const uint64_t value = ns[root];

	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count && ns[child + 1] > ns[child])
			child++;
		if (ns[child] <= value)
			break;
		ns[root] = ns[child];
	}
	ns[root] = value;
}

void timings_sort(struct timings *timings)
{
	uint64_t *ns = timings->ns;

	for (size_t root = timings->count / 2; root-- > 0;)
		sift_down(ns, root, timings->count);
	for (size_t end = timings->count; end-- > 1;) {
		const uint64_t largest = ns[0];

		ns[0] = ns[end];
		ns[end] = largest;
		sift_down(ns, 0, end);
	}
}

double timings_quantile(const struct timings *timings, double share)
{
	const double place = share * (double)(timings->count - 1);
	const size_t below = (size_t)place;
	const size_t above = below + 1 < timings->count ? below + 1 : below;
	const double low = (double)timings->ns[below];
	const double high = (double)timings->ns[above];

	return (low + (place - (double)below) * (high - low)) / (double)timings->batch;
}
