#include "harness/record/touched.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "harness/record/recording.h"
#include "harness/trace/lock.h"
#include "harness/trace/raw.h"

enum {
	LEAST_SLOTS = 1024,
	/* Pages that the kernel is asked about at once. */
	ASKED_PAGES = 1024
};

_Atomic(_Atomic uint32_t *) touched_filter;

/* Open addressing, linear probing. In memory that is empty in a child of fork, its lock too. */
struct table {
	_Atomic uint32_t filter[TOUCHED_FILTER];
	struct lock lock;
	struct touched_block *slots;
	size_t mask;
	size_t used;
};

static _Atomic(struct table *) table;

/* ---- the kernel ---- */

/* How many of the block's bytes are in pages that are there, or RAW_UNKNOWN_BYTES. */
static uint64_t touched_bytes(const struct touched_block *block)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t end = block->address + block->bytes;
	uintptr_t at = block->address & ~(page - 1);
	unsigned char present[ASKED_PAGES];
	uint64_t bytes = 0;

	while (at < end) {
		const uintptr_t left = (end - at + page - 1) / page;
		const uintptr_t pages = left < ASKED_PAGES ? left : ASKED_PAGES;

		if (raw_failed(raw_system_call(SYS_mincore, (long)at, (long)(pages * page),
					       (long)present, 0, 0, 0)))
			return RAW_UNKNOWN_BYTES;
		for (uintptr_t i = 0; i < pages; i++, at += page) {
			const uintptr_t from = at < block->address ? block->address : at;
			const uintptr_t to = end - at < page ? end : at + page;

			bytes += (present[i] & 1) != 0 ? to - from : 0;
		}
	}
	return bytes;
}

static void look(struct recording *of, const struct touched_block *block)
{
	recording_put(of, block->place, raw_first(RAW_TOUCHED, 0, 0),
		      raw_second(0, touched_bytes(block), 0));
}

/* ---- the table ---- */

static size_t home_of(const struct table *of, uintptr_t address)
{
	return (size_t)((address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & of->mask;
}

static size_t find(const struct table *of, uintptr_t address)
{
	size_t slot = home_of(of, address);

	while (of->slots[slot].address != 0 && of->slots[slot].address != address)
		slot = (slot + 1) & of->mask;
	return slot;
}

/* At most half full. */
static bool make_room(struct table *of)
{
	const size_t old_count = of->slots == NULL ? 0 : of->mask + 1;
	const size_t count = old_count == 0 ? LEAST_SLOTS : 2 * old_count;
	struct touched_block *old = of->slots;
	struct touched_block *slots;

	if (2 * (of->used + 1) <= old_count)
		return true;
	slots = recording_map(count * sizeof *slots);
	if (slots == NULL)
		return false;
	of->slots = slots;
	of->mask = count - 1;
	for (size_t i = 0; i < old_count; i++)
		if (old[i].address != 0)
			slots[find(of, old[i].address)] = old[i];
	if (old != NULL)
		raw_unmap(old, old_count * sizeof *old);
	return true;
}

/* Those behind the slot that would not be found any more come nearer. */
static void empty(struct table *of, size_t slot)
{
	size_t next = slot;

	for (;;) {
		next = (next + 1) & of->mask;
		if (of->slots[next].address == 0)
			break;
		if (((next - home_of(of, of->slots[next].address)) & of->mask) >=
		    ((next - slot) & of->mask)) {
			of->slots[slot] = of->slots[next];
			slot = next;
		}
	}
	of->slots[slot].address = 0;
	of->used--;
}

static struct table *make_table(void)
{
	struct table *of = atomic_load(&table);
	struct table *none = NULL;
	struct table *made;

	if (of != NULL)
		return of;
	made = recording_map(sizeof *made);
	if (made == NULL || atomic_compare_exchange_strong(&table, &none, made)) {
		if (made != NULL)
			atomic_store(&touched_filter, made->filter);
		return made;
	}
	raw_unmap(made, sizeof *made);
	return none;
}

void touched_add(const struct touched_block *block)
{
	struct table *of = make_table();
	size_t slot;

	if (of == NULL)
		return;
	lock_take(&of->lock);
	if (make_room(of)) {
		slot = find(of, block->address);
		if (of->slots[slot].address == 0) {
			of->used++;
			(void)atomic_fetch_add_explicit(
				&of->filter[touched_hash((const void *)block->address)], 1,
				memory_order_relaxed);
		}
		of->slots[slot] = *block;
	}
	lock_release(&of->lock);
}

struct touched_block touched_take(struct recording *recorded, const void *block, bool resized)
{
	struct touched_block taken = {.address = 0};
	struct table *of = atomic_load(&table);
	size_t slot;

	lock_take(&of->lock);
	if (of->slots != NULL) {
		slot = find(of, (uintptr_t)block);
		if (of->slots[slot].address != 0) {
			taken = of->slots[slot];
			empty(of, slot);
			(void)atomic_fetch_sub_explicit(&of->filter[touched_hash(block)], 1,
							memory_order_relaxed);
		}
	}
	lock_release(&of->lock);
	if (taken.address == 0 ||
	    (resized && taken.bytes < taken.looked_bytes + taken.looked_bytes / 4))
		return taken;
	look(recorded, &taken);
	taken.looked_bytes = taken.bytes;
	return taken;
}

void touched_look_at_all(struct recording *recorded)
{
	struct table *of = atomic_load(&table);

	if (of == NULL)
		return;
	lock_take(&of->lock);
	for (size_t i = 0; of->slots != NULL && i <= of->mask; i++)
		if (of->slots[i].address != 0)
			look(recorded, &of->slots[i]);
	lock_release(&of->lock);
}

void touched_forget(void)
{
	atomic_store(&touched_filter, NULL);
	atomic_store(&table, NULL);
}
