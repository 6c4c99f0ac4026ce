#include "harness/trace/system_calls.h"

#include <stdlib.h>

#include "harness/trace/lock.h"
#include "harness/trace/ranges.h"
#include "harness/trace/raw.h"

/* What the program itself has mapped in counted regions, and what of it can be written to. */
static struct lock mappings_lock;
static struct ranges mappings;
static struct ranges writable;

bool system_calls_lost_mappings(void)
{
	bool lost;

	lock_take(&mappings_lock);
	lost = mappings.incomplete || writable.incomplete;
	lock_release(&mappings_lock);
	return lost;
}

void system_calls_forget_mappings(void)
{
	lock_take(&mappings_lock);
	ranges_clear(&mappings);
	ranges_clear(&writable);
	lock_release(&mappings_lock);
}

#if defined(__x86_64__)

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
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

struct call {
	long number;
	long arguments[6];
	long result;
	long break_before; /* of brk */
};

static long make(const struct call *call)
{
	const long *a = call->arguments;

	return raw_system_call(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static bool failed(const struct call *call)
{
	return (unsigned long)call->result > -4096UL;
}

static uint64_t whole_pages(unsigned long bytes)
{
	static atomic_ulong page_bytes;
	unsigned long page = atomic_load_explicit(&page_bytes, memory_order_relaxed);

	if (page == 0) {
		page = (unsigned long)sysconf(_SC_PAGESIZE);
		atomic_store_explicit(&page_bytes, page, memory_order_relaxed);
	}
	return (bytes + page - 1) & ~(page - 1);
}

/* Of the program's own calls: what they make writable is live memory, as a block is. */

static void program_mapped(uintptr_t start, uintptr_t end, bool can_write)
{
	size_t added = 0;
	size_t removed;

	lock_take(&mappings_lock);
	removed = ranges_remove(&writable, start, end);
	(void)ranges_add(&mappings, start, end);
	if (can_write)
		added = ranges_add(&writable, start, end);
	lock_release(&mappings_lock);
	account_remove_bytes(removed);
	account_add_bytes(added);
}

static void program_unmapped(uintptr_t start, uintptr_t end)
{
	size_t removed;

	lock_take(&mappings_lock);
	(void)ranges_remove(&mappings, start, end);
	removed = ranges_remove(&writable, start, end);
	lock_release(&mappings_lock);
	account_remove_bytes(removed);
}

static void program_protected(uintptr_t start, uintptr_t end, bool can_write)
{
	size_t added = 0;
	size_t removed = 0;

	lock_take(&mappings_lock);
	if (!ranges_contain(&mappings, start, end))
		;
	else if (can_write)
		added = ranges_add(&writable, start, end);
	else
		removed = ranges_remove(&writable, start, end);
	lock_release(&mappings_lock);
	if (removed > 0)
		account_remove_bytes(removed);
	if (added > 0)
		account_add_bytes(added);
}

/* Pages that mremap moves have all the same protection, or the kernel refuses. */
static void program_remapped(uintptr_t old_start, uintptr_t old_end, uintptr_t start, uintptr_t end)
{
	bool known;
	bool can_write;
	size_t added = 0;
	size_t removed = 0;

	lock_take(&mappings_lock);
	known = ranges_contain(&mappings, old_start, old_end);
	can_write = known && ranges_contain(&writable, old_start, old_end);
	if (known) {
		(void)ranges_remove(&mappings, old_start, old_end);
		removed = ranges_remove(&writable, old_start, old_end);
		(void)ranges_add(&mappings, start, end);
	}
	if (can_write)
		added = ranges_add(&writable, start, end);
	lock_release(&mappings_lock);
	account_remove_bytes(removed);
	account_add_bytes(added);
}

static void note_mmap(const struct call *call, struct trace_system_calls *calls)
{
	const uint64_t bytes = whole_pages((unsigned long)call->arguments[1]);
	const uintptr_t start = (uintptr_t)call->result;

	calls->mmap_count++;
	calls->mapped_bytes += bytes;
	if (account.depth == 0 && (call->arguments[3] & MAP_ANONYMOUS) != 0)
		program_mapped(start, start + bytes, (call->arguments[2] & PROT_WRITE) != 0);
}

static void note_munmap(const struct call *call, struct trace_system_calls *calls)
{
	const uint64_t bytes = whole_pages((unsigned long)call->arguments[1]);
	const uintptr_t start = (uintptr_t)call->arguments[0];

	calls->munmap_count++;
	calls->unmapped_bytes += bytes;
	if (account.depth == 0)
		program_unmapped(start, start + bytes);
}

static void note_mremap(const struct call *call, struct trace_system_calls *calls)
{
	const uintptr_t old_start = (uintptr_t)call->arguments[0];
	const uintptr_t start = (uintptr_t)call->result;
	const uint64_t old_bytes = whole_pages((unsigned long)call->arguments[1]);
	const uint64_t bytes = whole_pages((unsigned long)call->arguments[2]);

	calls->mremap_count++;
	if (bytes > old_bytes)
		calls->mapped_bytes += bytes - old_bytes;
	else
		calls->unmapped_bytes += old_bytes - bytes;
	account.remapped_start = start;
	account.remapped_end = start + bytes;
	if (account.depth == 0)
		program_remapped(old_start, old_start + old_bytes, start, start + bytes);
}

static void note_brk(const struct call *call, struct trace_system_calls *calls)
{
	/* It does not fail: it says where the break is. */
	if (call->arguments[0] != 0 && call->result != call->arguments[0])
		return;
	calls->brk_count++;
	if (call->result > call->break_before)
		calls->mapped_bytes += whole_pages((unsigned long)call->result) -
				       whole_pages((unsigned long)call->break_before);
	else
		calls->unmapped_bytes += whole_pages((unsigned long)call->break_before) -
					 whole_pages((unsigned long)call->result);
}

static void note_madvise(const struct call *call, struct trace_system_calls *calls)
{
	calls->madvise_count++;
	if (call->arguments[2] == MADV_DONTNEED || call->arguments[2] == MADV_FREE)
		calls->unmapped_bytes += whole_pages((unsigned long)call->arguments[1]);
}

static void note_mprotect(const struct call *call, struct trace_system_calls *calls)
{
	const uintptr_t start = (uintptr_t)call->arguments[0];

	calls->mprotect_count++;
	if (account.depth == 0)
		program_protected(start, start + whole_pages((unsigned long)call->arguments[1]),
				  (call->arguments[2] & PROT_WRITE) != 0);
}

static void note(const struct call *call)
{
	struct trace_system_calls *calls =
		account.depth > 0 ? &account.counts.allocator : &account.counts.program;

	if (failed(call))
		return;
	switch (call->number) {
	case SYS_mmap:
		note_mmap(call, calls);
		break;
	case SYS_munmap:
		note_munmap(call, calls);
		break;
	case SYS_mremap:
		note_mremap(call, calls);
		break;
	case SYS_brk:
		note_brk(call, calls);
		break;
	case SYS_madvise:
		note_madvise(call, calls);
		break;
	case SYS_mprotect:
	case SYS_pkey_mprotect:
		note_mprotect(call, calls);
		break;
	default:
		break;
	}
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
	return number == SYS_clone || number == SYS_clone3 || number == SYS_fork ||
	       number == SYS_vfork || number == SYS_rt_sigreturn || number == SYS_exit ||
	       number == SYS_exit_group;
}

static void on_system_call(int signal, siginfo_t *info, void *data)
{
	ucontext_t *context = data;
	greg_t *registers = context->uc_mcontext.gregs;
	struct call call = {
		.number = registers[REG_RAX],
		.arguments = {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
			      registers[REG_R10], registers[REG_R8], registers[REG_R9]},
	};

	(void)signal;
	if (info->si_code != SYS_USER_DISPATCH)
		return;
	account.selector = ACCOUNT_SYSTEM_CALLS_PASS;
	if (must_be_made_in_place(call.number)) {
		/* Back to the instruction, of two bytes; calls pass until the next call of an
		 * interposed function ends. */
		registers[REG_RIP] -= 2;
		return;
	}
	if (call.number == SYS_rt_sigprocmask) {
		call.result = change_mask(call.arguments, context);
	} else if (call.number == SYS_rt_sigaction && call.arguments[0] == SIGSYS) {
		call.result = -EINVAL;
	} else {
		if (call.number == SYS_brk)
			call.break_before = raw_system_call(SYS_brk, 0, 0, 0, 0, 0, 0);
		call.result = make(&call);
		note(&call);
	}
	registers[REG_RAX] = call.result;
	account.selector = ACCOUNT_SYSTEM_CALLS_SEEN;
}

static long dispatch(bool on)
{
	const uintptr_t start = (uintptr_t)raw_allowed_start;
	const uintptr_t end = (uintptr_t)raw_allowed_end;

	if (on)
		return raw_system_call(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON,
				       (long)start, (long)(end - start), (long)&account.selector,
				       0);
	return raw_system_call(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0,
			       0, 0);
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

static const char *find_out(void)
{
	const char *wished = getenv("GROWBENCH_TRACE_BLIND");

	if (wished != NULL && *wished != '\0' && strcmp(wished, "0") != 0)
		return "GROWBENCH_TRACE_BLIND is set";
	if (dispatch(true) != 0)
		return "the kernel does not offer Syscall User Dispatch (Linux 5.11 and later do, "
		       "unless a sandbox forbids it)";
	(void)dispatch(false);
	if (install_handler() != 0)
		return "a handler of SIGSYS cannot be installed";
	return NULL;
}

const char *system_calls_blind(void)
{
	/* Several threads may find out at the same time, and find the same. */
	static atomic_int known;
	static const char *_Atomic reason;

	if (atomic_load(&known) == 0) {
		atomic_store(&reason, find_out());
		atomic_store(&known, 1);
	}
	return atomic_load(&reason);
}

void system_calls_begin(void)
{
	const uint64_t unblocked = SIGSYS_BIT;

	/* Programs install handlers of their own, test frameworks for one. */
	(void)install_handler();
	(void)raw_system_call(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&unblocked, 0,
			      sizeof unblocked, 0, 0);
	(void)dispatch(true);
}

void system_calls_end(void)
{
	(void)dispatch(false);
}

#else

const char *system_calls_blind(void)
{
	return "Syscall User Dispatch is offered on x86-64 only";
}

void system_calls_begin(void)
{
}

void system_calls_end(void)
{
}

#endif
