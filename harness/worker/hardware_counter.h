/*
 * hardware_counter.h - user instructions of this process as the processor counts them
 * (perf_event_open(2), PERF_COUNT_HW_INSTRUCTIONS): neither the kernel's nor a hypervisor's, but
 * those of threads that are started later.
 *
 * A count in which the kernel let the counter run for a part of the time only (multiplexing) is
 * none.
 */
#ifndef GROWBENCH_HARNESS_WORKER_HARDWARE_COUNTER_H
#define GROWBENCH_HARNESS_WORKER_HARDWARE_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"

struct hardware_counter {
	int fd;         /* below 0: nothing is counted, and why_not says why */
	uint64_t since; /* what it stood at when counting was last resumed */
	uint64_t count; /* counted so far, pauses left out */
	struct error why_not;
};

/* Opens it, paused and at 0; what goes wrong here or later is in why_not in the end. */
void hardware_counter_open(struct hardware_counter *counter);

/* From here on, and up to here. Each takes a system call: some hundred instructions of this process
 * are counted beside. */
void hardware_counter_resume(struct hardware_counter *counter);
void hardware_counter_pause(struct hardware_counter *counter);

/* What was counted since it was opened or last taken; false if that is not known. */
bool hardware_counter_take(struct hardware_counter *counter, uint64_t *count);

void hardware_counter_close(struct hardware_counter *counter);

/* What a read of the descriptor gives (read_format of perf_event_open(2)). */
struct hardware_reading {
	uint64_t value;
	uint64_t enabled_ns;
	uint64_t running_ns;
};

/* Is it a count of the whole time? Otherwise *error says what it is. */
bool hardware_reading_is_whole(const struct hardware_reading *reading, struct error *error);

#endif
