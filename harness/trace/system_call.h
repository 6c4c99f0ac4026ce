/*
 * system_call.h - what a call of the system that was seen says about memory.
 */
#ifndef GROWBENCH_HARNESS_TRACE_SYSTEM_CALL_H
#define GROWBENCH_HARNESS_TRACE_SYSTEM_CALL_H

struct system_call {
	long number;
	long arguments[6];
	long result;
	long break_before; /* of brk */
};

/* Counts it for the calling thread, and tells mappings.h, unless it failed or is of another kind.
 */
void system_call_note(const struct system_call *call);

#endif
