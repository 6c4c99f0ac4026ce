/*
 * The interposer in front of whichever allocator is preloaded behind it: known calls have known
 * counts. What an allocator is free to decide (whether a realloc moves) is compared with what this
 * program sees of it.
 */
#include "kernels/tests/cmocka_headers.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/tests/support.h"
#include "harness/trace/tests/early.h"
#include "harness/trace/trace.h"
#include "kernels/strategy.h"

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

static const struct trace *trace;
static struct trace_counts counts;
static struct trace_live live;

static void start(void)
{
	assert_true(trace->reset(1000));
	trace->start();
}

static void stop(void)
{
	trace->stop(&counts);
	trace->live(&live);
}

static uint64_t all_calls(const struct trace_counts *of)
{
	return of->malloc_count + of->calloc_count + of->realloc_count + of->free_count +
	       of->aligned_count;
}

/* Does the allocator supply the function, or does the C library, whose blocks the allocator could
 * not free? */
static bool supplied(const char *name)
{
	Dl_info function;
	Dl_info allocator;
	void *address = trace->real(name);

	return address != NULL && dladdr(address, &function) != 0 &&
	       dladdr(trace->real("malloc"), &allocator) != 0 &&
	       function.dli_fbase == allocator.dli_fbase;
}

static bool syscalls_unavailable(void)
{
	return trace->syscalls_unavailable() != NULL;
}

static void skip_without_system_calls(void)
{
	if (syscalls_unavailable())
		SKIP_BECAUSE("system calls cannot be seen");
}

/* Are system calls seen by a seccomp filter? */
static bool filtered(void)
{
	return !syscalls_unavailable() && strcmp(trace->way(), "seccomp") == 0;
}

static void nothing_is_counted_of_an_empty_region(void **state)
{
	(void)state;
	start();
	stop();
	assert_int_equal(all_calls(&counts), 0);
	assert_int_equal(counts.failed_count, 0);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(live.peak_usable_bytes, 0);
}

static void each_function_is_counted_once(void **state)
{
	void *blocks[10] = {NULL};
	size_t used = 0;
	size_t bytes = 0;

	(void)state;
	start();
	for (size_t i = 1; i <= 3; i++)
		blocks[used++] = malloc(100 * i);
	blocks[used++] = calloc(7, 11);
	blocks[used++] = realloc(NULL, 50);
	blocks[used++] = reallocarray(NULL, 3, 5);
	blocks[used++] = aligned_alloc(64, 128);
	assert_int_equal(posix_memalign(&blocks[used++], 256, 1000), 0);
	blocks[used++] = memalign(32, 10);
	blocks[used++] = valloc(20);
	stop();
	assert_int_equal(counts.malloc_count, 3);
	assert_int_equal(counts.calloc_count, 1);
	assert_int_equal(counts.realloc_count, 2);
	assert_int_equal(counts.aligned_count, 4);
	assert_int_equal(counts.free_count, 0);
	assert_int_equal(counts.failed_count, 0);
	assert_int_equal(counts.realloc_in_place_count + counts.realloc_moved_count, 0);
	bytes = 600 + 77 + 50 + 15 + 128 + 1000 + 10 + 20;
	assert_int_equal(live.requested_bytes, bytes);
	assert_int_equal(live.peak_requested_bytes, bytes);
	assert_int_equal(live.peak_moving_bytes, bytes);
	bytes = 0;
	for (size_t i = 0; i < used; i++) {
		assert_non_null(blocks[i]);
		bytes += malloc_usable_size(blocks[i]);
	}
	assert_int_equal(live.usable_bytes, bytes);
	assert_int_equal(live.peak_usable_bytes, bytes);

	trace->start();
	for (size_t i = 0; i < used; i++)
		free(blocks[i]);
	free(NULL);
	stop();
	assert_int_equal(counts.free_count, used);
	assert_int_equal(all_calls(&counts), used);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(live.usable_bytes, 0);
	assert_int_equal(live.peak_usable_bytes, bytes);
}

/* Not in the headers of C libraries before glibc 2.43; the interposer has them everywhere. */
static void a_sized_free_is_a_free(void **state)
{
	void (*free_sized)(void *block, size_t bytes);
	void (*free_aligned_sized)(void *block, size_t alignment, size_t bytes);

	(void)state;
	*(void **)&free_sized = dlsym(RTLD_DEFAULT, "free_sized");
	*(void **)&free_aligned_sized = dlsym(RTLD_DEFAULT, "free_aligned_sized");
	assert_non_null(free_sized);
	assert_non_null(free_aligned_sized);
	start();
	free_sized(malloc(100), 100);
	free_aligned_sized(aligned_alloc(64, 128), 64, 128);
	stop();
	assert_int_equal(counts.free_count, 2);
	assert_int_equal(all_calls(&counts), 4);
	assert_int_equal(live.requested_bytes, 0);
}

static void pvalloc_is_counted_where_the_allocator_has_it(void **state)
{
	void *block;

	(void)state;
	if (!supplied("pvalloc"))
		SKIP_BECAUSE("the allocator has no pvalloc");
	start();
	block = pvalloc(10);
	free(block);
	stop();
	assert_int_equal(counts.aligned_count, 1);
	assert_int_equal(counts.free_count, 1);
	assert_int_equal(live.peak_requested_bytes, 10);
}

