#include "harness/worker/aged.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/common/random.h"
#include "harness/common/text.h"
#include "harness/worker/memory.h"

enum {
	PLACES = 1 << 15,
	BLOCKS = 4 * PLACES,
	LEAST_BYTES = 16,
	MOST_DOUBLINGS = 15
};

/* A list of what stays, through the first word of each block, so that a leak checker finds it. */
static _Atomic(void *) staying;

bool aged_seed(uint64_t *seed, struct error *error)
{
	const char *text = getenv(AGED_VARIABLE);

	*seed = 0;
	return text == NULL || parse_seed(text, AGED_VARIABLE, seed, error);
}

static size_t draw_bytes(uint64_t *random)
{
	const uint64_t bits = random_next(random);
	const uint64_t doublings = (uint64_t)__builtin_ctzll(bits | UINT64_C(1) << MOST_DOUBLINGS);
	const uint64_t least = (uint64_t)LEAST_BYTES << doublings;

	return (size_t)(least + (bits >> 32) % least);
}

static void *make_block(size_t bytes)
{
	void *block = malloc(bytes);

	if (block != NULL)
		memset(block, 0x5a, bytes);
	return block;
}

static void keep(void *block)
{
	if (block != NULL)
		*(void **)block = atomic_exchange(&staying, block);
}

void aged_make(unsigned thread)
{
	struct error ignored;
	uint64_t random;
	void **places;

	if (!aged_seed(&random, &ignored) || random == 0)
		return;
	places = memory_map(PLACES * sizeof *places);
	if (places == NULL)
		return;
	random += thread;
	for (size_t i = 0; i < BLOCKS; i++) {
		void **place = &places[random_next(&random) % PLACES];

		free(*place);
		*place = make_block(draw_bytes(&random));
	}
	for (size_t i = 0; i < PLACES; i++)
		if (random_next(&random) % 2 == 0)
			free(places[i]);
		else
			keep(places[i]);
	(void)munmap(places, PLACES * sizeof *places);
}
