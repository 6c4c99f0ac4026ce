#include "harness/worker/worker_kit.h"

#include "kernels/checksum.h"
#include "kernels/pattern.h"

void worker_kit_layout(struct worker_kit_layout *layout)
{
	*layout = (struct worker_kit_layout){
		.version = WORKER_KIT_VERSION,
		.strategy_bytes = sizeof(struct strategy),
		.cost_bytes = sizeof(struct strategy_cost),
		.program_bytes = sizeof(struct worker_program),
	};
}

void worker_kit_checksum_add(uint64_t sums[2], const void *rows, size_t count, size_t row_bytes)
{
	struct checksum checksum = {sums[0], sums[1]};

	checksum_rows(&checksum, rows, count, row_bytes);
	sums[0] = checksum.sum;
	sums[1] = checksum.sum_of_sums;
}

uint64_t worker_kit_checksum_value(const uint64_t sums[2])
{
	const struct checksum checksum = {sums[0], sums[1]};

	return checksum_value(&checksum);
}

const struct strategy *worker_kit_pattern(const char *name)
{
	const struct strategy *found = strategy_find("c", name);

	return found != NULL && found->is_pattern ? found : NULL;
}

void worker_kit_input(const struct row_source *source, struct worker_kit_input *input)
{
	const struct pattern_input *prepared = pattern_input(source);

	*input = (struct worker_kit_input){
		.a = (double *)(void *)prepared->a.data,
		.b = (double *)(void *)prepared->b.data,
		.index = prepared->index,
	};
}