/* So large that no allocator has it, in a variable that the compiler does not look into. */
static volatile size_t too_much = PTRDIFF_MAX / 2;

static void calls_that_fail_are_counted_as_such(void **state)
{
	void *block;
	void *volatile kept; /* which the compiler does not take for freed */
	void *aligned = NULL;

	(void)state;
	start();
	block = malloc(100);
	kept = block;
	assert_null(malloc(too_much));
	assert_null(calloc(too_much, 16));
	assert_null(realloc(block, too_much));
	assert_null(reallocarray(block, too_much, 16));
	assert_int_not_equal(posix_memalign(&aligned, 64, too_much), 0);
	stop();
	assert_int_equal(counts.malloc_count, 2);
	assert_int_equal(counts.calloc_count, 1);
	assert_int_equal(counts.realloc_count, 2);
	assert_int_equal(counts.realloc_failed_count, 2);
	assert_int_equal(counts.aligned_count, 1);
	assert_int_equal(counts.failed_count, 5);
	assert_int_equal(live.requested_bytes, 100);
	assert_int_equal(live.peak_moving_bytes, 100);
	trace->start();
	free(kept);
	stop();
	assert_int_equal(live.requested_bytes, 0);
}

static void errno_is_that_of_the_allocator(void **state)
{
	/* Where the kernel refuses brk (QEMU), TCMalloc leaves its error in errno once, and takes
	 * mmap from then on. */
	void *volatile first = realloc(malloc(1 << 22), 1 << 23);
	void *block;

	(void)state;
	start();
	errno = EXDEV;
	block = malloc(1 << 22);
	block = realloc(block, 1 << 23);
	free(block);
	assert_int_equal(errno, EXDEV);
	stop();
	free(first);
}

static void nothing_counts_outside_of_a_region(void **state)
{
	void *before = malloc(10);
	void *inside;
	void *paused;

	(void)state;
	start();
	free(before);
	inside = malloc(20);
	trace->pause();
	paused = malloc(40);
	free(malloc(80));
	trace->resume();
	stop();
	free(malloc(160));
	assert_int_equal(counts.malloc_count, 1);
	assert_int_equal(counts.free_count, 1);
	assert_int_equal(live.requested_bytes, 20);
	assert_int_equal(live.peak_requested_bytes, 20);
	/* What is live goes, wherever it is freed. */
	free(inside);
	free(paused);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(live.usable_bytes, 0);
}

static void a_reset_forgets_blocks_and_peaks(void **state)
{
	void *block;

	(void)state;
	start();
	block = malloc(1000);
	stop();
	assert_true(trace->reset(0));
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(live.peak_requested_bytes, 0);
	assert_int_equal(live.peak_moving_bytes, 0);
	assert_int_equal(live.peak_usable_bytes, 0);
	free(block);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
}

static void peaks_are_between_calls(void **state)
{
	void *a;
	void *b;

	(void)state;
	start();
	a = malloc(100);
	b = malloc(200);
	free(a);
	trace->live(&live);
	assert_int_equal(live.window_peak_bytes, 300);
	assert_int_equal(live.requested_bytes, 200);
	a = malloc(50);
	trace->live(&live);
	assert_int_equal(live.window_peak_bytes, 250);
	trace->live(&live);
	assert_int_equal(live.window_peak_bytes, 250);
	free(a);
	free(b);
	trace->live(&live);
	assert_int_equal(live.window_peak_bytes, 250);
	trace->live(&live);
	assert_int_equal(live.window_peak_bytes, 0);
	stop();
	assert_int_equal(live.peak_requested_bytes, 300);
	assert_int_equal(live.peak_moving_bytes, 300);
}

/* What this program sees of its own reallocs. */
struct seen {
	uint64_t in_place;
	uint64_t moved;
	uint64_t shrunk;
	uint64_t moved_bytes;
	/* Where blocks were that moved, and the bytes of later ones that lie there. */
	struct {
		uintptr_t start;
		uintptr_t end;
	} left[4096];
	size_t left_count;
	uint64_t reused;
	uint64_t reused_bytes;
	size_t other_bytes;         /* live in other blocks */
	uint64_t most_moving_bytes; /* live at once, if all were copied */
};

static void add_left(struct seen *seen, uintptr_t start, uintptr_t end)
{
	if (start >= end)
		return;
	assert_in_range(seen->left_count, 0, sizeof seen->left / sizeof *seen->left - 1);
	seen->left[seen->left_count].start = start;
	seen->left[seen->left_count++].end = end;
}

/* Takes these addresses out of the places that were left; how many were there? */
static uint64_t take_left(struct seen *seen, uintptr_t start, uintptr_t end)
{
	const size_t count = seen->left_count;
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		const uintptr_t from = seen->left[i].start;
		const uintptr_t to = seen->left[i].end;

		if (to <= start || from >= end)
			continue;
		bytes += (to < end ? to : end) - (from > start ? from : start);
		add_left(seen, from, start);
		add_left(seen, end, to);
		seen->left[i].end = from;
	}
	return bytes;
}

