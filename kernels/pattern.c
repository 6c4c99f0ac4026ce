#include "pattern.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "saturating.h"

bool pattern_takes_doubles(size_t row_bytes)
{
	return row_bytes % sizeof(double) == 0;
}

bool pattern_takes_two_columns(size_t row_bytes)
{
	return pattern_takes_doubles(row_bytes) && row_bytes >= 2 * sizeof(double);
}

static double *doubles_of(const struct ndarray *array)
{
	return (double *)(void *)array->data;
}

void pattern_fill_a(struct pattern_input *input)
{
	const size_t size = nd_size(&input->a);

	for (size_t e = 0; e < size; e++)
		doubles_of(&input->a)[e] = pattern_a(e);
}

static void fill_b(struct pattern_input *input)
{
	const size_t size = nd_size(&input->b);

	for (size_t e = 0; e < size; e++)
		doubles_of(&input->b)[e] = pattern_b(e);
}

/* splitmix64 (row_source.c), which has no bad seeds. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

static void number_rows(ptrdiff_t *index, size_t rows)
{
	for (size_t row = 0; row < rows; row++)
		index[row] = (ptrdiff_t)row;
}

/* R. Durstenfeld, "Algorithm 235: Random permutation", CACM 7 (1964). The same for so many rows
 * each time. */
static void shuffle_rows(ptrdiff_t *index, size_t rows)
{
	uint64_t state = rows;

	for (size_t left = rows; left > 1; left--) {
		const size_t other = next_random(&state) % left;
		const ptrdiff_t row = index[left - 1];

		index[left - 1] = index[other];
		index[other] = row;
	}
}

/* The place of the next part of the mapping, which starts a page; false if it does not fit. */
static bool add_part(size_t *end, size_t count, size_t bytes, size_t *place)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t part_bytes;

	*place = *end;
	return !__builtin_mul_overflow(count, bytes, &part_bytes) &&
	       !__builtin_add_overflow(part_bytes, page - 1, &part_bytes) &&
	       !__builtin_add_overflow(*end, part_bytes / page * page, end);
}

/* Where the parts of an input lie in its mapping. */
struct layout {
	size_t a;
	size_t b;
	size_t index;
	size_t bytes;
};

static bool lay_out(struct layout *layout, size_t rows, size_t row_bytes, unsigned needs)
{
	const bool with_index = needs & (PATTERN_NEEDS_INDEX | PATTERN_NEEDS_SHUFFLED_INDEX);
	size_t input;

	layout->bytes = 0;
	return add_part(&layout->bytes, 1, sizeof(struct pattern_input), &input) &&
	       add_part(&layout->bytes, rows, row_bytes, &layout->a) &&
	       add_part(&layout->bytes, needs & PATTERN_NEEDS_B ? rows : 0, row_bytes,
			&layout->b) &&
	       add_part(&layout->bytes, with_index ? rows : 0, sizeof(ptrdiff_t), &layout->index);
}

static unsigned char *map(size_t bytes)
{
	unsigned char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (bytes >= ND_HUGE_BYTES)
		(void)madvise(memory, bytes, MADV_HUGEPAGE);
	return memory;
}

enum build_status pattern_prepare_with(struct row_source *source, size_t rows, unsigned needs)
{
	const size_t shape[2] = {rows, source->row_bytes / sizeof(double)};
	const size_t b_shape[2] = {needs & PATTERN_NEEDS_B ? rows : 0, shape[1]};
	struct pattern_input *input;
	unsigned char *memory;
	struct layout layout;

	source->input = NULL;
	if (!lay_out(&layout, rows, source->row_bytes, needs))
		return BUILD_OUT_OF_MEMORY;
	memory = map(layout.bytes);
	if (memory == NULL)
		return BUILD_OUT_OF_MEMORY;
	input = (struct pattern_input *)(void *)memory;
	input->mapped_bytes = layout.bytes;
	/* What could be mapped fits. */
	(void)nd_wrap(&input->a, memory + layout.a, sizeof(double), 2, shape);
	(void)nd_wrap(&input->b, memory + layout.b, sizeof(double), 2, b_shape);
	pattern_fill_a(input);
	fill_b(input);
	if (needs & (PATTERN_NEEDS_INDEX | PATTERN_NEEDS_SHUFFLED_INDEX)) {
		input->index = (ptrdiff_t *)(void *)(memory + layout.index);
		number_rows(input->index, rows);
	}
	if (needs & PATTERN_NEEDS_SHUFFLED_INDEX)
		shuffle_rows(input->index, rows);
	source->input = input;
	return BUILD_OK;
}

enum build_status pattern_prepare(struct row_source *source, size_t rows)
{
	return pattern_prepare_with(source, rows, PATTERN_NEEDS_NOTHING);
}

enum build_status pattern_prepare_with_b(struct row_source *source, size_t rows)
{
	return pattern_prepare_with(source, rows, PATTERN_NEEDS_B);
}

