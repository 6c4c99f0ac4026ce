#include "harness/trace/raw.h"

#if defined(RAW_ALLOWED_BYTES)

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "harness/trace/ways.h"

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* What the filter answers to getppid with this argument, so that a thread can tell whether it has
 * one already, from whoever made it. */
#define PRESENT 0x67726f77
#define PRESENT_ERROR ESHUTDOWN

#define REFUSE(error) (SECCOMP_RET_ERRNO | (error))

#define LOAD(member)                                                                            \
	{                                                                                       \
		BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)offsetof(struct seccomp_data, member) \
	}
#define LOAD_HIGH(member)                                                   \
	{                                                                   \
		BPF_LD | BPF_W | BPF_ABS, 0, 0,                             \
			(unsigned)offsetof(struct seccomp_data, member) + 4 \
	}
#define AND(bits)                                                 \
	{                                                         \
		BPF_ALU | BPF_AND | BPF_K, 0, 0, (unsigned)(bits) \
	}
#define IF_EQUAL(value, skip_if, skip_else)                                          \
	{                                                                            \
		BPF_JMP | BPF_JEQ | BPF_K, (skip_if), (skip_else), (unsigned)(value) \
	}
#define RETURN(action)                          \
	{                                       \
		BPF_RET | BPF_K, 0, 0, (action) \
	}
/* For one number of a system call, the loaded word. */
#define ANSWER(number, action) IF_EQUAL(number, 0, 1), RETURN(action)

static long install(void)
{
	const uint64_t allowed = (uintptr_t)raw_allowed_start;
	struct sock_filter filter[] = {
		LOAD(arch),
		IF_EQUAL(THIS_ARCHITECTURE, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		/* Is it our own? */
		LOAD_HIGH(instruction_pointer),
		IF_EQUAL(allowed >> 32, 0, 10),
		LOAD(instruction_pointer),
		AND(~(RAW_ALLOWED_BYTES - 1U)),
		IF_EQUAL(allowed, 0, 7),
		LOAD(nr),
		IF_EQUAL(SYS_getppid, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(args[0]),
		ANSWER(PRESENT, REFUSE(PRESENT_ERROR)),
		RETURN(SECCOMP_RET_ALLOW),
		/* It is not: to here from both. */
		LOAD(nr),
		ANSWER(SYS_mmap, SECCOMP_RET_TRAP),
		ANSWER(SYS_munmap, SECCOMP_RET_TRAP),
		ANSWER(SYS_mremap, SECCOMP_RET_TRAP),
		ANSWER(SYS_brk, SECCOMP_RET_TRAP),
		ANSWER(SYS_madvise, SECCOMP_RET_TRAP),
		ANSWER(SYS_mprotect, SECCOMP_RET_TRAP),
		ANSWER(SYS_pkey_mprotect, SECCOMP_RET_TRAP),
		ANSWER(SYS_rt_sigprocmask, SECCOMP_RET_TRAP),
		/* It may make a process without our handler (CLONE_CLEAR_SIGHAND, which posix_spawn
		 * asks for from glibc 2.38 on); without it the C library takes clone, which
		 * cannot. */
		ANSWER(SYS_clone3, REFUSE(ENOSYS)),
		ANSWER(SYS_execve, REFUSE(EPERM)),
		ANSWER(SYS_execveat, REFUSE(EPERM)),
		IF_EQUAL(SYS_rt_sigaction, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(args[0]),
		ANSWER(SIGSYS, REFUSE(EINVAL)),
		RETURN(SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

	/* What the kernel asks for of whoever is not root. */
	(void)raw_system_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
	return raw_system_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&program, 0, 0, 0);
}

static long begin(void)
{
	if (raw_system_call(SYS_getppid, PRESENT, 0, 0, 0, 0, 0) == -PRESENT_ERROR)
		return 0;
	return install();
}

static void end(void)
{
}

const struct way way_seccomp = {
	.name = "seccomp",
	.why_not = "no seccomp filter (unless a sandbox forbids it)",
	.begin = begin,
	.end = end,
};

#endif
