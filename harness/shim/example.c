#include <string.h>
#include "harness/shim/bench.h"

static void clear_page(struct bench_state *state, void *page)
{
	BENCH_LOOP(state) {
		memset(page, 0, 4096);
		bench_do_not_optimize(page);
	}
}

int main(int argc, char **argv)
{
	static char page[4096];
	const struct bench_spec spec = {
		.name = "clear_page",
		.function = clear_page,
		.user_data = page,
		.repetitions = 3,
	};

	return bench_register(&spec) == NULL ? bench_main(argc, argv) : 1;
}