static void *seen_realloc(struct seen *seen, void *block, size_t old_bytes, size_t bytes)
{
	const uintptr_t before = (uintptr_t)block;
	void *result = realloc(block, bytes);
	uint64_t reused;

	seen->shrunk += bytes < old_bytes;
	if ((uintptr_t)result == before) {
		seen->in_place++;
		return result;
	}
	seen->moved++;
	reused = take_left(seen, (uintptr_t)result, (uintptr_t)result + bytes);
	seen->reused += reused > 0;
	seen->reused_bytes += reused;
	/* A block that has grown in place may lie on such a place already. */
	(void)take_left(seen, before, before + old_bytes);
	add_left(seen, before, before + old_bytes);
	seen->moved_bytes += bytes < old_bytes ? bytes : old_bytes;
	if (seen->other_bytes + old_bytes + bytes > seen->most_moving_bytes)
		seen->most_moving_bytes = seen->other_bytes + old_bytes + bytes;
	return result;
}

static void reallocs_stay_or_move_as_the_addresses_say(void **state)
{
	struct seen seen = {0};
	size_t bytes = 8;
	void *block;
	void *between[64];

	(void)state;
	start();
	block = malloc(bytes);
	for (size_t i = 0; i < 64; i++) {
		const size_t larger = bytes + bytes / 4 + 8;

		block = seen_realloc(&seen, block, bytes, larger);
		bytes = larger;
		/* Something in the way of the next one. */
		between[i] = malloc(16);
		seen.other_bytes += 16;
	}
	block = seen_realloc(&seen, block, bytes, bytes);
	block = seen_realloc(&seen, block, bytes, bytes / 2);
	block = seen_realloc(&seen, block, bytes / 2, 10);
	block = seen_realloc(&seen, block, 10, 5);
	stop();
	assert_int_equal(counts.realloc_count, 68);
	assert_int_equal(counts.realloc_in_place_count, seen.in_place);
	assert_int_equal(counts.realloc_moved_count, seen.moved);
	assert_int_equal(counts.realloc_shrunk_count, seen.shrunk);
	assert_int_equal(seen.shrunk, 3);
	assert_int_equal(counts.realloc_moved_bytes, seen.moved_bytes);
	assert_int_equal(counts.realloc_failed_count, 0);
	assert_int_equal(live.requested_bytes, 5 + 64 * 16);
	assert_int_equal(live.peak_requested_bytes, bytes + 64 * 16);
	assert_in_range(counts.realloc_remapped_count, 0, seen.moved);
	if (seen.most_moving_bytes < live.peak_requested_bytes)
		seen.most_moving_bytes = live.peak_requested_bytes;
	if (counts.realloc_remapped_count == 0) {
		assert_int_equal(live.peak_moving_bytes, seen.most_moving_bytes);
		assert_int_equal(counts.realloc_reused_count, seen.reused);
		assert_int_equal(counts.realloc_reused_bytes, seen.reused_bytes);
	}
	assert_in_range(live.peak_moving_bytes, live.peak_requested_bytes, seen.most_moving_bytes);
	free(block);
	for (size_t i = 0; i < 64; i++)
		free(between[i]);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(live.usable_bytes, 0);
}

/* Many arrays grow in turn and start again when they are large: places are left and taken all the
 * time. */
static void blocks_come_to_lie_where_others_were(void **state)
{
	struct seen seen = {0};
	void *blocks[8] = {NULL};
	size_t bytes[8];

	(void)state;
	skip_without_system_calls();
	start();
	for (size_t i = 0; i < 8; i++)
		blocks[i] = malloc(bytes[i] = 16 + 8 * i);
	for (size_t i = 0; i < 400; i++) {
		const size_t old = bytes[i % 8];

		bytes[i % 8] = old < 4000 ? old + old / 2 : 24;
		blocks[i % 8] = seen_realloc(&seen, blocks[i % 8], old, bytes[i % 8]);
	}
	stop();
	for (size_t i = 0; i < 8; i++)
		free(blocks[i]);
	assert_int_equal(counts.realloc_remapped_count, 0);
	assert_int_equal(counts.realloc_moved_count, seen.moved);
	assert_int_equal(counts.realloc_reused_count, seen.reused);
	assert_int_equal(counts.realloc_reused_bytes, seen.reused_bytes);
	if (seen.moved > 0 && seen.reused == 0)
		SKIP_BECAUSE("the allocator never takes a place again so soon");
}

static void a_realloc_that_copies_has_both_blocks_for_a_while(void **state)
{
	char *block;
	uintptr_t before;
	size_t bytes = 0;

	(void)state;
	/* From 16 bytes up, until one is copied: no allocator remaps such small ones. */
	for (size_t old = 16; old <= 4096 && bytes == 0; old *= 2) {
		start();
		block = malloc(old);
		before = (uintptr_t)block;
		block = realloc(block, 20 * old);
		bytes = (uintptr_t)block != before ? 21 * old : 0;
		stop();
		free(block);
	}
	if (bytes == 0)
		SKIP_BECAUSE("the allocator never moves a block");
	assert_int_equal(live.peak_moving_bytes, bytes);
	assert_int_equal(live.peak_requested_bytes, bytes / 21 * 20);
	assert_int_equal(live.window_peak_bytes, bytes);
	assert_int_equal(counts.realloc_remapped_count, 0);
}

