/*
 * raw.h - system calls without the C library, for the interposer's own use.
 *
 * What the interposer asks of the kernel must not be counted, and must not call malloc or change
 * errno. On x86-64 all its calls are made by one instruction that Syscall User Dispatch lets pass
 * (system_calls.h).
 */
#ifndef GROWBENCH_HARNESS_TRACE_RAW_H
#define GROWBENCH_HARNESS_TRACE_RAW_H

#include <stddef.h>

/* The result as the kernel gives it: -errno for an error. */
long raw_system_call(long number, long first, long second, long third, long fourth, long fifth,
		     long sixth);

/* Zeroed memory in whole pages, mapped in already, so that using it causes no page fault; or NULL.
 * `bytes` > 0. */
void *raw_map(size_t bytes);
void raw_unmap(void *memory, size_t bytes);

/* Lets another thread run. */
void raw_yield(void);

/* Writes the message and a line end to standard error, and aborts. */
_Noreturn void raw_die(const char *message);

#if defined(__x86_64__)
/* The addresses from which system calls pass; they hold raw_system_call and raw_restorer. */
extern const char raw_allowed_start[];
extern const char raw_allowed_end[];

/* What a signal handler returns to (sa_restorer). */
void raw_restorer(void);
#endif

#endif
