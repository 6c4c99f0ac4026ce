#include "harness/profile/growth.h"

#include <stdlib.h>
#include <string.h>

enum {
	SIZE_CLASSES = 64,
	SITE_SLOTS = 2 * GROWTH_MOST_GROUPS,
};

/* A block that lives, and was resized. */
struct open_block {
	uint64_t born;
	uint64_t until;
	struct growth_reallocs done;  /* up to the last one that made it larger */
	struct growth_reallocs since; /* behind that */
	struct growth_sizes sizes;
	uint32_t stack;
	uint32_t next; /* of those that are free */
};

/* A group, and what its blocks have in common. */
struct site {
	uint64_t key;
	uint32_t place; /* among the sorted ones */
	struct growth_group group;
};

struct growth {
	const struct profile *profile;
	struct growth_settings settings;
	struct open_block *open; /* open[0] is none */
	size_t open_count;
	size_t open_room;
	uint32_t free_open;
	struct site *sites;
	size_t site_count;
	size_t site_room;
	uint32_t *slots;    /* of a hash table: sites + 1, by key; 0: none */
	uint32_t *by_stack; /* the same by stack, of those that were looked up */
	struct growth_group all;
	struct growth_group largest[GROWTH_SHOWN];
	size_t largest_count;
	struct growth_block *blocks;
	size_t block_count;
	size_t block_room;
	uint64_t least_bytes;
};

/* Makes room for one more than *count; false: no memory. */
static bool make_room(void **items, size_t count, size_t *room, size_t item_bytes)
{
	const size_t wanted = *room == 0 ? 64 : 2 * *room;
	void *grown;

	if (count < *room)
		return true;
	grown = realloc(*items, wanted * item_bytes);
	if (grown == NULL)
		return false;
	*items = grown;
	*room = wanted;
	return true;
}

struct growth *growth_new(const struct profile *profile, const struct growth_settings *settings)
{
	struct growth *growth = calloc(1, sizeof *growth);

	if (growth == NULL)
		return NULL;
	growth->profile = profile;
	growth->settings = *settings;
	growth->open_count = 1;
	growth->all.stack = PROFILE_NONE;
	growth->slots = calloc(SITE_SLOTS, sizeof *growth->slots);
	growth->by_stack = calloc((size_t)settings->stack_count + 1, sizeof *growth->by_stack);
	if (growth->slots != NULL && growth->by_stack != NULL &&
	    make_room((void **)&growth->open, 0, &growth->open_room, sizeof *growth->open))
		return growth;
	growth_free(growth);
	return NULL;
}

void growth_free(struct growth *growth)
{
	if (growth == NULL)
		return;
	free(growth->open);
	free(growth->sites);
	free(growth->slots);
	free(growth->by_stack);
	free(growth->blocks);
	free(growth);
}

/* ---- one block ---- */