static void pages_that_mremap_moves_are_not_copied(void **state)
{
	const size_t few = (size_t)40 << 20;
	const size_t many = (size_t)80 << 20;
	void *block;

	(void)state;
	skip_without_system_calls();
	start();
	block = malloc(few);
	block = realloc(block, many);
	stop();
	free(block);
	assert_int_equal(counts.realloc_in_place_count + counts.realloc_moved_count, 1);
	if (counts.allocator.mremap_count == 0) {
		assert_int_equal(counts.realloc_remapped_count, 0);
		SKIP_BECAUSE("the allocator does not use mremap");
	}
	assert_int_equal(counts.realloc_remapped_count, counts.realloc_moved_count);
	assert_int_equal(counts.realloc_remapped_bytes, counts.realloc_moved_bytes);
	assert_int_equal(live.peak_moving_bytes, many);
	assert_int_equal(live.peak_requested_bytes, many);
}

static void a_realloc_to_nothing_is_in_the_account(void **state)
{
	void *block;

	(void)state;
	start();
	block = malloc(100);
	block = realloc(block, 0);
	stop();
	/* Some free the block, some return one of no bytes. */
	assert_int_equal(counts.realloc_count, 1);
	assert_int_equal(counts.realloc_failed_count, 0);
	assert_int_equal(counts.failed_count, 0);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(counts.realloc_in_place_count + counts.realloc_moved_count, block != NULL);
	assert_int_equal(counts.realloc_shrunk_count, block != NULL);
	free(block);
	trace->live(&live);
	assert_int_equal(live.usable_bytes, 0);
}

static void blocks_from_before_are_taken_as_what_they_hold(void **state)
{
	char *block = malloc(1000);
	const size_t usable = malloc_usable_size(block);
	const uintptr_t before = (uintptr_t)block;

	(void)state;
	start();
	block = realloc(block, 100000);
	stop();
	assert_int_equal(counts.realloc_count, 1);
	assert_int_equal(counts.realloc_shrunk_count, 0);
	assert_int_equal(counts.realloc_moved_bytes, (uintptr_t)block == before ? 0 : usable);
	assert_int_equal(live.requested_bytes, 100000);
	free(block);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
}

static void a_realloc_outside_takes_the_block_out(void **state)
{
	void *block;

	(void)state;
	start();
	block = malloc(100);
	stop();
	block = realloc(block, 200);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(live.usable_bytes, 0);
	free(block);
}

/* Threads: number i makes blocks of i + 1 bytes, and frees those of the next thread. */

#define THREADS 4
#define THREAD_BLOCKS ((size_t)1000)

struct worker {
	size_t number;
	pthread_t thread;
	pthread_barrier_t *barrier;
	struct worker *next;
	void *blocks[THREAD_BLOCKS];
	struct trace_counts made;
	struct trace_counts freed;
};

static void *work(void *data)
{
	struct worker *worker = data;

	(void)pthread_barrier_wait(worker->barrier);
	trace->start();
	for (size_t i = 0; i < THREAD_BLOCKS; i++)
		worker->blocks[i] = malloc(worker->number + 1);
	trace->stop(&worker->made);
	(void)pthread_barrier_wait(worker->barrier);
	trace->start();
	for (size_t i = 0; i < THREAD_BLOCKS; i++)
		free(worker->next->blocks[i]);
	for (size_t i = 0; i <= worker->number; i++)
		free(calloc(1, 1));
	trace->stop(&worker->freed);
	return NULL;
}

static void each_thread_has_its_counts_and_all_have_one_peak(void **state)
{
	static struct worker workers[THREADS];
	pthread_barrier_t barrier;

	(void)state;
	assert_true(trace->reset(THREADS * THREAD_BLOCKS));
	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (size_t i = 0; i < THREADS; i++) {
		workers[i].number = i;
		workers[i].barrier = &barrier;
		workers[i].next = &workers[(i + 1) % THREADS];
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
	(void)pthread_barrier_destroy(&barrier);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(workers[i].made.malloc_count, THREAD_BLOCKS);
		assert_int_equal(all_calls(&workers[i].made), THREAD_BLOCKS);
		assert_int_equal(workers[i].freed.free_count, THREAD_BLOCKS + i + 1);
		assert_int_equal(workers[i].freed.calloc_count, i + 1);
	}
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(live.usable_bytes, 0);
	/* When all had made their blocks, and none had freed any. */
	assert_int_equal(live.peak_requested_bytes, THREAD_BLOCKS * (THREADS * (THREADS + 1) / 2));
}

/* Calls of the system. */

static void system_calls_are_seen_or_it_says_why_not(void **state)
{
	const char *wished = getenv("GROWBENCH_TRACE_NO_SYSCALLS");
	const char *way = getenv("GROWBENCH_TRACE_WAY");

	(void)state;
	start();
	stop();
	assert_int_equal(counts.system_calls_seen, !syscalls_unavailable());
	assert_int_equal(trace->way() == NULL, syscalls_unavailable());
	if (wished != NULL && strcmp(wished, "1") == 0)
		assert_string_equal(trace->syscalls_unavailable(),
				    "GROWBENCH_TRACE_NO_SYSCALLS is set");
	else if (way != NULL && strcmp(way, "telepathy") == 0)
		assert_string_equal(trace->syscalls_unavailable(),
				    "GROWBENCH_TRACE_WAY is neither user_dispatch nor seccomp");
	else if (way != NULL && !syscalls_unavailable())
		assert_string_equal(trace->way(), way);
	print_message("%s: %s\n", syscalls_unavailable() ? "not seen" : "seen by",
		      syscalls_unavailable() ? trace->syscalls_unavailable() : trace->way());
}

