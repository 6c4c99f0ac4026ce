/*
 * probe_values.h - the probes, and how they take their values. For probes*.c.
 */
#ifndef GROWBENCH_HARNESS_PROBE_VALUES_H
#define GROWBENCH_HARNESS_PROBE_VALUES_H

#include "harness/worker/probe.h"

/*
 * Takes values, each by one call of `value`, which stores the nanoseconds of one operation in *ns.
 * The first value is not used: it brings code and tables to where they belong. A call that does not
 * return PROBE_OK ends it, and *error is set by then.
 */
enum probe_status probe_take(enum probe_status (*value)(void *context, double *ns,
							struct error *error),
			     void *context, struct probe_result *result, struct error *error);

/* The same for an operation that can be done again and again: `operations` does `count` of them,
 * as many as make a value long enough. */
enum probe_status probe_repeat(void (*operations)(void *context, uint64_t count), void *context,
			       struct probe_result *result, struct error *error);

/* Makes the compiler believe that all memory is read and written here. */
static inline void probe_use(const void *pointer)
{
	__asm__ volatile("" : : "g"(pointer) : "memory");
}

/* A mapping of its own; NULL with *error set. For munmap. */
void *probe_reserve(size_t bytes, int protection, struct error *error);

/* Memory for a probe, each page touched, without huge pages (as malloc's is by default); NULL with
 * *error set. For munmap. */
void *probe_map(size_t bytes, struct error *error);

/* The size of an ordinary page. */
size_t probe_page_bytes(void);

/* `bytes` rounded up to whole pages. */
size_t probe_whole_pages(size_t bytes);

/* probes_memory.c */
enum probe_status probe_store(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_copy(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_chase(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_append(size_t bytes, struct probe_result *result, struct error *error);

/* Writes whole cache lines, in order, with 16-byte stores. */
void probe_store_lines(unsigned char *memory, size_t bytes, uint64_t number);

/* Links the cache lines of a working set into one cycle in random order: the first 8 bytes of each
 * become the address of the next. `lines` is 1 and more. */
void probe_link_lines(unsigned char *memory, size_t lines);

enum {
	PROBE_LINE_BYTES = 64
};

/* probes_pages.c */
enum probe_status probe_touch(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_untouch(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_touch_huge(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_untouch_huge(size_t bytes, struct probe_result *result,
				     struct error *error);
enum probe_status probe_fill_huge(size_t bytes, struct probe_result *result, struct error *error);

/* probes_calls.c */
enum probe_status probe_mmap_munmap(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_mremap(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_mremap_grow(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_brk(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_mprotect(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_system_call(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_clock(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_instruction(size_t bytes, struct probe_result *result, struct error *error);

/* probes_allocator.c */
enum probe_status probe_malloc_free(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_malloc_run(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_free_run(size_t bytes, struct probe_result *result, struct error *error);
enum probe_status probe_realloc_in_place(size_t bytes, struct probe_result *result,
					 struct error *error);

#endif
