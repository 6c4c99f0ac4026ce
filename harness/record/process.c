/* The beginning and the end of a process. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/record/recording.h"
#include "harness/record/stacks.h"
#include "harness/record/touched.h"
#include "harness/trace/calls.h"
#include "harness/trace/raw.h"

/* It is about to end by itself. */
static void finish(void)
{
	struct recording *of = atomic_load(&recording);
	uint32_t running = RAW_RUNNING;

	/* A child of vfork has our memory, and is not us. */
	if (of == NULL || atomic_load(&of->phase) != RECORDING_ON ||
	    raw_system_call(SYS_getpid, 0, 0, 0, 0, 0, 0) != of->pid)
		return;
	touched_look_at_all(of);
	(void)atomic_compare_exchange_strong(&of->header->end, &running, RAW_EXITED);
}

/* What was mapped stays unused. */
static void forget_in_child(void)
{
	touched_forget();
	stacks_forget();
	atomic_store(&recording, NULL);
}

__attribute__((constructor)) static void begin_process(void)
{
	recording_thread.depth++;
	(void)recording_current();
	if (recording_is_inherited)
		(void)pthread_atfork(NULL, NULL, forget_in_child);
	recording_thread.depth--;
}

__attribute__((destructor)) static void end_process(void)
{
	recording_thread.depth++;
	finish();
	recording_thread.depth--;
}

/* They run no destructors. */
EXPORTED _Noreturn void _exit(int status)
{
	recording_thread.depth++;
	finish();
	for (;;)
		(void)raw_system_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

// NOLINTNEXTLINE(bugprone-reserved-identifier): the C library's
EXPORTED _Noreturn void _Exit(int status)
{
	_exit(status);
}
