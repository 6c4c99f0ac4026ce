/*
 * system_calls.h - the system calls that a counting thread makes.
 *
 * The kernel is told to send SIGSYS instead of doing what it was asked (ways.h says how). The
 * handler makes the call itself, from the one place from where calls always pass, and notes it in
 * the thread's account. So a call is seen whoever makes it: an allocator, the C library's own
 * malloc, the program.
 *
 * A SIGSYS that is blocked kills, so a thread that counts does not block it: what blocks all
 * signals (the C library does to create threads and processes) blocks all but SIGSYS.
 */
#ifndef GROWBENCH_HARNESS_TRACE_SYSTEM_CALLS_H
#define GROWBENCH_HARNESS_TRACE_SYSTEM_CALLS_H

/* Why it cannot be done, or NULL if it can. */
const char *system_calls_unavailable(void);

/* How it is done, the name of a way, or NULL if it cannot be. */
const char *system_calls_way(void);

/* From now on the calling thread's calls are seen while account.selector says so; until end, after
 * which it has no effect. At both the calls have to pass. */
void system_calls_begin(void);
void system_calls_end(void);

#endif
