/*
 * trace.h - what the allocator was asked for, and what it did, counted exactly and without a clock.
 *
 * libgrowbench-trace.so is preloaded in front of an allocator:
 *
 *     LD_PRELOAD=libgrowbench-trace.so:libjemalloc.so.2 program
 *
 * It defines malloc and its relatives (the aligned family, operator new and delete, and what
 * jemalloc and mimalloc have besides), passes each call on to the next definition, and counts.
 * Nothing is counted but between trace->start and trace->stop of a thread. The counts do not depend
 * on the machine's speed, and are the same in every run unless the allocator itself decides by the
 * clock or by addresses (README.md says what was seen of which).
 *
 * A program that is to be traced links nothing: it asks for the table of functions at run time, and
 * gets NULL if the library is not preloaded:
 *
 *     const struct trace *trace = dlsym(RTLD_DEFAULT, TRACE_SYMBOL);
 *
 * Calls of the system are seen since the kernel sends SIGSYS for each, whoever makes it, so that
 * the C library's own malloc, which calls mmap and brk past the dynamic linker, is seen as well as
 * any other. It is told to by Syscall User Dispatch where there is one (x86-64, Linux 5.11), or
 * else by a seccomp filter, which stays with the threads that have counted and with what they make,
 * and lets them start no other program. GROWBENCH_TRACE_WAY=user_dispatch or seccomp takes just
 * that one. Where neither is offered, or the environment variable GROWBENCH_TRACE_NO_SYSCALLS is
 * set to something but 0, syscalls_unavailable() says why, and system_calls_seen is false in what
 * is counted.
 *
 * The interposer allocates nothing through malloc, holds no lock while the real function runs, and
 * may be called from any number of threads.
 */
#ifndef GROWBENCH_HARNESS_TRACE_H
#define GROWBENCH_HARNESS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_SYMBOL "growbench_trace"
#define TRACE_VERSION 4

/* Calls of the system that succeeded; byte counts are whole pages as the kernel counts them. */
struct trace_system_calls {
	uint64_t mmap_count;
	uint64_t munmap_count;
	uint64_t mremap_count;
	uint64_t brk_count; /* those too that only ask where the break is */
	uint64_t madvise_count;
	uint64_t mprotect_count;
	uint64_t mapped_bytes; /* taken by mmap, growing mremap and brk; address space that is only
				  reserved too */
	uint64_t unmapped_bytes; /* given back by munmap, shrinking mremap and brk, and madvise with
				    MADV_DONTNEED or MADV_FREE */
};

/* What one thread did between start and stop. Only outermost calls count: a malloc within the
 * allocator's own realloc is not the program's. */
struct trace_counts {
	uint64_t malloc_count; /* operator new and new[] included */
	uint64_t calloc_count;
	uint64_t realloc_count; /* of realloc(NULL, n) and failed ones too; reallocarray included,
				   and what made a block larger where it stands (xallocx) */
	uint64_t free_count;    /* operator delete and delete[] and C23's free_sized and
				   free_aligned_sized included; free(NULL) is not counted */
	uint64_t aligned_count; /* aligned_alloc, posix_memalign, memalign, valloc, pvalloc, aligned
				   operator new */
	uint64_t failed_count;  /* of all of these, those that returned no memory */

	/* Of the reallocs; each is in one of in place, moved and failed, but for realloc(NULL, n),
	 * and for realloc(p, 0) where it frees the block and returns NULL. The size before of a
	 * block that was not allocated in a counted region is taken to be malloc_usable_size. */
	uint64_t realloc_in_place_count; /* the block stayed where it was */
	uint64_t realloc_moved_count;    /* the block is elsewhere now, by copying or by mremap */
	uint64_t realloc_remapped_count; /* of these, by mremap */
	uint64_t realloc_shrunk_count;   /* to a smaller size, in place or moved */
	uint64_t realloc_failed_count;
	uint64_t realloc_moved_bytes;    /* requested sizes, before, of the blocks that moved (the
					    new size where that is smaller): the most that can have
					    been copied */
	uint64_t realloc_remapped_bytes; /* of these, of blocks that mremap moved */
	/* Of the reallocs that moved a block by copying, those whose new block lies, in part at
	 * least, where a block was that such a realloc has left since reset, in any thread; and how
	 * many of its bytes do. Requested bytes of both. */
	uint64_t realloc_reused_count;
	uint64_t realloc_reused_bytes;

	bool system_calls_seen;              /* false: realloc_remapped_*, realloc_reused_* and what
						follows are unknown, not 0 */
	struct trace_system_calls allocator; /* made within a call of the allocator */
	struct trace_system_calls program;   /* made by the program itself */
};

/*
 * Bytes live in the blocks that counting threads allocated, in all threads together. A block goes
 * when it is freed, by whom and where ever; one that is resized outside of a counted region goes,
 * too. What the program itself makes writable by mmap and mprotect of anonymous memory counts as
 * requested, and as usable, if system calls are seen; it goes when it is unmapped in a counted
 * region.
 */
struct trace_live {
	uint64_t requested_bytes;
	uint64_t usable_bytes;         /* malloc_usable_size; requested where there is none */
	uint64_t peak_requested_bytes; /* most at once, looked at between calls */
	uint64_t peak_usable_bytes;
	/* Most at once, with both blocks of a realloc that copied. Where system calls are not seen,
	 * a move by mremap counts as a copy, so that it is an upper bound. Of reallocs that move at
	 * the same time in several threads, each sees only its own second block. */
	uint64_t peak_moving_bytes;
	uint64_t window_peak_bytes; /* as peak_moving_bytes, since the last call of live() */
};

struct trace {
	unsigned version; /* TRACE_VERSION */

	/* The function behind ours, of the malloc family in C by its name; NULL if there is none.
	 */
	void *(*real)(const char *name);

	/* Why system calls cannot be seen, or NULL if they can. */
	const char *(*syscalls_unavailable)(void);

	/* How they are: "user_dispatch" or "seccomp"; NULL if they cannot be. */
	const char *(*way)(void);

	/* Forgets all blocks and peaks, and makes room for `blocks` live ones, mapped in and
	 * touched, so that counting takes no new memory (more blocks are possible, but cost some
	 * then). While no thread counts. False without memory. */
	bool (*reset)(size_t blocks);

	/* The calling thread counts from 0, from now on, until stop. To see its system calls, it
	 * gets a handler of SIGSYS, and unblocks that signal. */
	void (*start)(void);
	/* It does no longer; *counts is what it counted. */
	void (*stop)(struct trace_counts *counts);

	/* Between start and stop: leaves out what the calling thread does until resume (reading
	 * /proc, say). */
	void (*pause)(void);
	void (*resume)(void);

	/* What is live now, and the peaks since reset. */
	void (*live)(struct trace_live *live);

	/* Why blocks, or mappings, are missing in what was told since reset, or NULL if none are:
	 * there was no memory for another one in the table of them. The program does not notice. */
	const char *(*incomplete)(void);
};

#endif
