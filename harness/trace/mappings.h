/*
 * mappings.h - what the program itself has mapped in counted regions, and what of it can be written
 * to: that is live memory, as a block is, and goes into the account.
 *
 * All functions take addresses from `start` to before `end`.
 */
#ifndef GROWBENCH_HARNESS_TRACE_MAPPINGS_H
#define GROWBENCH_HARNESS_TRACE_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>

void mappings_mapped(uintptr_t start, uintptr_t end, bool can_write);
void mappings_unmapped(uintptr_t start, uintptr_t end);
void mappings_protected(uintptr_t start, uintptr_t end, bool can_write);

/* Pages that mremap moves have all the same protection, or the kernel refuses. */
void mappings_remapped(uintptr_t old_start, uintptr_t old_end, uintptr_t start, uintptr_t end);

/* Forgets all. */
void mappings_forget(void);

/* Is some of it not known, for want of memory, since then? */
bool mappings_lost(void);

#endif
