/*
 * recording.h - the file of this process: places for events, one after the other.
 *
 * It is begun with the first call of a process, or of a child that fork made; if the environment
 * names no folder, or no file can be had, nothing is recorded, and the program does not notice.
 */
#ifndef GROWBENCH_HARNESS_RECORD_RECORDING_H
#define GROWBENCH_HARNESS_RECORD_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/record/raw_file.h"

#define RECORDING_NO_PLACE UINT64_MAX

/* Begins if that was not done yet. Is this process recorded? */
bool recording_is_on(void);

/* Are stacks to be recorded? Of a process that is recorded. */
bool recording_has_stacks(void);

/* The next `count` places, which are neighbours, or RECORDING_NO_PLACE. */
uint64_t recording_claim(unsigned count);

/* Writes the event of the calling thread, or of the `thread`, into its place. */
void recording_put(uint64_t place, enum raw_kind kind, const void *address, uint64_t bytes);
void recording_put_event(uint64_t place, uint64_t first, uint64_t second);

/* The calling thread's number in this file. */
uint32_t recording_thread(void);

/* Zeroed memory, which a child of fork finds zeroed again; or NULL. */
void *recording_map(size_t bytes);

/* Appends to the file of this process that has the suffix. False if that is not possible. */
bool recording_append(const char *suffix, const void *bytes, size_t size);

/* The process is about to end by itself. */
void recording_finish(void);

#endif
