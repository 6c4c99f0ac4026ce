/*
 * memory.h - how much memory this process has, and had at most.
 *
 * From /proc/self, read without malloc. Resident memory as in VmRSS; the peak is VmHWM, which the
 * kernel sets back to the present size when 5 is written to /proc/self/clear_refs (proc(5)).
 * Unlike ru_maxrss it is not inherited through fork and exec.
 *
 * The kernel batches these counters per CPU (Linux 6.2 and later: 32 pages, or 2 for each CPU if
 * that is more), so that a peak that is over when it is read may be seen too small by a batch.
 * Before a reset the batches are emptied, as far as a process can do that; memory_resolution tells
 * what is left. That holds for a process that has been on one CPU since exec.
 */
#ifndef GROWBENCH_HARNESS_MEMORY_H
#define GROWBENCH_HARNESS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory of the harness's own, in ordinary pages, straight from the kernel and not from the
 * allocator under measurement; NULL if there is none. Lives as long as the process. */
void *memory_map(size_t bytes);

/* Maps the code and constants of the program and its libraries, as far as they are in the page
 * cache (madvise(2), MADV_POPULATE_READ, Linux 5.14): the first call of a function costs no page
 * fault then, and adds no resident memory that is not the array's. Does nothing where the kernel
 * cannot. */
void memory_map_program(void);

/* For many readings: opens /proc/self/statm, whose resident memory is that of VmRSS and takes a few
 * microseconds to read; -1 if it cannot. The caller closes it. */
int memory_open_resident(void);

/* The resident memory now, from there. */
bool memory_resident(int fd, uint64_t *rss_bytes);

/*
 * Sets the peak back. On success *rss_bytes is the resident memory at that moment; false if this
 * kernel or sandbox does not let us, or there is no memory. The batches are emptied by touching and
 * giving back some 64 new pages; if touch_page_ns is not NULL, it gets what a page took: the price
 * of a page fault in this process at this moment.
 */
bool memory_reset_peak(uint64_t *rss_bytes, double *touch_page_ns);

/* The most resident memory since memory_reset_peak. */
bool memory_peak(uint64_t *peak_bytes);

/* Why the last of the functions here that return false has done so: what was missing, and what the
 * system said. */
const char *memory_why_not(void);

/* The largest difference between a known peak and its reading, in bytes, over peaks that last and
 * peaks that are over, at sizes around 384 KiB, a page apart. False as above. */
bool memory_resolution(uint64_t *resolution_bytes);

/* Touches `bytes` of new memory, a whole number of pages, and reads the peak while they are still
 * there or, if `over`, when they have been given back. False if memory or /proc fails. */
bool memory_peak_of_mapping(size_t bytes, bool over, uint64_t *peak_bytes);

#endif
