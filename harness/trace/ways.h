/*
 * ways.h - how the kernel is made to send SIGSYS instead of doing what a thread asks of it.
 *
 * Whichever it is, calls from raw_allowed_start on always pass (raw.h), and the handler of
 * system_calls.c does the rest. It is installed, and SIGSYS not blocked, before any of these
 * begins.
 */
#ifndef GROWBENCH_HARNESS_TRACE_WAYS_H
#define GROWBENCH_HARNESS_TRACE_WAYS_H

struct way {
	const char *name;
	const char *why_not; /* what to say, before the kernel's error, where it does not work */

	/* From now on the calling thread's calls are sent; returns 0 or -errno. May be said again.
	 */
	long (*begin)(void);
	/* They need not be any longer. */
	void (*end)(void);
};

/* Syscall User Dispatch (Linux 5.11, x86-64): all calls, while account.selector says so. */
extern const struct way way_user_dispatch;

/*
 * A seccomp filter (all architectures that have it): the calls that are counted, and those that
 * would block SIGSYS or take its handler away. It cannot be removed again, and the threads and
 * processes that the thread makes have it too: so they are sent always, and what is not to be
 * counted is only made. A process with the filter cannot start another program, in which nobody
 * would handle the signal: execve is refused (EPERM).
 */
extern const struct way way_seccomp;

#endif