void pattern_dispose(struct row_source *source)
{
	const struct pattern_input *input = pattern_input(source);

	if (input != NULL)
		(void)munmap(source->input, input->mapped_bytes);
	source->input = NULL;
}

enum build_status pattern_build(struct array *array, size_t rows, struct row_source *source,
				enum nd_status (*operation)(struct pattern_input *input))
{
	struct pattern_input *input = pattern_input(source);

	if (input == NULL || operation(input) != ND_OK)
		return BUILD_OUT_OF_MEMORY;
	array->container = &input->result;
	array->data = input->result.data;
	array->rows = rows;
	array->capacity = rows;
	return BUILD_OK;
}

static void scan_run(struct checksum *checksum, const unsigned char *place, size_t length,
		     ptrdiff_t stride)
{
	for (size_t i = 0; i < length; i++) {
		uint64_t word;

		memcpy(&word, place, sizeof word);
		checksum_word(checksum, word);
		place += stride;
	}
}

/* All but the last axis of the array, for a walk from one run to the next. */
static struct ndarray without_last_axis(const struct ndarray *array)
{
	struct ndarray starts = *array;

	starts.ndim--;
	return starts;
}

uint64_t pattern_scan(const struct array *array)
{
	const struct ndarray *result = array->container;
	struct checksum checksum = {0};
	struct ndarray starts;
	struct nd_walk walk;

	if (result == NULL || nd_size(result) == 0)
		return checksum_value(&checksum);
	if (result->flags & ND_C_CONTIGUOUS) {
		scan_run(&checksum, result->data, nd_size(result), sizeof(uint64_t));
		return checksum_value(&checksum);
	}
	starts = without_last_axis(result);
	for (nd_walk_start(&walk, &starts); walk.left > 0; nd_walk_next(&walk))
		scan_run(&checksum, walk.place, result->shape[starts.ndim],
			 result->strides[starts.ndim]);
	return checksum_value(&checksum);
}

void pattern_release(struct array *array)
{
	if (array->container != NULL)
		nd_release(array->container);
	array_forget(array);
}

void pattern_cost_of_view(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	(void)rows;
	(void)row_bytes;
	*cost = (struct strategy_cost){0};
}

void pattern_cost_of_transposed_copy(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	if (rows < 2)
		pattern_cost_of_view(rows, row_bytes, cost);
	else
		pattern_cost_of_copy(rows, row_bytes, cost);
}

void pattern_cost_of_new(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	const uint64_t bytes = saturating_multiply(rows, row_bytes);

	*cost = (struct strategy_cost){
		.malloc_count = bytes > 0 ? 1 : 0,
		.peak_bytes = bytes,
		.peak_moving_bytes = bytes,
		.final_bytes = bytes,
	};
}

void pattern_cost_of_copy(size_t rows, size_t row_bytes, struct strategy_cost *cost)
{
	pattern_cost_of_new(rows, row_bytes, cost);
	cost->copied_bytes = cost->final_bytes;
}

static size_t columns_of(const struct row_source *source)
{
	return source->row_bytes / sizeof(double);
}

static uint64_t expected_columns(const struct row_source *source, size_t rows, size_t count)
{
	struct checksum checksum = {0};

	for (size_t row = 0; row < rows; row++)
		for (size_t column = 0; column < count; column++)
			pattern_expect(&checksum, pattern_a(row * columns_of(source) + column));
	return checksum_value(&checksum);
}

uint64_t pattern_expected_all(struct row_source *source, size_t rows)
{
	return expected_columns(source, rows, columns_of(source));
}

uint64_t pattern_expected_first_column(struct row_source *source, size_t rows)
{
	return expected_columns(source, rows, 1);
}

uint64_t pattern_expected_first_half(struct row_source *source, size_t rows)
{
	return expected_columns(source, rows, columns_of(source) / 2);
}

uint64_t pattern_expected_transposed(struct row_source *source, size_t rows)
{
	struct checksum checksum = {0};

	for (size_t column = 0; column < columns_of(source); column++)
		for (size_t row = 0; row < rows; row++)
			pattern_expect(&checksum, pattern_a(row * columns_of(source) + column));
	return checksum_value(&checksum);
}

static uint64_t expected_of_both(const struct row_source *source, size_t rows, double times,
				 double plus)
{
	struct checksum checksum = {0};

	for (size_t e = 0; e < rows * columns_of(source); e++)
		pattern_expect(&checksum, times * pattern_a(e) + pattern_b(e) + plus);
	return checksum_value(&checksum);
}

uint64_t pattern_expected_sums(struct row_source *source, size_t rows)
{
	return expected_of_both(source, rows, 1, 0);
}

uint64_t pattern_expected_chain(struct row_source *source, size_t rows)
{
	return expected_of_both(source, rows, 2, -1);
}
