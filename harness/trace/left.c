#include "harness/trace/left.h"

#include "harness/trace/lock.h"
#include "harness/trace/ranges.h"

static struct lock left_lock;
static struct ranges left;

void left_forget(void)
{
	lock_take(&left_lock);
	/* The set keeps the room that it has once had. */
	(void)ranges_add(&left, 1, 2);
	ranges_clear(&left);
	lock_release(&left_lock);
}

size_t left_moved(uintptr_t old, size_t old_bytes, uintptr_t new, size_t new_bytes)
{
	size_t reused;

	lock_take(&left_lock);
	reused = ranges_remove(&left, new, new + new_bytes);
	(void)ranges_add(&left, old, old + old_bytes);
	lock_release(&left_lock);
	return reused;
}

bool left_lost(void)
{
	bool lost;

	lock_take(&left_lock);
	lost = left.incomplete;
	lock_release(&left_lock);
	return lost;
}
