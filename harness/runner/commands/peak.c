#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/runner/commands/command.h"
#include "harness/runner/commands/side.h"
#include "harness/runner/process/interrupts.h"

/* The reading for one size, or a negative number if there is none. */
static double read_peak(struct bench_side *side, const struct allocator *allocator,
			const char *pass, uint64_t bytes)
{
	const struct worker_task task = {
		.pass = pass,
		.size = {.rows = bytes, .row_bytes = 1, .threads = 1},
		.allocator = allocator,
		.values = 1,
	};
	struct record record = record_init();
	double peak;

	(void)worker_run(&side->pool, &task, &record);
	peak = record_get_real(&record, "peak_memory_bytes", -1);
	record_release(&record);
	return peak;
}

static double print_peaks(struct bench_side *side, const struct allocator *allocator)
{
	static const char *const passes[] = {"peak-lasts", "peak-over"};
	double worst = 0;

	for (uint64_t mib = 1; mib <= 1024 && interrupts == 0; mib *= 4) {
		/* Not a whole number of the kernel's batches. */
		uint64_t bytes = (mib << 20) + 21 * (uint64_t)sysconf(_SC_PAGESIZE);

		(void)printf("%-12s %8" PRIu64, allocator->name, bytes >> 10);
		for (size_t i = 0; i < 2; i++) {
			double peak = read_peak(side, allocator, passes[i], bytes);
			double off = peak - (double)bytes;

			if (peak < 0) {
				(void)printf(" %21s", "none");
				worst = 1e18;
				continue;
			}
			(void)printf(" %12.0f %+8.0f", peak / 1024, off / 1024);
			worst = off > worst ? off : -off > worst ? -off : worst;
		}
		(void)printf("\n");
		(void)fflush(stdout);
	}
	return worst;
}

static int run(const struct request *request)
{
	const size_t ballast_bytes = (size_t)300 << 20;
	/* 256 KiB where pages have 4: twice what the kernel counts in one go. */
	const double goal = 64 * (double)sysconf(_SC_PAGESIZE);
	unsigned char *ballast = mmap(NULL, ballast_bytes, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct bench_side side;
	struct error error = {""};
	double worst = 0;
	bool unread = false;

	if (ballast == MAP_FAILED) {
		(void)error_set(&error, "no 300 MiB of memory for the runner to hold");
		return usage_error(&error);
	}
	if (!side_init(&side, request, &error))
		return usage_error(&error);
	(void)puts("A worker touches a known amount of memory; the runner holds 300 MiB. In KiB:\n"
		   "allocator       truth   peak that lasts (off)  peak that is over (off)");
	for (size_t i = 0; i < request->allocator_count; i++) {
		const struct allocator *allocator = &request->allocators[i];
		double off;

		if (allocator->missing != NULL) {
			if (request_names_allocator(request, allocator->name)) {
				(void)fprintf(stderr, "growbench: %s: no peak was read: %s\n",
					      allocator->name, allocator->missing);
				unread = true;
			}
			continue;
		}
		off = print_peaks(&side, allocator);
		worst = off > worst ? off : worst;
	}
	worker_pool_release(&side.pool);
	(void)munmap(ballast, ballast_bytes);
	if (interrupts > 0)
		return EXIT_INTERRUPTED;
	(void)printf("largest difference: %.0f KiB (goal: at most %.0f)\n", worst / 1024,
		     goal / 1024);
	if (finish_output() != EXIT_DONE)
		return EXIT_FAILED;
	if (unread)
		return EXIT_UNMEASURED;
	return worst <= goal ? EXIT_DONE : EXIT_WORKERS;
}

const struct command command_peak = {
	.name = "peak",
	.run = run,
	.help = "how exactly peak memory is read here, against known amounts",
	.examples = "  growbench peak\n  growbench peak --allocators glibc\n",
};