static void add_reallocs(struct growth_reallocs *sum, const struct growth_reallocs *more)
{
	sum->count += more->count;
	sum->bytes += more->bytes;
	sum->moved_count += more->moved_count;
	sum->moved_bytes += more->moved_bytes;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Its number, or 0 if there is no memory. */
static uint32_t open_block(struct growth *growth, uint64_t born, uint64_t first_bytes)
{
	uint32_t number = growth->free_open;

	if (number != 0) {
		growth->free_open = growth->open[number].next;
	} else {
		if (growth->open_count > UINT32_MAX ||
		    !make_room((void **)&growth->open, growth->open_count, &growth->open_room,
			       sizeof *growth->open))
			return 0;
		number = (uint32_t)growth->open_count++;
	}
	growth->open[number] = (struct open_block){
		.born = born,
		.sizes = {.least_first_bytes = first_bytes,
			  .most_first_bytes = first_bytes,
			  .least_largest_bytes = first_bytes,
			  .most_largest_bytes = first_bytes,
			  .least_step_bytes = UINT64_MAX},
	};
	return number;
}

static void make_larger(struct open_block *block, const struct profile_event *event,
			uint64_t number)
{
	const uint64_t step = event->bytes - event->old_bytes;
	struct growth_sizes *sizes = &block->sizes;

	add_reallocs(&block->done, &block->since);
	memset(&block->since, 0, sizeof block->since);
	block->until = number;
	block->stack = event->stack;
	sizes->most_largest_bytes = most(sizes->most_largest_bytes, event->bytes);
	sizes->least_largest_bytes = sizes->most_largest_bytes;
	sizes->least_step_bytes = least(sizes->least_step_bytes, step);
	sizes->most_step_bytes = most(sizes->most_step_bytes, step);
}

bool growth_realloc(struct growth *growth, const struct profile_event *event, uint64_t number,
		    uint64_t born, uint32_t *open)
{
	const bool larger = event->bytes > event->old_bytes;
	const uint64_t bytes = least(event->bytes, event->old_bytes);
	struct growth_reallocs one = {.count = 1, .bytes = bytes};

	if (*open == 0)
		*open = open_block(growth, born, event->old_bytes);
	if (*open == 0)
		return false;
	if (event->moved) {
		one.moved_count = 1;
		one.moved_bytes = bytes;
	}
	add_reallocs(&growth->open[*open].since, &one);
	if (larger)
		make_larger(&growth->open[*open], event, number);
	return true;
}

/* ---- groups ---- */

/* The power of two that is not above: 0 of 0 and 1. */
static unsigned size_class(uint64_t bytes)
{
	return bytes < 2 ? 0 : 63U - (unsigned)__builtin_clzll(bytes);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15U;
	return hash ^ hash >> 29;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = mix(hash, (unsigned char)*text);
	return hash;
}

/* What two blocks of a group have in common. */
static uint64_t place_of(const struct growth *growth, const struct open_block *block)
{
	struct profile_frame frames[PROFILE_MOST_FRAMES];
	size_t count = block->stack == PROFILE_NONE
			       ? 0
			       : profile_stack(growth->profile, block->stack, frames);
	uint64_t hash = 0;

	if (count == 0)
		return (uint64_t)size_class(block->sizes.least_first_bytes) * SIZE_CLASSES +
		       size_class(block->sizes.most_largest_bytes);
	for (size_t i = 0; i < count && i < growth->settings.frames; i++)
		hash = mix(hash_text(hash, frames[i].module), frames[i].offset);
	/* Apart from places without a stack. */
	return hash | (uint64_t)1 << 63;
}

static void join(struct growth_group *group, const struct growth_group *other)
{
	struct growth_sizes *sizes = &group->sizes;
	const struct growth_sizes *more = &other->sizes;

	if (group->block_count == 0)
		*sizes = *more;
	group->block_count += other->block_count;
	group->most_reallocs = most(group->most_reallocs, other->most_reallocs);
	add_reallocs(&group->reallocs, &other->reallocs);
	add_reallocs(&group->doubling, &other->doubling);
	sizes->least_first_bytes = least(sizes->least_first_bytes, more->least_first_bytes);
	sizes->most_first_bytes = most(sizes->most_first_bytes, more->most_first_bytes);
	sizes->least_largest_bytes = least(sizes->least_largest_bytes, more->least_largest_bytes);
	sizes->most_largest_bytes = most(sizes->most_largest_bytes, more->most_largest_bytes);
	sizes->least_step_bytes = least(sizes->least_step_bytes, more->least_step_bytes);
	sizes->most_step_bytes = most(sizes->most_step_bytes, more->most_step_bytes);
}

/* The site of that key, made if there is none; NULL: no memory. */
static struct site *find_site(struct growth *growth, uint64_t key, uint32_t stack)
{
	size_t slot = (size_t)mix(0, key) % SITE_SLOTS;
	struct site *site;

	while (growth->slots[slot] != 0) {
		site = &growth->sites[growth->slots[slot] - 1];
		if (site->key == key)
			return site;
		slot = (slot + 1) % SITE_SLOTS;
	}
	/* The last one is of all the others. */
	if (growth->site_count >= GROWTH_MOST_GROUPS)
		return &growth->sites[GROWTH_MOST_GROUPS - 1];
	if (!make_room((void **)&growth->sites, growth->site_count, &growth->site_room,
		       sizeof *growth->sites))
		return NULL;
	site = &growth->sites[growth->site_count++];
	if (growth->site_count == GROWTH_MOST_GROUPS)
		stack = PROFILE_NONE;
	*site = (struct site){.key = key, .group = {.stack = stack}};
	growth->slots[slot] = (uint32_t)growth->site_count;
	return site;
}

static struct site *site_of(struct growth *growth, const struct open_block *block)
{
	const bool known = block->stack != PROFILE_NONE;
	struct site *site;

	if (known && growth->by_stack[block->stack] != 0)
		return &growth->sites[growth->by_stack[block->stack] - 1];
	site = find_site(growth, place_of(growth, block), block->stack);
	if (known && site != NULL)
		growth->by_stack[block->stack] = (uint32_t)(site - growth->sites) + 1;
	return site;
}

/* From the first size, or one byte, until the largest one fits. */
static struct growth_reallocs doubling_of(const struct growth_sizes *sizes)
{
	struct growth_reallocs doubling = {.count = 0};
	uint64_t room = most(sizes->least_first_bytes, 1);

	while (room < sizes->most_largest_bytes) {
		doubling.count++;
		doubling.bytes += room;
		room *= 2;
	}
	return doubling;
}

/* Keeps the largest ones in order. */
static void keep_largest(struct growth *growth, const struct growth_group *block)
{
	size_t place = growth->largest_count;

	while (place > 0 && growth->largest[place - 1].reallocs.bytes < block->reallocs.bytes)
		place--;
	if (place == GROWTH_SHOWN)
		return;
	if (growth->largest_count < GROWTH_SHOWN)
		growth->largest_count++;
	memmove(&growth->largest[place + 1], &growth->largest[place],
		(growth->largest_count - place - 1) * sizeof *growth->largest);
	growth->largest[place] = *block;
}

/* ---- blocks, one by one ---- */

/* Leaves out those that stayed small, so that there is room again. */
static void drop_small(struct growth *growth)
{
	size_t kept = growth->block_count;

	while (kept > growth->settings.most_kept / 2) {
		growth->least_bytes = most(2 * growth->least_bytes, 2);
		kept = 0;
		for (size_t i = 0; i < growth->block_count; i++)
			if (growth->blocks[i].largest_bytes >= growth->least_bytes)
				growth->blocks[kept++] = growth->blocks[i];
		growth->block_count = kept;
	}
}

static bool keep_block(struct growth *growth, const struct growth_block *block)
{
	if (growth->settings.most_kept == 0)
		return true;
	if (growth->block_count >= growth->settings.most_kept)
		drop_small(growth);
	if (block->largest_bytes < growth->least_bytes)
		return true;
	if (!make_room((void **)&growth->blocks, growth->block_count, &growth->block_room,
		       sizeof *growth->blocks))
		return false;
	growth->blocks[growth->block_count++] = *block;
	return true;
}

/* A block that grew is told of, and kept. */
static bool tell_block(struct growth *growth, const struct open_block *block)
{
	const struct growth_group one = {
		.stack = block->stack,
		.block_count = 1,
		.most_reallocs = block->done.count,
		.reallocs = block->done,
		.sizes = block->sizes,
		.doubling = doubling_of(&block->sizes),
	};
	struct site *site = site_of(growth, block);

	if (site == NULL)
		return false;
	join(&site->group, &one);
	join(&growth->all, &one);
	keep_largest(growth, &one);
	return keep_block(growth, &(struct growth_block){block->born, block->until,
							 block->sizes.most_largest_bytes,
							 (uint32_t)(site - growth->sites)});
}

bool growth_block_ends(struct growth *growth, uint32_t open)
{
	struct open_block *const block = &growth->open[open];

	if (open == 0)
		return true;
	block->next = growth->free_open;
	growth->free_open = open;
	return block->done.count == 0 || block->done.count < growth->settings.least_reallocs ||
	       tell_block(growth, block);
}

/* ---- the end ---- */

static int by_bytes(const void *a, const void *b)
{
	const struct growth_group *x = &((const struct site *)a)->group;
	const struct growth_group *y = &((const struct site *)b)->group;

	if (x->reallocs.bytes != y->reallocs.bytes)
		return x->reallocs.bytes > y->reallocs.bytes ? -1 : 1;
	if (x->reallocs.count != y->reallocs.count)
		return x->reallocs.count > y->reallocs.count ? -1 : 1;
	return (x->stack > y->stack) - (x->stack < y->stack);
}

static int by_birth(const void *a, const void *b)
{
	const struct growth_block *x = a;
	const struct growth_block *y = b;

	return (x->born > y->born) - (x->born < y->born);
}

bool growth_finish(struct growth *growth)
{
	uint32_t *places = calloc(growth->site_count + 1, sizeof *places);

	if (places == NULL)
		return false;
	for (size_t i = 0; i < growth->site_count; i++)
		growth->sites[i].place = (uint32_t)i;
	if (growth->site_count > 0)
		qsort(growth->sites, growth->site_count, sizeof *growth->sites, by_bytes);
	for (size_t i = 0; i < growth->site_count; i++)
		places[growth->sites[i].place] = (uint32_t)i;
	for (size_t i = 0; i < growth->block_count; i++)
		growth->blocks[i].group = places[growth->blocks[i].group];
	free(places);
	if (growth->block_count > 0)
		qsort(growth->blocks, growth->block_count, sizeof *growth->blocks, by_birth);
	return true;
}

size_t growth_group_count(const struct growth *growth)
{
	return growth->site_count;
}

const struct growth_group *growth_group(const struct growth *growth, size_t place)
{
	return &growth->sites[place].group;
}

const struct growth_group *growth_all(const struct growth *growth)
{
	return &growth->all;
}

const struct growth_group *growth_largest(const struct growth *growth, size_t *count)
{
	*count = growth->largest_count;
	return growth->largest;
}

const struct growth_block *growth_blocks(const struct growth *growth, size_t *count,
					 uint64_t *least_bytes)
{
	*count = growth->block_count;
	*least_bytes = growth->least_bytes;
	return growth->blocks;
}
