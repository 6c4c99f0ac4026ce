/*
 * huge_pages.h - which sizes of transparent huge pages the kernel gives by itself, and how many
 * page faults brought one.
 *
 * Each size has its own switch (/sys/kernel/mm/transparent_hugepage/hugepages-*kB/enabled, Linux
 * 6.8); before, and where that says "inherit", the one for all (.../enabled) counts. Only the size
 * that one entry of a page's middle directory maps (hpage_pmd_size) is on by default.
 *
 * Faults are the kernel's own counters: .../hugepages-*kB/stats/anon_fault_alloc (Linux 6.10), or
 * thp_fault_alloc in /proc/vmstat, which knows that one size. They are exact, need no rights, cost
 * a few microseconds to read (vmstat: some 30), and are of the whole system: a difference of two
 * readings is too large by the huge faults that other processes took in between, and never too
 * small. A process that takes none at that moment adds nothing, so with one worker at a time and
 * the runner asleep it is mostly this process's own count; a reader who knows how many faults of
 * any kind it took can tell when it cannot be. What is of one process alone does not serve: perf's
 * software events and userfaultfd slow down each fault, smaps knows only what is there when it is
 * read, memory.stat of a control group is brought up to date too late, and kpageflags and
 * tracepoints are root's.
 *
 * Nothing here calls malloc.
 */
#ifndef GROWBENCH_HARNESS_HUGE_PAGES_H
#define GROWBENCH_HARNESS_HUGE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"

enum {
	/* Twice as large as the size before, each of them. */
	HUGE_PAGES_MOST_SIZES = 24
};

/* Page faults that each brought one page of more than the ordinary size. */
struct huge_faults {
	uint64_t count;
	uint64_t bytes; /* that they brought */
};

/* Where faults are counted. */
struct huge_counters {
	size_t count;
	size_t page_bytes[HUGE_PAGES_MOST_SIZES];
	int fd[HUGE_PAGES_MOST_SIZES];
};

/*
 * The sizes that are on, for every program or for one that asks for them (madvise), ascending, at
 * most `most` of them into *sizes; returns how many: 0 where there are none. False with a reason in
 * *why if that cannot be told. `root` stands before all paths: "", or a folder for tests.
 */
bool huge_pages_on(const char *root, size_t *sizes, size_t most, size_t *count, struct error *why);

/* The largest size that the kernel knows, whether it is on or not; 0 if there is none to be seen.
 */
size_t huge_pages_largest(const char *root);

/* Opens the counters of the sizes that are on. False with a reason if one of them is not counted
 * here; nothing is open then. */
bool huge_counters_open(const char *root, struct huge_counters *counters, struct error *why);

/* All faults so far; false if they cannot be read. */
bool huge_counters_read(const struct huge_counters *counters, struct huge_faults *faults);

void huge_counters_close(struct huge_counters *counters);

#endif
