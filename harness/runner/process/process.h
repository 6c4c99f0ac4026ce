/*
 * process.h - runs a worker and waits for it.
 */
#ifndef GROWBENCH_HARNESS_PROCESS_H
#define GROWBENCH_HARNESS_PROCESS_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/common/report.h"

/* The descriptors on which a worker finds its report's pipe, and its partner of a duet. */
enum {
	PROCESS_REPORT_FD = 3,
	PROCESS_PARTNER_FD = 4
};

struct process_request {
	const char *const *arguments;   /* [0] is the program's path; NULL-terminated */
	const char *const *environment; /* all of it; NULL-terminated */
	uint64_t timeout_ns;
	const cpu_set_t *cpus; /* that it may run on, from its very start; NULL: as we may */
	/* What it gets as PROCESS_PARTNER_FD, above that number; closed here as soon as it has it,
	 * and set to -1. NULL: it gets none. */
	int *partner_fd;
	/* Kill the process as soon as this is `kill_at` or more; for a second Ctrl-C. Not NULL. */
	const volatile sig_atomic_t *interrupts;
	int kill_at;
};

enum process_end {
	PROCESS_EXITED,    /* code: its exit status */
	PROCESS_SIGNALLED, /* code: the signal */
	PROCESS_TIMED_OUT,
	PROCESS_INTERRUPTED,
};

struct process_result {
	enum process_end end;
	int code;
	uint64_t wall_ns;  /* from before the start to after the end */
	uint64_t alive_ns; /* of it, from when it was started to when it had ended */
	size_t report_length;
	bool report_too_long;
	char report[REPORT_MAX_BYTES];
	size_t message_length; /* the beginning of what it wrote to stderr */
	char message[2048];
};

/*
 * Starts the program with /dev/null as stdin and stdout, stderr and PROCESS_REPORT_FD as pipes to
 * us, its partner's descriptor if it has one and no other, in a process group of its own, without a
 * shell; then waits until it has ended. What it left behind, in its group or out of it, is killed,
 * always: we are made the subreaper (prctl(2)) of all that it starts, and the main thread may have
 * no other children. Either that thread calls it or others do, several at once: their children are
 * their own, and only orphans the main thread's, so what is killed as one program ends may be what
 * another has left behind, but is never a program. False with a message if it could not be started.
 * Prints nothing, and leaves no descriptor open and no child unreaped. An interrupted system call
 * is resumed: a signal does not end the wait but through `interrupts`.
 */
bool process_run(const struct process_request *request, struct process_result *result,
		 struct error *error);

/* ": " and the first line that it wrote to stderr, as much as fits, in `text`; "" if it wrote none.
 */
const char *process_first_message(const struct process_result *result, char *text, size_t size);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t process_now_ns(void);

#endif
