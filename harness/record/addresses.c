#include "harness/record/addresses.h"

enum {
	LEAST_SLOTS = 1 << 12
};

/* Open addressing, linear probing. */
struct slot {
	uint64_t address; /* 0: empty */
	uint32_t block;
};

static struct slot *slots_of(const struct addresses *addresses)
{
	return addresses->slots.start;
}

static size_t home_of(const struct addresses *addresses, uint64_t address)
{
	return (size_t)((address >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 24) & addresses->mask;
}

static size_t find(const struct addresses *addresses, uint64_t address)
{
	const struct slot *slots = slots_of(addresses);
	size_t slot = home_of(addresses, address);

	while (slots[slot].address != 0 && slots[slot].address != address)
		slot = (slot + 1) & addresses->mask;
	return slot;
}

/* At most half full. */
static bool make_room(struct addresses *addresses)
{
	const size_t old_count = addresses->slots.start == NULL ? 0 : addresses->mask + 1;
	const size_t count = old_count == 0 ? LEAST_SLOTS : 2 * old_count;
	struct memory old = addresses->slots;
	struct memory grown = {NULL, 0};

	if (2 * (addresses->used + 1) <= old_count)
		return true;
	if (!memory_reserve(&grown, count * sizeof(struct slot)))
		return false;
	addresses->slots = grown;
	addresses->mask = count - 1;
	for (size_t i = 0; i < old_count; i++) {
		const struct slot *slot = (const struct slot *)old.start + i;

		if (slot->address != 0)
			slots_of(addresses)[find(addresses, slot->address)] = *slot;
	}
	memory_release(&old);
	return true;
}

bool addresses_put(struct addresses *addresses, uint64_t address, uint32_t block)
{
	if (!make_room(addresses))
		return false;
	slots_of(addresses)[find(addresses, address)] = (struct slot){address, block};
	addresses->used++;
	return true;
}

uint32_t addresses_get(const struct addresses *addresses, uint64_t address)
{
	const struct slot *slot;

	if (addresses->used == 0)
		return ADDRESSES_NONE;
	slot = &slots_of(addresses)[find(addresses, address)];
	return slot->address == 0 ? ADDRESSES_NONE : slot->block;
}

/* Those behind the slot that would not be found any more come nearer. */
static void empty(struct addresses *addresses, size_t slot)
{
	struct slot *slots = slots_of(addresses);
	size_t next = slot;

	for (;;) {
		next = (next + 1) & addresses->mask;
		if (slots[next].address == 0)
			break;
		if (((next - home_of(addresses, slots[next].address)) & addresses->mask) >=
		    ((next - slot) & addresses->mask)) {
			slots[slot] = slots[next];
			slot = next;
		}
	}
	slots[slot].address = 0;
	addresses->used--;
}

uint32_t addresses_take(struct addresses *addresses, uint64_t address)
{
	const uint32_t block = addresses_get(addresses, address);

	if (block != ADDRESSES_NONE)
		empty(addresses, find(addresses, address));
	return block;
}

void addresses_release(struct addresses *addresses)
{
	memory_release(&addresses->slots);
	*addresses = (struct addresses){.mask = 0};
}
