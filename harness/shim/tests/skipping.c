/* A program with a benchmark that is measured and one that is skipped, for test_program.sh. */
#include "harness/shim/bench.h"

static void measured(struct bench_state *state, void *user_data)
{
	(void)user_data;
	BENCH_LOOP(state) {
		bench_do_not_optimize(state);
	}
}

static void skipped(struct bench_state *state, void *user_data)
{
	(void)user_data;
	bench_skip(state, "nothing to measure here");
}

int main(int argc, char **argv)
{
	const struct bench_spec specs[] = {
		{.name = "measured", .function = measured, .iterations = 10},
		{.name = "skipped", .function = skipped, .iterations = 10},
	};

	for (int i = 0; i < 2; i++)
		if (bench_register(&specs[i]) != NULL)
			return 99;
	return bench_main(argc, argv);
}
