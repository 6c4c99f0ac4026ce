#include "harness/trace/raw.h"

#if defined(RAW_ALLOWED_BYTES)

#include <sys/prctl.h>
#include <sys/syscall.h>

#include "harness/trace/account.h"
#include "harness/trace/ways.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif

static long begin(void)
{
	return raw_system_call(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON,
			       (long)raw_allowed_start, RAW_ALLOWED_BYTES, (long)&account.selector,
			       0);
}

static void end(void)
{
	(void)raw_system_call(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0,
			      0);
}

const struct way way_user_dispatch = {
	.name = "user_dispatch",
	.why_not = "no Syscall User Dispatch (x86-64 from Linux 5.11 on, unless a sandbox forbids "
		   "it)",
	.begin = begin,
	.end = end,
};

#endif
