/*
 * std_deque - std::deque, one push_back a row.
 *
 * Rows lie in chunks of 512 bytes, or of one row where a row has 512 and more, which are never
 * copied. A map holds the chunks' addresses; the first stands left of its middle, so that there is
 * room on both sides, and when the right side is full a map of 2 m + 2 slots replaces that of m.
 * The next chunk is there as soon as the last one is full. For n rows of b bytes, r = 512 / b
 * rounded down (1 from b = 512 on) rows in a chunk, and k maps of m1 = 8, ..., mk slots after the
 * chunks c1 = 1, ..., ck, of which the last is the first map that has room for n / r + 1 chunks:
 *
 *     calls      n / r + 1 malloc for chunks, k malloc and k - 1 free for maps (none for n = 0)
 *     copied     8 (c2 + ... + ck) bytes: addresses of chunks
 *     peak       b r (n / r + 1) + 8 mk bytes; while the map is replaced b r ck + 8 (m(k-1) + mk),
 *                if that is more
 *
 * operator new counts as malloc, operator delete as free.
 *
 * From: libstdc++ of GCC 12, deque::_M_push_back_aux and deque::_M_reallocate_map.
 */
#include <deque>

#include "../saturating.h"
#include "cpp_container.hh"

template <typename Row> using deque_of = std::deque<Row>;

/* The map, full or not. All in slots, but for the two sums. */
struct map {
	uint64_t slots;
	uint64_t first; /* the slot of the first chunk */
	uint64_t chunks_at_last_growth;
	uint64_t previous_slots;
	uint64_t growth_count;
	uint64_t copied_slots;
};

/* The map that holds so many chunks: about log2(chunks) steps. */
static struct map map_for(uint64_t chunks)
{
	struct map map = {};

	map.slots = 8;
	map.first = 3;
	while (map.slots - map.first < chunks) {
		const uint64_t held = map.slots - map.first;

		map.chunks_at_last_growth = held;
		map.previous_slots = map.slots;
		map.growth_count++;
		map.copied_slots += held;
		map.slots = 2 * map.slots + 2;
		map.first = (map.slots - (held + 1)) / 2;
	}
	return map;
}

static void cost(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t slot_bytes = sizeof(void *);
	const uint64_t chunk_rows = row_bytes < 512 ? 512 / row_bytes : 1;
	const uint64_t chunk_bytes = chunk_rows * row_bytes;
	const uint64_t chunks = saturating_add(rows / chunk_rows, 1);
	const struct map map = map_for(chunks < UINT64_MAX / 4 ? chunks : UINT64_MAX / 4);
	const uint64_t map_bytes = saturating_multiply(map.slots, slot_bytes);
	const uint64_t previous_map_bytes = saturating_multiply(map.previous_slots, slot_bytes);

	*cost = {};
	if (rows == 0)
		return;
	cost->malloc_count = saturating_add(chunks, 1 + map.growth_count);
	cost->free_count = map.growth_count;
	cost->copied_bytes = saturating_multiply(map.copied_slots, slot_bytes);
	cost->final_bytes = saturating_add(saturating_multiply(chunks, chunk_bytes), map_bytes);
	cost->peak_bytes =
		larger(cost->final_bytes,
		       saturating_add(saturating_multiply(map.chunks_at_last_growth, chunk_bytes),
				      saturating_add(previous_map_bytes, map_bytes)));
	cost->peak_moving_bytes = cost->peak_bytes;
}

extern "C" const struct strategy strategy_std_deque = container_strategy<deque_of>(
	"std_deque", "Append to a std::deque with push_back", "chunked_list", cost);
