#include "harness/trace/system_calls.h"

#include <stddef.h>

#include "harness/trace/raw.h"

#if defined(RAW_ALLOWED_BYTES)

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/trace/account.h"
#include "harness/trace/lock.h"
#include "harness/trace/registers.h"
#include "harness/trace/system_call.h"
#include "harness/trace/ways.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif

#define SIGSYS_BIT (UINT64_C(1) << (SIGSYS - 1))

/* As the kernel knows it: the C library's sigaction puts its own restorer into it. */
struct kernel_sigaction {
	void (*handler)(int signal, siginfo_t *info, void *context);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

#define KERNEL_SA_RESTORER 0x04000000UL

/* The first that works is taken. */
static const struct way *const all_ways[] = {&way_user_dispatch, &way_seccomp, NULL};

static long make(const struct system_call *call)
{
	const long *a = call->arguments;

	return raw_system_call(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/*
 * Returning from the handler would undo a change of the signal mask, so it is done to the mask that
 * is returned to; and SIGSYS stays out of it.
 */
static long change_mask(const long *arguments, ucontext_t *context)
{
	const uint64_t *set = (const uint64_t *)arguments[1];
	uint64_t *old = (uint64_t *)arguments[2];
	uint64_t before;
	uint64_t mask;

	if (arguments[3] != sizeof mask)
		return -EINVAL;
	memcpy(&before, &context->uc_sigmask, sizeof before);
	mask = before;
	if (set != NULL && arguments[0] == SIG_BLOCK)
		mask |= *set;
	else if (set != NULL && arguments[0] == SIG_UNBLOCK)
		mask &= ~*set;
	else if (set != NULL && arguments[0] == SIG_SETMASK)
		mask = *set;
	else if (set != NULL)
		return -EINVAL;
	mask &= ~SIGSYS_BIT;
	memcpy(&context->uc_sigmask, &mask, sizeof mask);
	if (old != NULL)
		*old = before;
	return 0;
}

/* Calls that come back elsewhere than they were made from: with another stack, twice, or never. */
static bool must_be_made_in_place(long number)
{
	switch (number) {
	case SYS_clone:
	case SYS_clone3:
#if defined(SYS_fork)
	case SYS_fork:
	case SYS_vfork:
#endif
	case SYS_rt_sigreturn:
	case SYS_exit:
	case SYS_exit_group:
		return true;
	default:
		return false;
	}
}

static long make_and_note(struct system_call *call, bool seen)
{
	if (call->number == SYS_brk)
		call->break_before = raw_system_call(SYS_brk, 0, 0, 0, 0, 0, 0);
	call->result = make(call);
	if (seen)
		system_call_note(call);
	return call->result;
}

static void on_system_call(int signal, siginfo_t *info, void *context)
{
	const uintptr_t offset = registers_next(context) - (uintptr_t)raw_allowed_start;
	/* A filter sends all calls of its kinds, in whatever thread. */
	const bool seen = account.selector == ACCOUNT_SYSTEM_CALLS_SEEN;
	struct system_call call = {.number = info->si_syscall};
	long result;

	(void)signal;
	if (info->si_code != SYS_USER_DISPATCH && info->si_code != SYS_SECCOMP)
		return;
	if (offset < RAW_ALLOWED_BYTES) {
		/* Somebody else's filter refuses our own call. */
		registers_return(context, -ENOSYS);
		return;
	}
	registers_arguments(context, call.arguments);
	account.selector = ACCOUNT_SYSTEM_CALLS_PASS;
	if (must_be_made_in_place(call.number)) {
		/* Calls pass until the next call of an interposed function ends. */
		registers_make_again(context);
		return;
	}
	if (call.number == SYS_rt_sigprocmask)
		result = change_mask(call.arguments, context);
	else if (call.number == SYS_rt_sigaction && call.arguments[0] == SIGSYS)
		result = -EINVAL;
	else
		result = make_and_note(&call, seen);
	registers_return(context, result);
	if (seen)
		account.selector = ACCOUNT_SYSTEM_CALLS_SEEN;
}

static long install_handler(void)
{
	/* SIGSYS is not blocked in its handler: a handler of another signal that interrupts it may
	 * make calls as well. */
	const struct kernel_sigaction action = {
		.handler = on_system_call,
		.flags = SA_SIGINFO | SA_RESTART | SA_NODEFER | KERNEL_SA_RESTORER,
		.restorer = raw_restorer,
	};

	return raw_system_call(SYS_rt_sigaction, SIGSYS, (long)&action, 0, sizeof action.mask, 0,
			       0);
}

static void unblock_signal(void)
{
	const uint64_t unblocked = SIGSYS_BIT;

	(void)raw_system_call(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&unblocked, 0,
			      sizeof unblocked, 0, 0);
}

/* Which way is taken, or why none. */
struct choice {
	const struct way *way;
	char reason[256];
};

static bool is_set(const char *value)
{
	return value != NULL && *value != '\0';
}

/* Takes the first of the ways that works, or the wished one; or says of each that does not why. */
static void choose_way(struct choice *choice, const char *wished)
{
	size_t used = 0;

	(void)snprintf(choice->reason, sizeof choice->reason,
		       "GROWBENCH_TRACE_WAY is neither %s nor %s", all_ways[0]->name,
		       all_ways[1]->name);
	for (const struct way *const *way = all_ways; *way != NULL; way++) {
		const char *name;
		long result;

		if (is_set(wished) && strcmp(wished, (*way)->name) != 0)
			continue;
		result = (*way)->begin();
		if (result == 0) {
			(*way)->end();
			choice->way = *way;
			return;
		}
		name = strerrorname_np((int)-result);
		used += (size_t)snprintf(choice->reason + used, sizeof choice->reason - used,
					 "%s%s: %s", used == 0 ? "" : "; ", (*way)->why_not,
					 name == NULL ? "unknown error" : name);
	}
}

static void choose(struct choice *choice)
{
	const char *unwanted = getenv("GROWBENCH_TRACE_NO_SYSCALLS");

	if (is_set(unwanted) && strcmp(unwanted, "0") != 0) {
		(void)snprintf(choice->reason, sizeof choice->reason,
			       "GROWBENCH_TRACE_NO_SYSCALLS is set");
	} else if (install_handler() != 0) {
		(void)snprintf(choice->reason, sizeof choice->reason,
			       "a handler of SIGSYS cannot be installed");
	} else {
		unblock_signal();
		choose_way(choice, getenv("GROWBENCH_TRACE_WAY"));
	}
}

static const struct choice *chosen(void)
{
	/* Several threads may find out at the same time, and find the same. */
	static atomic_int known;
	static struct choice choice;
	static struct lock lock;

	if (atomic_load(&known) == 0) {
		lock_take(&lock);
		if (atomic_load(&known) == 0)
			choose(&choice);
		atomic_store(&known, 1);
		lock_release(&lock);
	}
	return &choice;
}

const char *system_calls_unavailable(void)
{
	const struct choice *choice = chosen();

	return choice->way == NULL ? choice->reason : NULL;
}

const char *system_calls_way(void)
{
	const struct choice *choice = chosen();

	return choice->way == NULL ? NULL : choice->way->name;
}

void system_calls_begin(void)
{
	/* Programs install handlers of their own, test frameworks for one. */
	(void)install_handler();
	unblock_signal();
	(void)chosen()->way->begin();
}

void system_calls_end(void)
{
	chosen()->way->end();
}

#else

const char *system_calls_unavailable(void)
{
	return "seeing system calls is known on x86-64 and arm64 only";
}

const char *system_calls_way(void)
{
	return NULL;
}

void system_calls_begin(void)
{
}

void system_calls_end(void)
{
}

#endif
