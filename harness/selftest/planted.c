/*
 * libgrowbench-planted.so - a plain allocator with a change of known size, for make bench-exact.
 *
 * Blocks lie in places of powers of two bytes, and stay there as long as they fit.
 * GROWBENCH_PLANTED says what is planted; without it nothing is:
 *
 *     instructions  each malloc and realloc executes two instructions more
 *     copy          the first realloc of a block of 64 KiB and more that could stay moves it
 *     move          each hundredth realloc moves its block
 *     faults        for each 20 pages that blocks grow by, one more is touched
 *     resident      the same for each 10 pages
 *     peak          blocks are a tenth larger than asked for
 */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	COPIED_FROM = 65536,
	MOVED_EACH = 100,
	FAULTS_PERCENT = 5,
	RESIDENT_PERCENT = 10,
	PEAK_PERCENT = 10,
	REGION_BYTES = 1 << 30,
	CLASSES = 27,
	SMALLEST = 32
};

/* Before each block; behind it lie `size` bytes, in a place of SMALLEST << of_class. Of a spare
 * place `next` counts. */
struct head {
	size_t of_class;
	union {
		size_t size;
		struct head *next;
	};
};

static struct {
	atomic_flag lock;
	unsigned char *region;
	size_t used;
	struct head *spare[CLASSES];
	bool instructions;
	bool copy;
	bool move;
	bool peak;
	unsigned percent;
	unsigned char *extra;
	size_t touched;
	size_t owed;
	size_t realloc_count;
} heap = {.lock = ATOMIC_FLAG_INIT};

static unsigned char *new_region(void)
{
	unsigned char *const region = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (region == MAP_FAILED)
		return NULL;
	(void)madvise(region, REGION_BYTES, MADV_NOHUGEPAGE);
	return region;
}

/* Not at the first call, which comes before there is an environment. */
__attribute__((constructor)) static void look(void)
{
	const char *const what = getenv("GROWBENCH_PLANTED");

	if (what == NULL)
		return;
	heap.instructions = strcmp(what, "instructions") == 0;
	heap.copy = strcmp(what, "copy") == 0;
	heap.move = strcmp(what, "move") == 0;
	heap.peak = strcmp(what, "peak") == 0;
	if (strcmp(what, "resident") == 0)
		heap.percent = RESIDENT_PERCENT;
	if (strcmp(what, "faults") == 0)
		heap.percent = FAULTS_PERCENT;
	if (heap.percent > 0)
		heap.extra = new_region();
}

/* What a block that grows by so many bytes brings with it. */
static void grow(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (heap.instructions)
		__asm__ volatile("nop\n\tnop");
	if (heap.extra == NULL)
		return;
	heap.owed += bytes * heap.percent;
	for (; heap.owed >= 100 * page && heap.touched < REGION_BYTES; heap.owed -= 100 * page) {
		((volatile unsigned char *)heap.extra)[heap.touched] = 1;
		heap.touched += page;
	}
}

static struct head *head_of(void *block)
{
	return (struct head *)block - 1;
}

static void *take(size_t asked)
{
	const size_t size = heap.peak ? asked + asked / PEAK_PERCENT : asked;
	size_t of_class = 0;
	struct head *head;

	while (of_class < CLASSES && ((size_t)SMALLEST << of_class) < size + sizeof *head)
		of_class++;
	if (heap.region == NULL)
		heap.region = new_region();
	if (of_class == CLASSES || heap.region == NULL)
		return NULL;
	head = heap.spare[of_class];
	if (head != NULL) {
		heap.spare[of_class] = head->next;
	} else {
		const size_t bytes = (size_t)SMALLEST << of_class;

		if (REGION_BYTES - heap.used < bytes)
			return NULL;
		head = (struct head *)(void *)(heap.region + heap.used);
		heap.used += bytes;
	}
	*head = (struct head){.of_class = of_class, .size = size};
	return head + 1;
}

static void give_back(void *block)
{
	struct head *const head = head_of(block);

	head->next = heap.spare[head->of_class];
	heap.spare[head->of_class] = head;
}

static bool is_to_move(const struct head *head)
{
	if (heap.move && ++heap.realloc_count % MOVED_EACH == 0)
		return true;
	if (!heap.copy || head->size < COPIED_FROM)
		return false;
	heap.copy = false;
	return true;
}

static void *resize(void *block, size_t asked)
{
	struct head *const head = head_of(block);
	const size_t size = heap.peak ? asked + asked / PEAK_PERCENT : asked;
	const size_t room = ((size_t)SMALLEST << head->of_class) - sizeof *head;
	void *other;

	if (size <= room && !is_to_move(head)) {
		head->size = size;
		return block;
	}
	other = take(asked);
	if (other != NULL) {
		memcpy(other, block, head->size < asked ? head->size : asked);
		give_back(block);
	}
	return other;
}

static void lock(void)
{
	while (atomic_flag_test_and_set(&heap.lock))
		;
}

static void *unlock(void *block)
{
	atomic_flag_clear(&heap.lock);
	if (block == NULL)
		errno = ENOMEM;
	return block;
}

/* The C library's parameters have names of its own. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

void *malloc(size_t size)
{
	lock();
	grow(size);
	return unlock(take(size));
}

void *calloc(size_t count, size_t size)
{
	void *block = NULL;

	lock();
	if (size == 0 || count <= REGION_BYTES / size)
		block = take(count * size);
	if (block != NULL)
		memset(block, 0, count * size);
	return unlock(block);
}

void *realloc(void *block, size_t size)
{
	const size_t before = block != NULL ? head_of(block)->size : 0;

	lock();
	grow(size > before ? size - before : 0);
	return unlock(block != NULL ? resize(block, size) : take(size));
}

void free(void *block)
{
	if (block == NULL)
		return;
	lock();
	give_back(block);
	atomic_flag_clear(&heap.lock);
}

size_t malloc_usable_size(void *block)
{
	return block != NULL ? head_of(block)->size : 0;
}

/* Of ours nobody asks for more than every block has. */
int posix_memalign(void **block, size_t alignment, size_t size)
{
	void *const place = alignment <= sizeof(struct head) ? malloc(size) : NULL;

	if (place == NULL)
		return ENOMEM;
	*block = place;
	return 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	void *block = NULL;

	return posix_memalign(&block, alignment, size) == 0 ? block : NULL;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