/* How many seccomp filters the calling thread has, or -1 if the kernel does not say. */
static int filter_count(void)
{
	FILE *file = fopen("/proc/thread-self/status", "re");
	char line[128];
	int count = -1;

	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "Seccomp_filters: %d", &count) == 1)
			break;
	if (file != NULL)
		(void)fclose(file);
	return count;
}

struct inheritor {
	struct trace_counts counts;
	int filter_count;
};

static void *count_a_mapping(void *data)
{
	struct inheritor *inheritor = data;
	void *space;

	trace->start();
	space = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)munmap(space, PAGE);
	trace->stop(&inheritor->counts);
	inheritor->filter_count = filter_count();
	return NULL;
}

static void a_thread_that_a_counting_one_made_counts_for_itself(void **state)
{
	struct inheritor inheritor;
	pthread_t thread;
	int made;

	(void)state;
	skip_without_system_calls();
	start();
	made = pthread_create(&thread, NULL, count_a_mapping, &inheritor);
	if (made == 0)
		(void)pthread_join(thread, NULL);
	stop();
	assert_int_equal(made, 0);
	assert_int_equal(inheritor.counts.program.mmap_count, 1);
	assert_int_equal(inheritor.counts.program.munmap_count, 1);
	/* What it has inherited is not put over it once more. */
	assert_int_equal(inheritor.filter_count, filter_count());
}

