#include "row_source.h"

#include "checksum.h"

const char *const row_work_names[] = {
	[ROW_WORK_CHEAP] = "cheap",
	[ROW_WORK_RANDOM] = "random",
	NULL,
};

/* Any number will do: splitmix64 has one cycle through all states. */
#define RANDOM_SEED UINT64_C(0x67726f7762656e63)

/*
 * splitmix64: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators",
 * OOPSLA 2014, with the constants of S. Vigna's public-domain version (prng.di.unimi.it). One word
 * of state, and no result depends on the one before but through an addition.
 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

/* The upper 53 bits, as many as a double's significand has, scaled to [0, 1). */
static double unit_interval(uint64_t random)
{
	return (double)(random >> 11) * 0x1.0p-53;
}

/* Small rows are numbered this many calls ahead; large ones in place, since several of them would
 * crowd the first cache level, and their copy is long against the wait. */
enum {
	SLOTS = 4,
	SMALL_ROW_BYTES = 512,
	CACHE_LINE_BYTES = 64
};

static size_t slots_for(size_t row_bytes)
{
	return row_bytes <= SMALL_ROW_BYTES ? SLOTS : 1;
}

static size_t slot_bytes_for(size_t row_bytes)
{
	return slots_for(row_bytes) == 1
		       ? row_bytes
		       : (row_bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
}

size_t row_source_buffer_bytes(size_t row_bytes)
{
	return slots_for(row_bytes) * slot_bytes_for(row_bytes);
}

void row_source_init(struct row_source *source, void *buffer, size_t row_bytes, enum row_work work)
{
	*source = (struct row_source){
		.buffer = buffer,
		.row_bytes = row_bytes,
		.slot_bytes = slot_bytes_for(row_bytes),
		.slot_mask = slots_for(row_bytes) - 1,
		.work = work,
	};
	/* Never zero, so that memory which nobody wrote to cannot pass for a row; and a prime
	 * period, so that a row shifted by a few bytes is another row. */
	for (uint64_t slot = 0; slot <= source->slot_mask; slot++)
		for (size_t i = 0; i < row_bytes; i++)
			source->buffer[slot * source->slot_bytes + i] =
				(unsigned char)(i % 251 + 1);
	row_source_rewind(source);
}

void row_source_rewind(struct row_source *source)
{
	source->position = 0;
	source->random_state = RANDOM_SEED;
	if (source->work == ROW_WORK_CHEAP)
		for (uint64_t number = 0; number < source->slot_mask; number++)
			row_source_number(source, number);
}

uint64_t row_source_checksum(struct row_source *source, size_t rows)
{
	struct checksum checksum = {0};

	row_source_rewind(source);
	for (size_t row = 0; row < rows; row++)
		checksum_rows(&checksum, row_source_next(source), 1, source->row_bytes);
	row_source_rewind(source);
	return checksum_value(&checksum);
}

void row_source_draw(struct row_source *source, unsigned char *row)
{
	const size_t doubles = source->row_bytes / sizeof(double);
	const size_t tail = source->row_bytes % sizeof(double);
	unsigned char *place = row;

	for (size_t i = 0; i < doubles; i++) {
		const double value = unit_interval(next_random(&source->random_state));

		memcpy(place, &value, sizeof value);
		place += sizeof value;
	}
	if (tail != 0) {
		const uint64_t random = next_random(&source->random_state);

		memcpy(place, &random, tail);
	}
}
