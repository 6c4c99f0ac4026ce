#include "harness/trace/ranges.h"

#include <string.h>

#include "harness/trace/raw.h"

#define FIRST_CAPACITY ((size_t)256)

void ranges_clear(struct ranges *ranges)
{
	ranges->count = 0;
	ranges->incomplete = false;
}

static bool make_room(struct ranges *ranges, size_t count)
{
	const size_t capacity = ranges->capacity == 0 ? FIRST_CAPACITY : ranges->capacity * 2;
	struct range *grown;

	if (count <= ranges->capacity)
		return true;
	grown = raw_map(capacity * sizeof *grown);
	if (grown == NULL) {
		ranges->incomplete = true;
		return false;
	}
	if (ranges->items != NULL) {
		memcpy(grown, ranges->items, ranges->count * sizeof *grown);
		raw_unmap(ranges->items, ranges->capacity * sizeof *grown);
	}
	ranges->items = grown;
	ranges->capacity = capacity;
	return true;
}

/* The first that ends at or behind the address. */
static size_t find(const struct ranges *ranges, uintptr_t address)
{
	size_t low = 0;
	size_t high = ranges->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (ranges->items[middle].end < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Puts `count` items (none where item is NULL) in place of those from first to before last: one
 * more at most, where a removal from the middle splits a range. False without memory. */
static bool replace(struct ranges *ranges, size_t first, size_t last, const struct range *items,
		    size_t count)
{
	if (!make_room(ranges, ranges->count - (last - first) + count))
		return false;
	memmove(ranges->items + first + count, ranges->items + last,
		(ranges->count - last) * sizeof *items);
	ranges->count = ranges->count - (last - first) + count;
	for (size_t i = 0; i < count; i++)
		ranges->items[first + i] = items[i];
	return true;
}

size_t ranges_add(struct ranges *ranges, uintptr_t start, uintptr_t end)
{
	const size_t first = find(ranges, start);
	struct range merged = {start, end};
	size_t covered = 0;
	size_t last;

	if (start == end)
		return 0;
	for (last = first; last < ranges->count && ranges->items[last].start <= end; last++) {
		const struct range *item = &ranges->items[last];

		covered += item->end - item->start;
		merged.start = item->start < merged.start ? item->start : merged.start;
		merged.end = item->end > merged.end ? item->end : merged.end;
	}
	if (!replace(ranges, first, last, &merged, 1))
		return 0;
	return merged.end - merged.start - covered;
}

size_t ranges_remove(struct ranges *ranges, uintptr_t start, uintptr_t end)
{
	/* One that ends at `start` has nothing to remove. */
	const size_t first = find(ranges, start + 1);
	struct range left[2];
	size_t left_count = 0;
	size_t removed = 0;
	size_t last;

	if (start == end)
		return 0;
	for (last = first; last < ranges->count && ranges->items[last].start < end; last++) {
		const struct range item = ranges->items[last];

		removed += item.end - item.start;
		if (item.start < start) {
			left[left_count++] = (struct range){item.start, start};
			removed -= start - item.start;
		}
		if (item.end > end) {
			left[left_count++] = (struct range){end, item.end};
			removed -= item.end - end;
		}
	}
	if (last > first && !replace(ranges, first, last, left, left_count))
		return 0;
	return removed;
}

bool ranges_contain(const struct ranges *ranges, uintptr_t start, uintptr_t end)
{
	const size_t found = find(ranges, end);

	return start == end || (found < ranges->count && ranges->items[found].start <= start);
}
