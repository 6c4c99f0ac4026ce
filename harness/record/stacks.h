/*
 * stacks.h - call sites: each distinct stack is written once, as module and offset of its frames.
 */
#ifndef GROWBENCH_HARNESS_RECORD_STACKS_H
#define GROWBENCH_HARNESS_RECORD_STACKS_H

#include <stdint.h>

struct recording;

#define STACKS_NONE UINT32_MAX

/* The number of the stack of whoever called the interposed function that calls this; its frames are
 * written before that is returned. STACKS_NONE: it could not be told, or there are too many. */
uint32_t stacks_here(struct recording *recorded);

/* Forgets all of them, in a child of fork. */
void stacks_forget(void);

#endif
