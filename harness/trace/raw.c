#include "harness/trace/raw.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(RAW_ALLOWED_BYTES)

/* A line of code is a line. */
// clang-format off
#if defined(__x86_64__)
#define CODE_OF_CALL \
	"	endbr64\n" \
	"	movq %rdi, %rax\n" \
	"	movq %rsi, %rdi\n" \
	"	movq %rdx, %rsi\n" \
	"	movq %rcx, %rdx\n" \
	"	movq %r8, %r10\n" \
	"	movq %r9, %r8\n" \
	"	movq 8(%rsp), %r9\n" \
	"	syscall\n" \
	"	ret\n"
#define CODE_OF_RESTORER \
	"	movl $15, %eax\n" /* rt_sigreturn */ \
	"	syscall\n" \
	"	ud2\n"
#else
#define CODE_OF_CALL \
	"	hint #34\n" /* bti c */ \
	"	mov x8, x0\n" \
	"	mov x0, x1\n" \
	"	mov x1, x2\n" \
	"	mov x2, x3\n" \
	"	mov x3, x4\n" \
	"	mov x4, x5\n" \
	"	mov x5, x6\n" \
	"	svc #0\n" \
	"	ret\n"
#define CODE_OF_RESTORER \
	"	mov x8, #139\n" /* rt_sigreturn */ \
	"	svc #0\n" \
	"	brk #0\n"
#endif

#define TEXT(number) TEXT_(number)
#define TEXT_(number) #number

/* Aligned to its length, so that its start and a mask say whether an address is in it. The kernel
 * compares the address after the instruction that calls it, so that one must not be the last of
 * it. */
__asm__(".pushsection .text.growbench_allowed, \"ax\", %progbits\n"
	"	.balign " TEXT(RAW_ALLOWED_BYTES) "\n"
	"	.globl raw_allowed_start\n"
	"	.hidden raw_allowed_start\n"
	"raw_allowed_start:\n"
	"	.globl raw_system_call\n"
	"	.hidden raw_system_call\n"
	"	.type raw_system_call, %function\n"
	"raw_system_call:\n"
	"	.cfi_startproc\n"
	CODE_OF_CALL
	"	.cfi_endproc\n"
	"	.size raw_system_call, . - raw_system_call\n"
	"	.balign 16\n"
	"	nop\n"
	"	.globl raw_restorer\n"
	"	.hidden raw_restorer\n"
	"	.type raw_restorer, %function\n"
	"raw_restorer:\n"
	CODE_OF_RESTORER
	"	.size raw_restorer, . - raw_restorer\n"
	"	.org raw_allowed_start + " TEXT(RAW_ALLOWED_BYTES) "\n"
	"	.popsection\n");
// clang-format on

#else

long raw_system_call(long number, long first, long second, long third, long fourth, long fifth,
		     long sixth)
{
	const int kept = errno;
	long result = syscall(number, first, second, third, fourth, fifth, sixth);

	if (result == -1)
		result = -errno;
	errno = kept;
	return result;
}

#endif

void *raw_map(size_t bytes)
{
#if defined(__NR_mmap)
	const long result = raw_system_call(__NR_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return raw_failed(result) ? NULL : (void *)result;
#else
	void *const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
#endif
}

void raw_unmap(void *memory, size_t bytes)
{
	(void)raw_system_call(__NR_munmap, (long)memory, (long)bytes, 0, 0, 0, 0);
}

void raw_yield(void)
{
	(void)raw_system_call(__NR_sched_yield, 0, 0, 0, 0, 0, 0);
}

_Noreturn void raw_die(const char *message)
{
	(void)raw_system_call(__NR_write, STDERR_FILENO, (long)message, (long)strlen(message), 0, 0,
			      0);
	(void)raw_system_call(__NR_write, STDERR_FILENO, (long)"\n", 1, 0, 0, 0);
	for (;;) {
		const long process = raw_system_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
		const long thread = raw_system_call(__NR_gettid, 0, 0, 0, 0, 0, 0);

		(void)raw_system_call(__NR_tgkill, process, thread, SIGABRT, 0, 0, 0);
		(void)raw_system_call(__NR_exit_group, 127, 0, 0, 0, 0, 0);
	}
}
