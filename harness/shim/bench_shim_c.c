#include "bench_shim_loops.h"
#include "harness/shim/bench.h"

static void empty_loop(struct bench_state *state, void *user_data)
{
	(void)user_data;
	BENCH_LOOP(state) {
		__asm__ volatile("");
	}
}

static void keep_time(const struct bench_result *result, void *user_data)
{
	if (result->error == NULL)
		*(double *)user_data = result->cpu_ns;
}

double bench_shim_c_ns(uint64_t iterations)
{
	const struct bench_spec spec = {
		.name = "empty_loop",
		.function = empty_loop,
		.iterations = iterations,
	};
	double cpu_ns = -1;

	return bench_run(&spec, keep_time, &cpu_ns) == NULL ? cpu_ns : -1;
}
