/*
 * trace-build-one STRATEGY ROWS ROW_BYTES: builds, scans and releases a strategy's array
 * once, and prints a line "name value" for each thing that the interposer has counted, if it is
 * preloaded. The strategy `none` does nothing: what is left is what the program itself needs.
 *
 * Tools that look at system calls from outside find the counted regions between writes to file
 * descriptor -1, which fail.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/trace/trace.h"
#include "kernels/strategy.h"

static double now_ms(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void mark(const char *text)
{
	if (write(-1, text, strlen(text)) == 0)
		abort();
}

static void print(const char *prefix, const char *name, uint64_t value)
{
	(void)printf("%s%s %" PRIu64 "\n", prefix, name, value);
}

static void print_system_calls(const char *phase, const char *who,
			       const struct trace_system_calls *calls)
{
	char prefix[64];

	(void)snprintf(prefix, sizeof prefix, "%s%s_", phase, who);
	print(prefix, "mmap_count", calls->mmap_count);
	print(prefix, "munmap_count", calls->munmap_count);
	print(prefix, "mremap_count", calls->mremap_count);
	print(prefix, "brk_count", calls->brk_count);
	print(prefix, "madvise_count", calls->madvise_count);
	print(prefix, "mprotect_count", calls->mprotect_count);
	print(prefix, "mapped_bytes", calls->mapped_bytes);
	print(prefix, "unmapped_bytes", calls->unmapped_bytes);
}

static void print_counts(const char *phase, const struct trace_counts *counts)
{
	print(phase, "malloc_count", counts->malloc_count);
	print(phase, "calloc_count", counts->calloc_count);
	print(phase, "realloc_count", counts->realloc_count);
	print(phase, "free_count", counts->free_count);
	print(phase, "aligned_count", counts->aligned_count);
	print(phase, "failed_count", counts->failed_count);
	print(phase, "realloc_in_place_count", counts->realloc_in_place_count);
	print(phase, "realloc_moved_count", counts->realloc_moved_count);
	print(phase, "realloc_moved_bytes", counts->realloc_moved_bytes);
	print(phase, "realloc_shrunk_count", counts->realloc_shrunk_count);
	print(phase, "realloc_failed_count", counts->realloc_failed_count);
	if (!counts->system_calls_seen)
		return;
	print(phase, "realloc_remapped_count", counts->realloc_remapped_count);
	print(phase, "realloc_remapped_bytes", counts->realloc_remapped_bytes);
	print(phase, "realloc_reused_count", counts->realloc_reused_count);
	print(phase, "realloc_reused_bytes", counts->realloc_reused_bytes);
	print_system_calls(phase, "allocator", &counts->allocator);
	print_system_calls(phase, "program", &counts->program);
}

static void print_live(const char *phase, const struct trace_live *live)
{
	print(phase, "requested_bytes", live->requested_bytes);
	print(phase, "usable_bytes", live->usable_bytes);
	print(phase, "peak_requested_bytes", live->peak_requested_bytes);
	print(phase, "peak_moving_bytes", live->peak_moving_bytes);
	print(phase, "peak_usable_bytes", live->peak_usable_bytes);
}

static enum build_status build(const struct strategy *strategy, struct array *array, size_t rows,
			       struct row_source *source)
{
	return strategy == NULL ? BUILD_OK : strategy->build(array, rows, source);
}

/* What the interposer counted. */
struct traced {
	struct trace_counts build;
	struct trace_counts release;
	struct trace_live built;
	struct trace_live released;
};

static bool build_and_release(const struct trace *trace, const struct strategy *strategy,
			      size_t rows, struct row_source *source, struct traced *traced)
{
	struct array array = strategy == NULL ? array_init(source->row_bytes)
					      : strategy_array(strategy, source->row_bytes);

	if (trace != NULL)
		trace->start();
	mark("build");
	if (build(strategy, &array, rows, source) != BUILD_OK)
		return false;
	mark("built");
	if (trace != NULL) {
		trace->stop(&traced->build);
		trace->live(&traced->built);
		trace->start();
	}
	mark("release");
	if (strategy != NULL)
		strategy->release(&array);
	mark("released");
	if (trace != NULL) {
		trace->stop(&traced->release);
		trace->live(&traced->released);
	}
	return true;
}

static void print_traced(const struct trace *trace, const struct traced *traced)
{
	print_counts("build_", &traced->build);
	print_live("build_", &traced->built);
	print_counts("release_", &traced->release);
	print_live("release_", &traced->released);
	if (trace->syscalls_unavailable() != NULL)
		(void)printf("syscalls_unavailable %s\n", trace->syscalls_unavailable());
	else
		(void)printf("way %s\n", trace->way());
}

int main(int argc, char **argv)
{
	const struct trace *trace = dlsym(RTLD_DEFAULT, TRACE_SYMBOL);
	const struct strategy *strategy;
	static char output[BUFSIZ];
	struct traced traced = {0};
	struct row_source source;
	size_t rows;
	size_t row_bytes;
	double start_ms;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: %s STRATEGY ROWS ROW_BYTES\n", argv[0]);
		return 2;
	}
	/* So that printing allocates nothing. */
	(void)setvbuf(stdout, output, _IOFBF, sizeof output);
	strategy = strategy_find(NULL, argv[1]);
	rows = strtoul(argv[2], NULL, 10);
	row_bytes = strtoul(argv[3], NULL, 10);
	if (row_bytes == 0 || (strategy == NULL && strcmp(argv[1], "none") != 0))
		return 2;
	row_source_init(&source, malloc(row_source_buffer_bytes(row_bytes)), row_bytes,
			ROW_WORK_CHEAP);

	if (trace != NULL && !trace->reset(rows + 16))
		return 1;
	start_ms = now_ms();
	if (!build_and_release(trace, strategy, rows, &source, &traced))
		return 1;
	start_ms = now_ms() - start_ms;
	if (trace != NULL)
		print_traced(trace, &traced);
	(void)printf("ms %.3f\n", start_ms);
	free(source.buffer);
	return 0;
}
