/*
 * raw.h - system calls without the C library, for the interposer's own use.
 *
 * What the interposer asks of the kernel must not be counted, and must not call malloc or change
 * errno. On x86-64 and arm64 all its calls are made by one instruction, from where they always pass
 * (system_calls.h).
 */
#ifndef GROWBENCH_HARNESS_TRACE_RAW_H
#define GROWBENCH_HARNESS_TRACE_RAW_H

#include <stdbool.h>
#include <stddef.h>

/* The result as the kernel gives it: -errno for an error. */
long raw_system_call(long number, long first, long second, long third, long fourth, long fifth,
		     long sixth);

/* Is a result one of the last 4095 numbers, which are errors? */
static inline bool raw_failed(long result)
{
	return (unsigned long)result > -4096UL;
}

/* Zeroed memory in whole pages, mapped in already, so that using it causes no page fault; or NULL.
 * `bytes` > 0. */
void *raw_map(size_t bytes);
void raw_unmap(void *memory, size_t bytes);

/* Lets another thread run. */
void raw_yield(void);

/* Writes the message and a line end to standard error, and aborts. */
_Noreturn void raw_die(const char *message);

#if defined(__x86_64__) || defined(__AARCH64EL__)
/* So many addresses from here on, a multiple of that, are those from which system calls pass; they
 * hold raw_system_call and raw_restorer. */
#define RAW_ALLOWED_BYTES 128
extern const char raw_allowed_start[];

/* What a signal handler returns to (sa_restorer). */
void raw_restorer(void);
#endif

#endif