static void a_filter_refuses_to_be_left_without_its_handler(void **state)
{
	const struct sigaction ignored = {.sa_handler = SIG_IGN};
	pid_t child;
	int status = -1;

	(void)state;
	if (!filtered())
		SKIP_BECAUSE("no filter is used");
	start();
	stop();
	assert_int_equal(sigaction(SIGSYS, &ignored, NULL), -1);
	assert_int_equal(errno, EINVAL);
	child = fork();
	if (child == 0) {
		(void)execl("/bin/true", "true", (char *)NULL);
		_exit(errno == EPERM ? 7 : 8);
	}
	(void)waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void mappings_of_the_program_are_live_while_it_can_write(void **state)
{
	const size_t page = PAGE;
	char *space;
	char *moved;
	char *other;

	(void)state;
	skip_without_system_calls();
	start();
	space = mmap(NULL, 100 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(mprotect(space, 10 * page, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(mprotect(space + 5 * page, 10 * page, PROT_READ | PROT_WRITE), 0);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 15 * page);
	assert_int_equal(live.usable_bytes, 15 * page);
	assert_int_equal(mprotect(space, page, PROT_READ), 0);
	other = mmap(NULL, page + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 16 * page);
	moved = mremap(other, 2 * page, 50 * page, MREMAP_MAYMOVE);
	assert_true(moved != MAP_FAILED);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 64 * page);
	assert_int_equal(munmap(moved, 50 * page), 0);
	/* Calls that fail do not count. */
	assert_true(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	assert_int_equal(munmap(space + 1, page), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(munmap(space, 100 * page), 0);
	stop();
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(live.usable_bytes, 0);
	assert_int_equal(live.peak_requested_bytes, 64 * page);
	assert_int_equal(counts.program.mmap_count, 2);
	assert_int_equal(counts.program.munmap_count, 2);
	assert_int_equal(counts.program.mprotect_count, 3);
	assert_int_equal(counts.program.mremap_count, 1);
	assert_int_equal(counts.program.brk_count, 0);
	assert_int_equal(counts.program.mapped_bytes, (100 + 2 + 48) * page);
	assert_int_equal(counts.program.unmapped_bytes, 150 * page);
	assert_int_equal(counts.allocator.mmap_count + counts.allocator.mremap_count, 0);
}

static void advice_that_gives_pages_back_is_seen(void **state)
{
	const size_t page = PAGE;
	char *space;

	(void)state;
	skip_without_system_calls();
	start();
	space = mmap(NULL, 10 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(madvise(space, 10 * page, MADV_RANDOM), 0);
	assert_int_equal(madvise(space, 3 * page, MADV_DONTNEED), 0);
	assert_int_equal(munmap(space, 10 * page), 0);
	stop();
	assert_int_equal(counts.program.madvise_count, 2);
	assert_int_equal(counts.program.unmapped_bytes, 13 * page);
}

static void system_calls_outside_of_a_region_are_not_seen(void **state)
{
	char *space;

	(void)state;
	skip_without_system_calls();
	start();
	trace->pause();
	space = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	trace->resume();
	stop();
	assert_int_equal(munmap(space, PAGE), 0);
	assert_int_equal(counts.program.mmap_count, 0);
	assert_int_equal(counts.program.munmap_count, 0);
}

static void large_blocks_make_the_allocator_ask_the_kernel(void **state)
{
	const size_t bytes = (size_t)512 << 20;
	void *block;

	(void)state;
	skip_without_system_calls();
	start();
	block = malloc(bytes);
	stop();
	assert_non_null(block);
	assert_true(counts.allocator.mmap_count + counts.allocator.brk_count > 0 ||
		    counts.allocator.mprotect_count > 0);
	assert_int_equal(counts.program.mmap_count + counts.program.brk_count, 0);
	free(block);
}

static void *write_to(void *data)
{
	*(int *)data += 1;
	free(malloc(1 << 20));
	return NULL;
}

/* What the C library blocks all signals for. */
static void threads_and_processes_can_be_made_in_a_region(void **state)
{
	pthread_t thread;
	int written = 0;
	int status = -1;
	pid_t child;
	void *block;

	(void)state;
	start();
	if (pthread_create(&thread, NULL, write_to, &written) == 0)
		(void)pthread_join(thread, NULL);
	child = fork();
	if (child == 0) {
		free(malloc(1 << 20));
		_exit(7);
	}
	(void)waitpid(child, &status, 0);
	trace->pause();
	/* With a filter there is no other program. */
	assert_int_equal(system("exit 3"), (filtered() ? 127 : 3) << 8);
	trace->resume();
	block = malloc(10);
	stop();
	assert_int_equal(written, 1);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_true(counts.malloc_count >= 1);
	free(block);
}

static void on_signal(int signal)
{
	(void)signal;
	(void)getppid();
}

static void signals_can_be_blocked_and_handled_in_a_region(void **state)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct sigaction before;
	sigset_t all;
	sigset_t old;
	sigset_t now;
	bool blocked;
	void *space;

	(void)state;
	assert_int_equal(sigfillset(&all), 0);
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	start();
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	space = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)raise(SIGUSR1);
	(void)pthread_sigmask(SIG_SETMASK, &old, &now);
	blocked = sigismember(&now, SIGUSR1) == 1;
	(void)munmap(space, PAGE);
	stop();
	(void)sigaction(SIGUSR1, &before, NULL);
	assert_true(blocked);
	if (!syscalls_unavailable())
		assert_int_equal(counts.program.mmap_count, 1);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &now);
	assert_int_equal(sigismember(&now, SIGUSR1), 0);
}

/* Blocks of before the real functions were known. */
static void what_came_too_early_is_recognised_later(void **state)
{
	struct early *early = dlsym(RTLD_DEFAULT, "early_blocks");

	(void)state;
	if (early == NULL)
		SKIP_BECAUSE("libtrace-early.so is not preloaded");
	assert_int_equal(early->count, EARLY_MOST);
	start();
	for (size_t i = 0; i < EARLY_MOST; i++) {
		unsigned char *block = early->blocks[i];

		assert_non_null(block);
		assert_true(malloc_usable_size(block) >= EARLY_BYTES);
		for (size_t j = 0; j < EARLY_BYTES; j++)
			assert_int_equal(block[j], i + 1);
		if (i % 2 == 0) {
			block = realloc(block, 5 * EARLY_BYTES);
			assert_non_null(block);
			for (size_t j = 0; j < EARLY_BYTES; j++)
				assert_int_equal(block[j], i + 1);
		}
		free(block);
		early->blocks[i] = NULL;
	}
	early->count = EARLY_MOST;
	stop();
	assert_int_equal(live.requested_bytes, 0);
}

/* Strategies: what their documentation says is what is counted. Those that ask the allocator what
 * it gives are in test_extensions.c. */

static const size_t row_counts[] = {0, 1, 4, 100, 1025, 20000};
static const size_t row_sizes[] = {8, 80, 4096, 5000};

/* The largest blocks that are left are large to every allocator, and mapped by those that map. */
static bool takes_too_long(const struct strategy *strategy, size_t rows, size_t row_bytes)
{
	const size_t moved_rows = strategy->order == GROWTH_QUADRATIC ? rows * rows / 2 : 0;

	return rows * row_bytes > (size_t)8 << 20 || moved_rows * row_bytes > (size_t)64 << 20;
}

struct traced_build {
	struct trace_counts build;
	struct trace_counts release;
	struct trace_live built;
	struct trace_live released;
};

static void trace_build(const struct strategy *strategy, size_t rows, size_t row_bytes,
			struct traced_build *traced)
{
	struct array array = strategy_array(strategy, row_bytes);
	struct row_source source;
	void *buffer = malloc(row_source_buffer_bytes(row_bytes));
	enum build_status status;

	row_source_init(&source, buffer, row_bytes, ROW_WORK_CHEAP);
	assert_true(trace->reset(rows + 16));
	trace->start();
	status = strategy->build(&array, rows, &source);
	trace->stop(&traced->build);
	trace->live(&traced->built);
	assert_int_equal(status, BUILD_OK);
	trace->start();
	strategy->release(&array);
	trace->stop(&traced->release);
	trace->live(&traced->released);
	free(buffer);
}

static void assert_is_the_closed_form(const struct strategy *strategy, size_t rows,
				      size_t row_bytes)
{
	const struct trace_counts *build;
	struct traced_build traced;
	struct strategy_cost cost;

	trace_build(strategy, rows, row_bytes, &traced);
	strategy_cost_of(strategy, rows, row_bytes, &cost);
	build = &traced.build;
	assert_int_equal(build->malloc_count, cost.malloc_count);
	assert_int_equal(build->calloc_count, cost.calloc_count);
	assert_int_equal(build->realloc_count, cost.realloc_count);
	assert_int_equal(build->free_count, cost.free_count);
	assert_int_equal(build->aligned_count, 0);
	assert_int_equal(build->failed_count, 0);
	assert_in_range(build->realloc_moved_bytes, 0, cost.realloc_moved_bytes);
	assert_in_range(build->realloc_remapped_bytes, 0, build->realloc_moved_bytes);
	/* The others made their block: each block that was made was freed once. */
	assert_int_equal(build->realloc_in_place_count + build->realloc_moved_count,
			 cost.realloc_count + cost.malloc_count + cost.calloc_count -
				 cost.free_count - traced.release.free_count);
	/* Of a block that shrinks, the closed form has all of it, and the trace what is left. */
	if (build->realloc_in_place_count == 0 && build->realloc_shrunk_count == 0)
		assert_int_equal(build->realloc_moved_bytes, cost.realloc_moved_bytes);
	if (cost.mmap_count > 0 && syscalls_unavailable())
		return;
	assert_int_equal(traced.built.requested_bytes, cost.final_bytes);
	assert_int_equal(traced.built.peak_requested_bytes, cost.peak_bytes);
	assert_in_range(traced.built.peak_moving_bytes, cost.peak_bytes, cost.peak_moving_bytes);
	if (build->realloc_in_place_count == 0 && build->realloc_remapped_count == 0)
		assert_int_equal(traced.built.peak_moving_bytes, cost.peak_moving_bytes);
	assert_true(traced.built.usable_bytes >= traced.built.requested_bytes);
	assert_true(traced.built.peak_usable_bytes >= traced.built.peak_requested_bytes);
	assert_int_equal(traced.released.requested_bytes, 0);
	assert_int_equal(traced.released.usable_bytes, 0);
	if (syscalls_unavailable())
		return;
	assert_int_equal(build->program.mmap_count, cost.mmap_count);
	assert_int_equal(build->program.mprotect_count, cost.mprotect_count);
	assert_int_equal(build->program.munmap_count + build->program.mremap_count, 0);
	assert_int_equal(traced.release.program.munmap_count, cost.mmap_count);
}

static void strategies_cost_what_they_say(void **state)
{
	(void)state;
	if (dlsym(RTLD_DEFAULT, "early_blocks") != NULL)
		SKIP_BECAUSE("they cost the same without libtrace-early.so");
	for (size_t s = 0; strategies[s] != NULL; s++)
		for (size_t i = 0; i < COUNT_OF(row_counts); i++)
			for (size_t j = 0; j < COUNT_OF(row_sizes); j++)
				if (!strategies[s]->allocator_decides &&
				    strategy_supports(strategies[s], row_sizes[j]) &&
				    !takes_too_long(strategies[s], row_counts[i], row_sizes[j]))
					assert_is_the_closed_form(strategies[s], row_counts[i],
								  row_sizes[j]);
}

static void what_a_strategy_determines_is_the_same_again(void **state)
{
	(void)state;
	for (size_t s = 0; strategies[s] != NULL; s++) {
		struct traced_build first;
		struct traced_build again;

		if (strategies[s]->allocator_decides)
			continue;
		trace_build(strategies[s], 1000, 80, &first);
		trace_build(strategies[s], 1000, 80, &again);
		assert_int_equal(first.build.malloc_count, again.build.malloc_count);
		assert_int_equal(first.build.calloc_count, again.build.calloc_count);
		assert_int_equal(first.build.realloc_count, again.build.realloc_count);
		assert_int_equal(first.build.free_count, again.build.free_count);
		assert_int_equal(first.release.free_count, again.release.free_count);
		assert_int_equal(first.built.requested_bytes, again.built.requested_bytes);
		assert_int_equal(first.built.peak_requested_bytes,
				 again.built.peak_requested_bytes);
	}
}

static void the_functions_behind_are_named(void **state)
{
	static const char *const names[] = {"malloc", "calloc", "realloc", "free"};
	Dl_info first;
	Dl_info info;

	(void)state;
	assert_int_equal(trace->version, TRACE_VERSION);
	assert_true(dladdr(trace->real("malloc"), &first) != 0);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_true(trace->real(names[i]) != dlsym(RTLD_DEFAULT, names[i]));
		assert_true(dladdr(trace->real(names[i]), &info) != 0);
		assert_ptr_equal(info.dli_fbase, first.dli_fbase);
	}
	assert_null(trace->real("no such function"));
}

/* The kernel maps nothing more for this process from now on, or again what it will. */
static void forbid_mapping(bool forbidden)
{
	static rlim_t allowed;
	volatile unsigned char stack[64 << 10];
	struct rlimit limit;

	/* The stack must not have to grow. */
	for (size_t i = 0; i < sizeof stack; i += 1024)
		stack[i] = 0;
	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	if (forbidden)
		allowed = limit.rlim_cur;
	limit.rlim_cur = forbidden ? 1 : allowed;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

static void a_program_goes_on_if_there_is_no_memory_for_its_blocks_account(void **state)
{
	/* More than a table that was made for one has room for; from memory that the allocator
	 * has. */
	static void *blocks[40000];
	static void *before[2 * COUNT_OF(blocks)];
	size_t wrong = 0;

	(void)state;
	if (!address_space_can_be_limited())
		SKIP_BECAUSE("address space cannot be limited here");
	for (size_t i = 0; i < COUNT_OF(before); i++)
		before[i] = malloc(48);
	for (size_t i = 0; i < COUNT_OF(before) - 1; i++)
		free(before[i]);
	assert_true(trace->reset(1));
	forbid_mapping(true);
	trace->start();
	for (size_t i = 0; i < COUNT_OF(blocks); i++) {
		blocks[i] = malloc(48);
		if (blocks[i] == NULL)
			break;
		memset(blocks[i], (int)i, 48);
	}
	stop();
	forbid_mapping(false);
	assert_non_null(blocks[COUNT_OF(blocks) - 1]);
	assert_int_equal(counts.malloc_count, COUNT_OF(blocks));
	assert_int_equal(counts.failed_count, 0);
	assert_non_null(trace->incomplete());
	assert_non_null(strstr(trace->incomplete(), "blocks"));
	assert_true(live.requested_bytes < COUNT_OF(blocks) * 48);

	trace->start();
	for (size_t i = 0; i < COUNT_OF(blocks); i++) {
		blocks[i] = realloc(blocks[i], 64);
		for (size_t byte = 0; byte < 48; byte++)
			wrong += ((unsigned char *)blocks[i])[byte] != (unsigned char)i;
		free(blocks[i]);
	}
	stop();
	free(before[COUNT_OF(before) - 1]);
	assert_int_equal(wrong, 0);
	assert_int_equal(counts.realloc_count, COUNT_OF(blocks));
	assert_int_equal(counts.free_count, COUNT_OF(blocks));
	assert_int_equal(live.requested_bytes, 0);
	assert_true(trace->reset(1));
	assert_null(trace->incomplete());
}

static void a_program_goes_on_if_there_is_no_memory_for_its_mappings_account(void **state)
{
	enum {
		PAGES = 1200
	};
	unsigned char *area;
	int failed = 0;

	(void)state;
	skip_without_system_calls();
	start();
	area = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(area != MAP_FAILED);
	forbid_mapping(true);
	for (size_t i = 0; i < PAGES; i += 2) {
		failed += mprotect(area + i * PAGE, PAGE, PROT_READ | PROT_WRITE) != 0;
		area[i * PAGE] = 1;
	}
	stop();
	forbid_mapping(false);
	assert_int_equal(failed, 0);
	assert_int_equal(counts.program.mprotect_count, PAGES / 2);
	assert_non_null(strstr(trace->incomplete(), "mappings"));
	assert_int_equal(munmap(area, PAGES * PAGE), 0);
	start();
	stop();
	assert_null(trace->incomplete());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_counted_of_an_empty_region),
		cmocka_unit_test(each_function_is_counted_once),
		cmocka_unit_test(a_sized_free_is_a_free),
		cmocka_unit_test(pvalloc_is_counted_where_the_allocator_has_it),
		cmocka_unit_test(calls_that_fail_are_counted_as_such),
		cmocka_unit_test(errno_is_that_of_the_allocator),
		cmocka_unit_test(nothing_counts_outside_of_a_region),
		cmocka_unit_test(a_reset_forgets_blocks_and_peaks),
		cmocka_unit_test(peaks_are_between_calls),
		cmocka_unit_test(reallocs_stay_or_move_as_the_addresses_say),
		cmocka_unit_test(blocks_come_to_lie_where_others_were),
		cmocka_unit_test(a_realloc_that_copies_has_both_blocks_for_a_while),
		cmocka_unit_test(pages_that_mremap_moves_are_not_copied),
		cmocka_unit_test(a_realloc_to_nothing_is_in_the_account),
		cmocka_unit_test(blocks_from_before_are_taken_as_what_they_hold),
		cmocka_unit_test(a_realloc_outside_takes_the_block_out),
		cmocka_unit_test(each_thread_has_its_counts_and_all_have_one_peak),
		cmocka_unit_test(system_calls_are_seen_or_it_says_why_not),
		cmocka_unit_test(a_thread_that_a_counting_one_made_counts_for_itself),
		cmocka_unit_test(a_filter_refuses_to_be_left_without_its_handler),
		cmocka_unit_test(mappings_of_the_program_are_live_while_it_can_write),
		cmocka_unit_test(advice_that_gives_pages_back_is_seen),
		cmocka_unit_test(system_calls_outside_of_a_region_are_not_seen),
		cmocka_unit_test(large_blocks_make_the_allocator_ask_the_kernel),
		cmocka_unit_test(threads_and_processes_can_be_made_in_a_region),
		cmocka_unit_test(signals_can_be_blocked_and_handled_in_a_region),
		cmocka_unit_test(a_program_goes_on_if_there_is_no_memory_for_its_blocks_account),
		cmocka_unit_test(a_program_goes_on_if_there_is_no_memory_for_its_mappings_account),
		cmocka_unit_test(what_came_too_early_is_recognised_later),
		cmocka_unit_test(strategies_cost_what_they_say),
		cmocka_unit_test(what_a_strategy_determines_is_the_same_again),
		cmocka_unit_test(the_functions_behind_are_named),
	};

	trace = dlsym(RTLD_DEFAULT, TRACE_SYMBOL);
	if (trace == NULL) {
		print_error("the interposer is not preloaded\n");
		return 1;
	}
	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
