/*
 * addresses.h - which block lives at an address: a hash table of the live ones.
 */
#ifndef GROWBENCH_HARNESS_RECORD_ADDRESSES_H
#define GROWBENCH_HARNESS_RECORD_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/profile/memory.h"

#define ADDRESSES_NONE UINT32_MAX

/* All zero is an empty one. */
struct addresses {
	struct memory slots;
	size_t mask; /* their number - 1, if there are any; a power of two */
	size_t used;
};

/* Puts a block there, where none is; the address is not 0. False without memory. */
bool addresses_put(struct addresses *addresses, uint64_t address, uint32_t block);

/* The block there, or ADDRESSES_NONE. */
uint32_t addresses_get(const struct addresses *addresses, uint64_t address);

/* The same, and takes it out. */
uint32_t addresses_take(struct addresses *addresses, uint64_t address);

void addresses_release(struct addresses *addresses);

#endif
