#include "harness/trace/mappings.h"

#include "harness/trace/account.h"
#include "harness/trace/lock.h"
#include "harness/trace/ranges.h"

static struct lock mappings_lock;
static struct ranges mappings;
static struct ranges writable;

bool mappings_lost(void)
{
	bool lost;

	lock_take(&mappings_lock);
	lost = mappings.incomplete || writable.incomplete;
	lock_release(&mappings_lock);
	return lost;
}

void mappings_forget(void)
{
	lock_take(&mappings_lock);
	ranges_clear(&mappings);
	ranges_clear(&writable);
	lock_release(&mappings_lock);
}

void mappings_mapped(uintptr_t start, uintptr_t end, bool can_write)
{
	size_t added = 0;
	size_t removed;

	lock_take(&mappings_lock);
	removed = ranges_remove(&writable, start, end);
	(void)ranges_add(&mappings, start, end);
	if (can_write)
		added = ranges_add(&writable, start, end);
	lock_release(&mappings_lock);
	account_remove_bytes(removed);
	account_add_bytes(added);
}

void mappings_unmapped(uintptr_t start, uintptr_t end)
{
	size_t removed;

	lock_take(&mappings_lock);
	(void)ranges_remove(&mappings, start, end);
	removed = ranges_remove(&writable, start, end);
	lock_release(&mappings_lock);
	account_remove_bytes(removed);
}

void mappings_protected(uintptr_t start, uintptr_t end, bool can_write)
{
	size_t added = 0;
	size_t removed = 0;

	lock_take(&mappings_lock);
	if (!ranges_contain(&mappings, start, end))
		;
	else if (can_write)
		added = ranges_add(&writable, start, end);
	else
		removed = ranges_remove(&writable, start, end);
	lock_release(&mappings_lock);
	if (removed > 0)
		account_remove_bytes(removed);
	if (added > 0)
		account_add_bytes(added);
}

void mappings_remapped(uintptr_t old_start, uintptr_t old_end, uintptr_t start, uintptr_t end)
{
	bool known;
	bool can_write;
	size_t added = 0;
	size_t removed = 0;

	lock_take(&mappings_lock);
	known = ranges_contain(&mappings, old_start, old_end);
	can_write = known && ranges_contain(&writable, old_start, old_end);
	if (known) {
		(void)ranges_remove(&mappings, old_start, old_end);
		removed = ranges_remove(&writable, old_start, old_end);
		(void)ranges_add(&mappings, start, end);
	}
	if (can_write)
		added = ranges_add(&writable, start, end);
	lock_release(&mappings_lock);
	account_remove_bytes(removed);
	account_add_bytes(added);
}
