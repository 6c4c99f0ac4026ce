/*
 * growbench-worker - measures one cell for the runner, or all strategies by hand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/shim/bench.h"
#include "harness/worker/command.h"
#include "harness/worker/measure.h"
#include "harness/worker/replay.h"

enum {
	EXIT_USAGE = 2
};

static const struct worker_program program = {
	.name = "growbench-worker",
	.tables = {strategies, patterns},
	.replay = replay_open,
};

static const char help[] =
	"Measures one cell for growbench, or all strategies by hand.\n"
	"\n"
	"By hand, as an ordinary Google Benchmark program (the warm steady state):\n"
	"  growbench-worker --benchmark_list_tests\n"
	"  growbench-worker --benchmark_filter='doubling/rows:1000/'\n"
	"  LD_PRELOAD=libjemalloc.so.2 growbench-worker --benchmark_format=json\n"
	"\n"
	"For the runner, reporting to a file descriptor (the protocol is in harness/README.md):\n"
	"  growbench-worker measure [--implementation NAME] --strategy NAME --rows N\n"
	"      --row-bytes N [--threads N] [--work cheap|random] [--iterations N] [--values N]\n"
	"      [--cpus LIST] [--report-fd N]\n"
	"  growbench-worker measure --strategy replay:NAME --profile FILE [--process N] ...\n"
	"  growbench-worker pattern|trace|latency|instructions ... as measure; trace [--points N]\n"
	"  growbench-worker probe --probe NAME --row-bytes N [--cpus LIST] [--report-fd N]\n"
	"  growbench-worker list [--implementation NAME] [--report-fd N]\n"
	"  growbench-worker resolution [--cpus LIST] [--report-fd N]\n"
	"  growbench-worker peak-lasts|peak-over --rows N --row-bytes N [--report-fd N]\n"
	"\n"
	"The report goes to standard output if no descriptor is given.\n"
	"Exit status: 0 a report was written, 1 it could not be, 2 wrong usage.\n";

/* The strategy, with the usual value of its parameter; NULL without memory. Kept for good. */
static const struct strategy *usual(const struct strategy *strategy)
{
	struct strategy_instance *instance;

	if (strategy->parameter == NULL)
		return strategy;
	instance = malloc(sizeof *instance);
	if (instance == NULL)
		return NULL;
	strategy_of_value(strategy, strategy->value, instance);
	return &instance->strategy;
}

static bool register_by_hand(struct error *error)
{
	static const size_t rows[] = {10, 100, 1000, 10000, 100000};

	for (size_t i = 0; strategies[i] != NULL; i++) {
		const struct strategy *strategy = usual(strategies[i]);

		if (strategy == NULL)
			return error_set(error, "out of memory");
		for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
			struct measure_request request = {
				.strategy = strategy,
				.rows = rows[j],
				.row_bytes = 80,
				.threads = 1,
				.work = ROW_WORK_CHEAP,
			};
			struct bench_spec spec;
			const char *why;
			char name[128];

			if ((strategy->order == GROWTH_QUADRATIC && rows[j] > 10000) ||
			    !strategy_supports(strategy, request.row_bytes))
				continue;
			(void)snprintf(name, sizeof name, "%s/%s/rows:%zu/row_bytes:80",
				       strategy->implementation, strategy->name, rows[j]);
			if (!measure_benchmark(&request, &spec, error))
				return false;
			spec.name = name;
			why = bench_register(&spec);
			if (why != NULL)
				return error_set(error, "%s", why);
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct error error;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		(void)fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		(void)puts("growbench-worker " GROWBENCH_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc > 1 && argv[1][0] != '-')
		return worker_command(&program, argc, argv);
	if (!register_by_hand(&error)) {
		(void)fprintf(stderr, "%s: %s\n", program.name, error.text);
		return EXIT_USAGE;
	}
	return bench_main(argc, argv);
}
