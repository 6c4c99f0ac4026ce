/*
 * registers.h - a thread's registers as a handler of SIGSYS finds them: what the interposer has to
 * know of an architecture, with raw.c.
 */
#ifndef GROWBENCH_HARNESS_TRACE_REGISTERS_H
#define GROWBENCH_HARNESS_TRACE_REGISTERS_H

#include <stdint.h>
#include <sys/ucontext.h>

/* The system call was made before registers_next(); what it was given; what it returns; and that it
 * is made once more. */

#if defined(__x86_64__)

static inline uintptr_t registers_next(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

static inline void registers_arguments(const ucontext_t *context, long arguments[6])
{
	static const int numbers[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};

	for (int i = 0; i < 6; i++)
		arguments[i] = context->uc_mcontext.gregs[numbers[i]];
}

static inline void registers_return(ucontext_t *context, long result)
{
	context->uc_mcontext.gregs[REG_RAX] = result;
}

static inline void registers_make_again(ucontext_t *context)
{
	context->uc_mcontext.gregs[REG_RIP] -= 2;
}

#elif defined(__aarch64__)

static inline uintptr_t registers_next(const ucontext_t *context)
{
	return context->uc_mcontext.pc;
}

static inline void registers_arguments(const ucontext_t *context, long arguments[6])
{
	for (int i = 0; i < 6; i++)
		arguments[i] = (long)context->uc_mcontext.regs[i];
}

static inline void registers_return(ucontext_t *context, long result)
{
	context->uc_mcontext.regs[0] = (unsigned long)result;
}

static inline void registers_make_again(ucontext_t *context)
{
	context->uc_mcontext.pc -= 4;
}

#endif

#endif
