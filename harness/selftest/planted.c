/*
 * libgrowbench-planted.so - glibc's malloc with a change of known size, for make bench-exact.
 *
 * GROWBENCH_PLANTED says which; without it there is none:
 *
 *     instructions  each malloc and realloc executes two instructions more
 *     copy          the first realloc of a block of 64 KiB and more copies it
 *     move          each hundredth realloc moves its block
 *     faults        for each 20 pages that a block grows by, one more is touched
 *     peak          blocks are a tenth larger than asked for, and for each 10 pages one is touched
 */
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	COPIED_FROM = 65536,
	MOVED_EACH = 100,
	FAULTS_PERCENT = 5,
	PEAK_PERCENT = 10,
	REGION_BYTES = 1 << 28
};

/* NOLINTBEGIN(bugprone-reserved-identifier) - the C library's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);
/* NOLINTEND(bugprone-reserved-identifier) */

static struct {
	bool known;
	bool instructions;
	bool copy;
	bool move;
	bool peak;
	unsigned percent;
	unsigned char *region;
	size_t touched;
	size_t owed;
	size_t realloc_count;
} plant;

static void look(void)
{
	const char *const what = getenv("GROWBENCH_PLANTED");

	plant.known = true;
	if (what == NULL)
		return;
	plant.instructions = strcmp(what, "instructions") == 0;
	plant.copy = strcmp(what, "copy") == 0;
	plant.move = strcmp(what, "move") == 0;
	plant.peak = strcmp(what, "peak") == 0;
	plant.percent = plant.peak                    ? PEAK_PERCENT
			: strcmp(what, "faults") == 0 ? FAULTS_PERCENT
						      : 0;
	if (plant.percent == 0)
		return;
	plant.region = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (plant.region == MAP_FAILED)
		plant.percent = 0;
	else
		(void)madvise(plant.region, REGION_BYTES, MADV_NOHUGEPAGE);
}

/* What a block that grows by so many bytes brings with it. */
static void grow(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (plant.instructions)
		__asm__ volatile("nop\n\tnop");
	if (plant.percent == 0)
		return;
	plant.owed += bytes * plant.percent;
	for (; plant.owed >= 100 * page && plant.touched < REGION_BYTES; plant.owed -= 100 * page) {
		((volatile unsigned char *)plant.region)[plant.touched] = 1;
		plant.touched += page;
	}
}

static size_t enlarged(size_t size)
{
	return plant.peak ? size + size / PEAK_PERCENT : size;
}

static void *moved(void *block, size_t before, size_t size)
{
	void *const other = __libc_malloc(size);

	if (other != NULL) {
		memcpy(other, block, before < size ? before : size);
		__libc_free(block);
	}
	return other;
}

/* The C library's parameters have names of its own. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

void *malloc(size_t size)
{
	if (!plant.known)
		look();
	grow(size);
	return __libc_malloc(enlarged(size));
}

void *calloc(size_t count, size_t size)
{
	return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
	const size_t before = block != NULL ? malloc_usable_size(block) : 0;

	if (!plant.known)
		look();
	grow(size > before ? size - before : 0);
	if (block == NULL || size == 0)
		return __libc_realloc(block, enlarged(size));
	if (plant.move && ++plant.realloc_count % MOVED_EACH == 0)
		return moved(block, before, size);
	if (plant.copy && before >= COPIED_FROM) {
		plant.copy = false;
		return moved(block, before, size);
	}
	return __libc_realloc(block, enlarged(size));
}

void free(void *block)
{
	__libc_free(block);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
