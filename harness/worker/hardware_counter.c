#include "harness/worker/hardware_counter.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void hardware_counter_open(struct hardware_counter *counter)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof attributes,
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
		.inherit = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	memset(counter, 0, sizeof *counter);
	counter->fd =
		(int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (counter->fd >= 0)
		return;
	(void)error_set(&counter->why_not, "perf_event_open: %s%s", strerror(errno),
			errno == ENOENT   ? ": this processor or its virtual machine counts none"
			: errno == EACCES ? ": see kernel.perf_event_paranoid"
					  : "");
}

bool hardware_reading_is_whole(const struct hardware_reading *reading, struct error *error)
{
	if (reading->running_ns == 0)
		return error_set(error, "the processor's counter never ran");
	return reading->running_ns == reading->enabled_ns ||
	       error_set(error,
			 "the processor's counter was shared with others: it ran for %" PRIu64
			 " of %" PRIu64 " ns",
			 reading->running_ns, reading->enabled_ns);
}

/* Where it stands; after a failure nothing is counted any more. */
static uint64_t stand(struct hardware_counter *counter)
{
	struct hardware_reading reading = {0};

	if (read(counter->fd, &reading, sizeof reading) != sizeof reading)
		(void)error_set(&counter->why_not, "the processor's counter cannot be read: %s",
				strerror(errno));
	else if (hardware_reading_is_whole(&reading, &counter->why_not))
		return reading.value;
	hardware_counter_close(counter);
	return 0;
}

void hardware_counter_resume(struct hardware_counter *counter)
{
	/* Other threads may come here as well, with nothing to count. */
	if (counter->fd >= 0)
		counter->since = stand(counter);
}

void hardware_counter_pause(struct hardware_counter *counter)
{
	if (counter->fd >= 0)
		counter->count += stand(counter) - counter->since;
}

bool hardware_counter_take(struct hardware_counter *counter, uint64_t *count)
{
	*count = counter->count;
	counter->count = 0;
	return counter->fd >= 0;
}

void hardware_counter_close(struct hardware_counter *counter)
{
	if (counter->fd >= 0)
		(void)close(counter->fd);
	counter->fd = -1;
}
