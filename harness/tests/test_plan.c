#include "kernels/tests/cmocka_headers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/runner/plan/plan.h"
#include "harness/worker/measure.h"
#include "support.h"

#define MOST_ALLOCATORS 8
#define MOST_SIZES 8

static const uint64_t plenty = UINT64_C(1) << 62;
/* Caches matter for the probes alone. */
static const struct topology no_topology;

/* A request as request_read would leave it, without a look at the machine. */
static struct fake {
	struct request request;
	struct allocator allocators[MOST_ALLOCATORS];
	uint64_t rows[MOST_SIZES];
	size_t row_count;
	uint64_t row_bytes[MOST_SIZES];
	struct shape shapes[MOST_SIZES * MOST_SIZES];
	uint64_t threads[MOST_SIZES];
	const struct strategy *strategies[64];
} fake;

/* Of that request; the next fake_init releases them. */
static struct plan plan;
static struct visit *visits;

static const struct preset *find_preset(const char *name)
{
	const struct preset *preset = presets;

	while (preset->name != NULL && strcmp(preset->name, name) != 0)
		preset++;
	assert_non_null(preset->name);
	return preset;
}

static const struct strategy *strategy(const char *name)
{
	const struct strategy *found = strategy_find("c", name);

	assert_non_null(found);
	return found;
}

static int release(void **state)
{
	(void)state;
	plan_release(&plan);
	free(visits);
	visits = NULL;
	return 0;
}

/* All strategies, one size; `allocators` allocators that are all there. */
static void fake_init(size_t allocators)
{
	struct request *request = &fake.request;
	static char label[] = "label";

	(void)release(NULL);
	memset(&fake, 0, sizeof fake);
	assert_in_range(allocators, 1, MOST_ALLOCATORS);
	request->preset = find_preset("default");
	request->passes[PASS_MEASURE] = true;
	for (size_t i = 0; strategies[i] != NULL; i++) {
		assert_in_range(i, 0, COUNT_OF(fake.strategies) - 2);
		fake.strategies[request->strategy_count++] = strategies[i];
	}
	request->strategies = fake.strategies;
	for (size_t i = 0; i < allocators; i++)
		fake.allocators[i].name = label;
	request->allocators = fake.allocators;
	request->allocator_count = allocators;
	request->shapes = fake.shapes;
	fake.row_count = 1;
	request->row_bytes = (struct counts){fake.row_bytes, 1};
	request->threads = (struct counts){fake.threads, 1};
	fake.rows[0] = 1000;
	fake.row_bytes[0] = 80;
	fake.threads[0] = 1;
	request->rounds = 10;
	request->seed = 42;
	request->budget_s = 240;
	request->timeout_s = 60;
	request->warm_limit_ns = 1e18;
}

static void only_strategy(const char *name)
{
	fake.strategies[0] = strategy(name);
	fake.strategies[1] = NULL;
	fake.request.strategy_count = 1;
}

static void add_rows(uint64_t rows)
{
	assert_true(fake.row_count < MOST_SIZES);
	fake.rows[fake.row_count++] = rows;
}

/* Each number of rows with each row size. */
static void cross(void)
{
	size_t *count = &fake.request.shape_count;

	*count = 0;
	for (size_t b = 0; b < fake.request.row_bytes.count; b++)
		for (size_t r = 0; r < fake.row_count; r++) {
			assert_in_range(*count, 0, COUNT_OF(fake.shapes) - 1);
			fake.shapes[(*count)++] = (struct shape){fake.rows[r], fake.row_bytes[b]};
		}
}

static bool try_make(const struct topology *topology, uint64_t memory_bytes, struct error *error)
{
	cross();
	plan_release(&plan);
	error->text[0] = '\0';
	return plan_make(&plan, &fake.request, topology, memory_bytes, error);
}

static void make(uint64_t memory_bytes)
{
	struct error error;

	if (!try_make(&no_topology, memory_bytes, &error))
		fail_msg("no plan: %s", error.text);
}

/* The plan of one block. */
static void make_block(size_t allocators, const char *name, uint64_t rows)
{
	fake_init(allocators);
	only_strategy(name);
	fake.rows[0] = rows;
	make(plenty);
}

/* The visits of one round go to `visits`. */
static void look_at(uint64_t round)
{
	visits = realloc(visits, plan.cell_count * sizeof *visits);
	assert_non_null(visits);
	memset(visits, 0xff, plan.cell_count * sizeof *visits);
	plan_round(&plan, round, visits);
}

static void every_combination_is_a_block_once(void **state)
{
	(void)state;
	fake_init(2);
	add_rows(2000);
	fake.row_bytes[1] = 8;
	fake.request.row_bytes.count = 2;
	fake.threads[1] = 2;
	fake.request.threads.count = 2;
	fake.request.rounds = 7;
	make(plenty);
	assert_true(fake.request.strategy_count >= 11);
	assert_int_equal(plan.block_count, fake.request.strategy_count * 8);
	assert_int_equal(plan.cell_count, plan.block_count * 2);
	assert_int_equal(plan_row_count(&plan), plan.cell_count * 7);
	for (size_t s = 0; s < fake.request.strategy_count; s++) {
		for (size_t i = 0; i < 8; i++) {
			size_t found = 0;

			for (size_t b = 0; b < plan.block_count; b++) {
				const struct block *block = &plan.blocks[b];

				found += block->strategy == fake.strategies[s] &&
					 block->size.rows == fake.rows[i & 1] &&
					 block->size.row_bytes == fake.row_bytes[i >> 1 & 1] &&
					 block->size.threads == fake.threads[i >> 2];
			}
			assert_int_equal(found, 1);
		}
	}
}

/* And the allocators of a block next to each other. */
static void every_round_visits_every_cell_once(void **state)
{
	(void)state;
	for (size_t allocators = 1; allocators <= MOST_ALLOCATORS; allocators++) {
		fake_init(allocators);
		add_rows(30);
		make(plenty);
		for (uint64_t round = 0; round < 10; round++) {
			unsigned char *seen = calloc(plan.cell_count, 1);

			assert_non_null(seen);
			look_at(round);
			for (size_t i = 0; i < plan.cell_count; i++) {
				assert_int_equal(visits[i].round, round);
				assert_true(visits[i].block < plan.block_count);
				assert_int_equal(visits[i].block,
						 visits[i / allocators * allocators].block);
				assert_true(visits[i].allocator < allocators);
				seen[visits[i].block * allocators + visits[i].allocator]++;
			}
			for (size_t i = 0; i < plan.cell_count; i++)
				assert_int_equal(seen[i], 1);
			free(seen);
		}
	}
}

/* Over as many rounds as there are allocators, each has stood in each place once, in every block:
 * what drifts within a block meets all alike. From another round on, too: any so many rounds in a
 * row will do. */
static void every_allocator_stands_in_every_place_equally_often(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3 * MOST_ALLOCATORS; i++) {
		const size_t allocators = i / 3 + 1;
		const uint64_t first = i % 3;
		unsigned(*times)[MOST_ALLOCATORS][MOST_ALLOCATORS];

		fake_init(allocators);
		make(plenty);
		times = calloc(plan.block_count, sizeof *times);
		assert_non_null(times);
		for (uint64_t round = first; round < first + allocators; round++) {
			look_at(round);
			for (size_t v = 0; v < plan.cell_count; v++)
				times[visits[v].block][visits[v].allocator][v % allocators]++;
		}
		for (size_t b = 0; b < plan.block_count; b++)
			for (size_t a = 0; a < allocators; a++)
				for (size_t place = 0; place < allocators; place++)
					assert_int_equal(times[b][a][place], 1);
		free(times);
	}
}

/* Williams's square, for an even number: over the rounds every allocator follows every other once
 * within a block. (For an odd number one square cannot do that.) */
static void every_allocator_follows_every_other_equally_often(void **state)
{
	(void)state;
	for (size_t allocators = 2; allocators <= MOST_ALLOCATORS; allocators += 2) {
		unsigned follows[MOST_ALLOCATORS][MOST_ALLOCATORS] = {{0}};

		make_block(allocators, "realloc_doubling", 1000);
		for (uint64_t round = 0; round < allocators; round++) {
			look_at(round);
			for (size_t i = 1; i < allocators; i++)
				follows[visits[i - 1].allocator][visits[i].allocator]++;
		}
		for (size_t a = 0; a < allocators; a++)
			for (size_t b = 0; b < allocators; b++)
				assert_int_equal(follows[a][b], a == b ? 0 : 1);
	}
}

/* The first and the second stand next to each other, the third and the fourth, and so on; over as
 * many rounds as there are allocators each pair has stood in each place twice, and each allocator
 * came first in half of the rounds, whatever the block. */
static void of_a_duet_pairs_are_balanced_and_change_places(void **state)
{
	(void)state;
	for (size_t allocators = 2; allocators <= MOST_ALLOCATORS; allocators += 2) {
		const size_t pairs = allocators / 2;
		unsigned(*places)[MOST_ALLOCATORS][MOST_ALLOCATORS];
		unsigned(*first)[MOST_ALLOCATORS];

		fake_init(allocators);
		fake.request.pairing = PAIRING_DUET;
		make(plenty);
		places = calloc(plan.block_count, sizeof *places);
		first = calloc(plan.block_count, sizeof *first);
		assert_true(places != NULL && first != NULL);
		for (uint64_t round = 0; round < allocators; round++) {
			look_at(round);
			for (size_t v = 0; v < plan.cell_count; v += 2) {
				const size_t pair = visits[v].allocator / 2;

				assert_true(plan_is_duet(&plan, &visits[v]));
				assert_int_equal(visits[v].block, visits[v + 1].block);
				assert_int_equal(visits[v].allocator ^ 1, visits[v + 1].allocator);
				places[visits[v].block][pair][v % allocators / 2]++;
				first[visits[v].block][visits[v].allocator]++;
			}
		}
		for (size_t b = 0; b < plan.block_count; b++)
			for (size_t pair = 0; pair < pairs; pair++) {
				for (size_t place = 0; place < pairs; place++)
					assert_int_equal(places[b][pair][place], 2);
				assert_int_equal(first[b][2 * pair], pairs);
				assert_int_equal(first[b][2 * pair + 1], pairs);
			}
		free(first);
		free(places);
	}
}

static void a_duet_takes_half_the_time_and_has_the_same_rows(void **state)
{
	double interleaved_ns;
	uint64_t rows;

	(void)state;
	fake_init(4);
	make(plenty);
	interleaved_ns = plan_expected_ns(&plan);
	rows = plan_row_count(&plan);
	fake.request.pairing = PAIRING_DUET;
	make(plenty);
	assert_int_equal(plan_row_count(&plan), rows);
	assert_true(fabs(plan_expected_ns(&plan) / interleaved_ns - 0.5) < 1e-9);
}

/* How many places of a round hold the block that they hold in `before`? All, if allocators are in
 * their places as well. */
static size_t same_blocks(const struct visit *before, uint64_t round)
{
	size_t same = 0;
	size_t same_cells = 0;

	look_at(round);
	for (size_t i = 0; i < plan.cell_count; i++) {
		same += visits[i].block == before[i].block;
		same_cells += visits[i].block == before[i].block &&
			      visits[i].allocator == before[i].allocator;
	}
	assert_true(same < plan.cell_count || same_cells == plan.cell_count);
	return same;
}

/* The visits of a round, which the caller frees. */
static struct visit *copy_of(uint64_t round)
{
	struct visit *copy;

	look_at(round);
	copy = visits;
	visits = NULL;
	return copy;
}

/* Nor do the rounds before it, or how many there are in all. */
static void the_seed_alone_decides_the_order(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 10; round++) {
		struct visit *before;

		fake_init(6);
		add_rows(300);
		make(plenty);
		before = copy_of(round);
		fake.request.rounds = 99;
		make(plenty);
		assert_int_equal(same_blocks(before, round), plan.cell_count);
		look_at((round + 3) % 10);
		assert_int_equal(same_blocks(before, round), plan.cell_count);
		/* By chance about one block in all is where it was. */
		assert_in_range(same_blocks(before, round + 1), 0, plan.cell_count / 3);
		fake.request.seed = 43;
		make(plenty);
		assert_in_range(same_blocks(before, round), 0, plan.cell_count / 3);
		free(before);
	}
}

/* Not the seed's one order, but any: over many seeds every block comes first about equally often.
 * With 11 blocks and 1,100 seeds, 100 times each; a shuffle with a bias is off by far more. */
static void every_block_comes_first_about_equally_often(void **state)
{
	unsigned first[64] = {0};

	(void)state;
	fake_init(1);
	make(plenty);
	assert_in_range(plan.block_count, 11, COUNT_OF(first));
	for (uint64_t seed = 0; seed < 100 * plan.block_count; seed++) {
		fake.request.seed = seed;
		look_at(0);
		first[visits[0].block]++;
	}
	for (size_t i = 0; i < plan.block_count; i++)
		assert_in_range(first[i], 50, 150);
}

static void iterations_follow_the_blocks_median_not_one_allocator(void **state)
{
	static const struct {
		double warm_ns[3]; /* 0: it is not measured */
		uint64_t iterations;
	} cases[] = {
		/* 1 ms a value. */
		{{10000, 20000, 80000}, 50},
		/* What is not measured has no say. */
		{{10000, 20000, 0}, 67},
		/* The slowest allocator's value lasts 50 ms at most; */
		{{10000, 20000, 5e6}, 10},
		/* and every value is one build at least. */
		{{9e9, 9e9, 9e9}, 1},
	};

	(void)state;
	make_block(3, "realloc_doubling", 1000);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t a = 0; a < 3; a++) {
			struct cell *cell = plan_cell(&plan, 0, a);

			cell->warm_ns = cases[i].warm_ns[a];
			cell->skip = cell->warm_ns > 0 ? CELL_MEASURED : CELL_UNAVAILABLE;
		}
		plan_decide(&plan);
		assert_int_equal(plan.blocks[0].iterations, cases[i].iterations);
	}
}

static void a_short_value_is_taken_often_and_a_long_one_once(void **state)
{
	static const struct {
		double warm_ns;
		unsigned values;
	} cases[] = {
		{1000, 3},   /* 1 ms a value, 3 ms wanted */
		{2e6, 5},    /* 1 build of 2 ms, of which a quartile needs five */
		{0.5e6, 3},  /* 2 builds of 0.5 ms */
		{6e6, 5},    /* five fit with room to spare */
		{10e6, 5},   /* five and the warm-up fit exactly */
		{10.1e6, 4}, /* they no longer do */
		{15e6, 3},   /* three and the warm-up fit exactly */
		{16e6, 1},   /* they no longer do */
		{50e9, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		make_block(1, "realloc_doubling", 1000);
		plan_cell(&plan, 0, 0)->warm_ns = cases[i].warm_ns;
		plan_decide(&plan);
		assert_int_equal(plan_cell(&plan, 0, 0)->values, cases[i].values);
	}
}

static void assert_close(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-9 * fabs(expected)))
		fail_msg("%.17g instead of %.17g", value, expected);
}

static void a_single_value_is_warmed_up_unless_a_build_takes_long(void **state)
{
	const double limit_ns = MEASURE_LONGEST_WARM_UP_NS;
	struct cell *cell;
	double with_ns;

	(void)state;
	make_block(1, "realloc_doubling", 1000);
	cell = plan_cell(&plan, 0, 0);
	cell->warm_ns = 16e6;
	cell->cold_ns = limit_ns;
	plan_decide(&plan);
	assert_int_equal(cell->values, 1);
	with_ns = cell->worker_ns;
	cell->cold_ns = limit_ns + 1;
	plan_decide(&plan);
	/* A nanosecond of cold more, and a warm-up less. */
	assert_close(with_ns - cell->worker_ns, cell->warm_ns - 1.1);
}

/* ---- growth ---- */

static void assert_within(double value, double expected, double factor)
{
	if (!(value >= expected / factor && value <= expected * factor))
		fail_msg("%g is not within a factor of %g of %g", value, factor, expected);
}

static void assert_untold(struct growth_range range)
{
	assert_true(range.ns <= 0 && range.low_ns <= 0 && range.high_ns <= 0);
}

/* A shape of 1000 and 8000 appends, of the seen size and the other, that take so much each beside
 * what the bytes take; what it is a shape of goes to ns. */
static struct growth_shape shape_of(const double bytes_ns[2], const double append_ns[2],
				    double ns[2])
{
	struct growth_shape shape = {.coarser = 4};

	for (size_t k = 0; k < 2; k++) {
		const double of_appends = append_ns[k] * (k == 0 ? 1000 : 8000);

		ns[k] = bytes_ns[k] + of_appends;
		shape.fine_ns[k] = bytes_ns[k] + of_appends / 4;
		shape.coarse_ns[k] = bytes_ns[k] + of_appends / 16;
	}
	return shape;
}

/* Of an array that is copied for each append. */
static void a_shape_of_larger_rows_tells_what_more_appends_take(void **state)
{
	static const struct {
		double bytes_ns[2];
		double append_ns[2];
	} cases[] = {
		{{0, 0}, {100, 800}},
		{{1e4, 8e4}, {100, 4000}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		double ns[2];
		const struct growth_shape shape =
			shape_of(cases[i].bytes_ns, cases[i].append_ns, ns);
		const struct growth_range range = growth_by_shape(ns[0], &shape);

		assert_within(range.ns, ns[1], 1.001);
		assert_true(range.low_ns <= ns[1] && ns[1] <= range.high_ns);
		assert_untold(growth_by_shape(0, &shape));
		/* It has to give what was seen. */
		assert_true(growth_by_shape(ns[0] * 1.9, &shape).ns > 0);
		assert_untold(growth_by_shape(ns[0] * 2.1, &shape));
		assert_untold(growth_by_shape(ns[0] / 2.1, &shape));
	}
}

static void a_shape_that_does_not_tell_is_no_prediction(void **state)
{
	static const double much[2] = {1e6, 8e6};
	static const double few[2] = {100, 500};
	static const double none[2] = {0, 0};
	double ns[2];
	struct growth_shape shape = shape_of(much, few, ns);

	(void)state;
	/* The copies are lost in what goes with the bytes, */
	assert_untold(growth_by_shape(ns[0], &shape));
	/* or are more than all, as a look was disturbed. */
	shape = shape_of(none, few, ns);
	shape.fine_ns[1] *= 1.3;
	assert_untold(growth_by_shape(ns[0], &shape));
}

static void a_next_size_may_take_more_than_growth_so_far_says(void **state)
{
	static const struct growth_point unseen = {0, 0};
	static const struct growth_point first = {1000, 1000};
	static const struct growth_point linear = {2000, 2000};
	static const struct growth_point falling = {2000, 300};
	static const struct growth_point leaping = {2000, 50000};

	(void)state;
	assert_close(growth_bound(unseen, linear, 4000), 8000);
	assert_close(growth_bound(first, linear, 8000), 2000 * pow(4, 1.5));
	/* A start that costs the same at each size, and a look that was disturbed. */
	assert_close(growth_bound(first, falling, 8000), 300 * pow(4, 0.8));
	assert_close(growth_bound(first, leaping, 8000), 50000 * pow(4, 2.1));
}

/* ---- the budget ---- */

/* All cells take this; what was predicted has an interval. */
static void set_times(double ns, bool predicted)
{
	for (size_t i = 0; i < plan.cell_count; i++) {
		plan.cells[i].skip = CELL_MEASURED;
		plan.cells[i].cold_ns = plan.cells[i].warm_ns = ns;
		plan.cells[i].cold = (struct growth_range){0};
		if (predicted)
			plan.cells[i].cold = (struct growth_range){ns, ns / 2, ns * 2};
	}
	plan_decide(&plan);
}

static void a_cell_over_the_budget_is_predicted_from_what_was_seen_or_missing(void **state)
{
	(void)state;
	fake_init(2);
	fake.rows[0] = 10001;
	make(plenty);
	for (int predicted = 0; predicted < 2; predicted++) {
		set_times(1e12, predicted == 1);
		for (size_t i = 0; i < plan.cell_count; i++) {
			assert_int_equal(plan.cells[i].skip,
					 predicted == 1 ? CELL_PREDICTED : CELL_NO_BUDGET);
			assert_true(plan.cells[i].needed_budget_s > fake.request.budget_s);
		}
	}
	assert_true(plan_cell(&plan, 0, 0)->worker_ns > 2e12);
	assert_true(plan_expected_ns(&plan) <= 0);
}

/* Whatever the order that its strategy declares. */
static void what_is_cheap_is_measured_however_small_the_budget_is(void **state)
{
	(void)state;
	fake_init(2);
	fake.request.budget_s = 1;
	fake.request.rounds = 100;
	fake.request.preset = find_preset("quick");
	make(plenty);
	set_times(9e6, false);
	for (size_t i = 0; i < plan.cell_count; i++) {
		assert_int_equal(plan.cells[i].skip, CELL_MEASURED);
		assert_int_equal(plan.cells[i].rounds, 100);
	}
}

static char named[] = "named";

static void what_was_named_is_measured_as_far_as_the_budget_goes(void **state)
{
	size_t measured = 0;

	(void)state;
	make_block(4, "loop_and_append", 20000);
	/* A worker of 50 s: 4 of them do not fit into 240 s with 6 rounds each. */
	set_times(20e9, true);
	for (size_t a = 0; a < 4; a++)
		assert_int_equal(plan.cells[a].skip, CELL_PREDICTED);
	fake.request.given.strategies = named;
	set_times(20e9, true);
	for (size_t a = 0; a < 4; a++) {
		assert_int_equal(plan.cells[a].skip, CELL_MEASURED);
		assert_int_equal(plan.cells[a].rounds, 1);
	}
	assert_true(plan_expected_ns(&plan) <= 240e9);
	/* What the pilot took is of the budget, too. */
	plan.pilot_ns = 120e9;
	set_times(20e9, true);
	for (size_t a = 0; a < 4; a++)
		measured += plan.cells[a].skip == CELL_MEASURED;
	assert_in_range(measured, 1, 3);
	assert_true(plan_expected_ns(&plan) + plan.pilot_ns <= 240e9);
}

static void the_budget_that_a_named_cell_needs_is_enough_for_it(void **state)
{
	uint64_t needed;

	(void)state;
	fake_init(1);
	only_strategy("loop_and_append");
	fake.rows[0] = 20000;
	fake.request.given.rows = named;
	make(plenty);
	set_times(200e9, true);
	assert_int_equal(plan.cells[0].skip, CELL_PREDICTED);
	needed = plan.cells[0].needed_budget_s;
	fake.request.budget_s = needed;
	set_times(200e9, true);
	assert_int_equal(plan.cells[0].skip, CELL_MEASURED);
	assert_int_equal(plan.cells[0].rounds, 1);
	assert_in_range(needed, 400, 1000);
}

static void a_size_that_is_to_be_predicted_is_never_measured(void **state)
{
	(void)state;
	fake_init(1);
	add_rows(2000);
	fake.request.given.predict_above = 1000;
	fake.request.given.rows = named;
	make(plenty);
	set_times(1000, true);
	for (size_t b = 0; b < plan.block_count; b++)
		assert_int_equal(plan_cell(&plan, b, 0)->skip,
				 plan.blocks[b].size.rows > 1000 ? CELL_PREDICTED : CELL_MEASURED);
}

static void assert_affords_up_to(double worker_ns)
{
	assert_true(plan_affords(&plan, &plan.blocks[0], worker_ns * 0.999));
	assert_false(plan_affords(&plan, &plan.blocks[0], worker_ns * 1.001));
}

static void what_one_cell_may_take_of_the_budget_is_for_all_rounds(void **state)
{
	(void)state;
	make_block(1, "loop_and_append", 20000);
	/* 3% of 240 s, over 10 rounds, is 0.72 s. */
	assert_affords_up_to(0.72e9);
	fake.request.rounds = 20;
	assert_affords_up_to(0.36e9);
	fake.request.budget_s = 480;
	assert_affords_up_to(0.72e9);
}

static void the_articles_size_is_measured_unless_the_preset_leaves_it_open(void **state)
{
	static const struct {
		const char *preset;
		uint64_t rows;
		uint64_t row_bytes;
		unsigned threads;
		bool affords;
	} cases[] = {
		{"default", 10000, 80, 1, true},  {"full", 10000, 80, 1, true},
		{"default", 10, 8, 1, true},      {"quick", 10000, 80, 1, false},
		{"default", 10001, 80, 1, false}, {"default", 10000, 81, 1, false},
		{"default", 10000, 80, 2, false}, {"quick", 10, 8, 1, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		fake_init(1);
		only_strategy("loop_and_append");
		fake.request.preset = find_preset(cases[i].preset);
		fake.rows[0] = cases[i].rows;
		fake.row_bytes[0] = cases[i].row_bytes;
		fake.threads[0] = cases[i].threads;
		make(plenty);
		assert_int_equal(plan_affords(&plan, &plan.blocks[0], 1e15), cases[i].affords);
		plan.cells[0].skip = CELL_MEASURED;
		plan.cells[0].cold_ns = plan.cells[0].warm_ns = 1e15;
		plan_decide(&plan);
		assert_int_equal(plan.cells[0].skip,
				 cases[i].affords ? CELL_MEASURED : CELL_NO_BUDGET);
	}
}

static void a_cell_that_needs_more_memory_than_there_is_is_not_measured(void **state)
{
	uint64_t needed;

	(void)state;
	make_block(2, "preallocate_then_fill", 1000000);
	needed = plan_needed_bytes(&plan.blocks[0]);
	assert_int_equal(plan.cells[0].skip, CELL_MEASURED);

	make(needed);
	assert_int_equal(plan.cells[0].skip, CELL_MEASURED);
	assert_int_equal(plan.cells[1].skip, CELL_MEASURED);
	make(needed - 1);
	assert_int_equal(plan.cells[0].skip, CELL_NO_MEMORY);
	assert_int_equal(plan.cells[1].skip, CELL_NO_MEMORY);
	/* It has its rows in the file none the less, and costs no time. */
	assert_int_equal(plan_row_count(&plan), 20);
	assert_true(plan_expected_ns(&plan) == 0);
}

static void an_allocator_that_is_missing_is_said_so_before_all_else(void **state)
{
	static char missing[] = "not installed";

	(void)state;
	fake_init(2);
	only_strategy("realloc_doubling");
	fake.allocators[1].missing = missing;
	make(plenty);
	assert_int_equal(plan.cells[0].skip, CELL_MEASURED);
	assert_int_equal(plan.cells[1].skip, CELL_UNAVAILABLE);
	make(0);
	assert_int_equal(plan.cells[0].skip, CELL_NO_MEMORY);
	assert_int_equal(plan.cells[1].skip, CELL_UNAVAILABLE);
}

/* No strategy builds its array in less than the payload; a contiguous copy needs up to 3 times. */
static void a_hundred_million_rows_are_planned_with_a_sane_need_of_memory(void **state)
{
	const uint64_t payload = UINT64_C(8000000000);

	(void)state;
	fake_init(1);
	fake.rows[0] = 100000000;
	make(UINT64_C(16) << 30);
	assert_int_equal(plan_row_count(&plan), 10 * fake.request.strategy_count);
	for (size_t b = 0; b < plan.block_count; b++) {
		uint64_t needed = plan_needed_bytes(&plan.blocks[b]);

		assert_int_equal(plan_payload_bytes(&plan.blocks[b]), payload);
		if (needed < payload || needed > 4 * payload)
			fail_msg("%s needs %llu bytes", plan.blocks[b].strategy->name,
				 (unsigned long long)needed);
		assert_true(isfinite(plan.cells[b].worker_ns) && plan.cells[b].worker_ns > 0);
		if (plan.cells[b].skip == CELL_MEASURED)
			assert_int_equal(plan.blocks[b].strategy->order, GROWTH_LINEAR);
	}
}

static void threads_multiply_payload_and_need(void **state)
{
	uint64_t own;

	(void)state;
	fake_init(1);
	only_strategy("preallocate_then_fill");
	fake.threads[0] = 1;
	fake.threads[1] = 4;
	fake.request.threads.count = 2;
	make(plenty);
	assert_int_equal(plan_payload_bytes(&plan.blocks[0]), 80000);
	assert_int_equal(plan_payload_bytes(&plan.blocks[1]), 320000);
	own = plan_needed_bytes(&plan.blocks[0]) - 80000;
	assert_in_range(plan_needed_bytes(&plan.blocks[1]), own + 320000, own + 330000);
}

/* A pointer for each row and what an allocator puts around each: far more than the payload. */
static void many_small_blocks_need_more_than_their_payload(void **state)
{
	(void)state;
	fake_init(1);
	only_strategy("list_of_pointers");
	fake.rows[0] = 1000000;
	fake.row_bytes[0] = 8;
	make(plenty);
	assert_true(plan_needed_bytes(&plan.blocks[0]) >= 1000000 * (8 + 8 + 16));
}

static void a_size_that_does_not_fit_in_64_bits_is_refused(void **state)
{
	static const struct {
		uint64_t rows;
		uint64_t row_bytes;
		uint64_t threads;
		bool fits;
	} cases[] = {
		{UINT64_MAX, 2, 1, false},
		{UINT64_MAX, 1, 1, false},
		{UINT64_C(1) << 32, UINT64_C(1) << 32, 1, false},
		{UINT64_C(1) << 60, 8, 1, false},
		{UINT64_C(1) << 40, UINT64_C(1) << 20, 1, true},
		{UINT64_C(1) << 40, UINT64_C(1) << 20, 8, false},
		{UINT64_C(1) << 40, UINT64_C(1) << 20, 4, true},
		{UINT64_C(1) << 40, UINT64_C(1) << 20, 4096, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error error;

		fake_init(1);
		only_strategy("preallocate_then_fill");
		fake.rows[0] = cases[i].rows;
		fake.row_bytes[0] = cases[i].row_bytes;
		fake.threads[0] = cases[i].threads;
		assert_int_equal(try_make(&no_topology, plenty, &error), cases[i].fits);
		if (!cases[i].fits)
			assert_contains(error.text, "are more than can be addressed");
	}
}

/* Sums on the way to a need of memory may overflow where the payload does not. */
static void a_need_that_overflows_is_too_much_for_any_machine(void **state)
{
	(void)state;
	fake_init(1);
	fake.rows[0] = UINT64_C(1) << 60;
	fake.row_bytes[0] = 7;
	make(plenty);
	for (size_t b = 0; b < plan.block_count; b++) {
		if (!strategy_supports(plan.blocks[b].strategy, 7))
			continue;
		assert_true(plan_needed_bytes(&plan.blocks[b]) >= UINT64_C(7) << 60);
		assert_int_equal(plan.cells[b].skip, CELL_NO_MEMORY);
	}
}

static void a_plan_of_nothing_is_refused(void **state)
{
	struct error error;

	(void)state;
	fake_init(1);
	fake.request.allocator_count = 0;
	assert_false(try_make(&no_topology, plenty, &error));
	assert_contains(error.text, "nothing to measure");
	/* Latencies of too few rows. */
	fake_init(1);
	fake.rows[0] = 10;
	fake.request.passes[PASS_MEASURE] = false;
	fake.request.passes[PASS_LATENCY] = true;
	fake.request.latency_rounds = 1;
	assert_false(try_make(&no_topology, plenty, &error));
	assert_contains(error.text, "nothing to measure");
}

static void the_expected_time_is_that_of_what_is_measured_in_all_rounds(void **state)
{
	(void)state;
	make_block(4, "realloc_doubling", 1000);
	assert_true(plan_expected_ns(&plan) > 0);
	for (size_t i = 0; i < 4; i++)
		plan.cells[i].worker_ns = 100 * (double)(i + 1);
	plan.cells[3].skip = CELL_PREDICTED;
	assert_close(plan_expected_ns(&plan), 6000);
}

static void a_warm_part_that_takes_longer_than_the_limit_is_left_out(void **state)
{
	(void)state;
	fake_init(2);
	only_strategy("realloc_doubling");
	fake.request.warm_limit_ns = 1e9;
	make(plenty);
	plan.cells[0].cold_ns = 2e9;
	plan.cells[0].warm_ns = 0.9e9;
	plan.cells[1].cold_ns = 2e9;
	plan.cells[1].warm_ns = 1.1e9;
	plan_decide(&plan);
	assert_true(plan_has_warm(&plan, &plan.cells[0]));
	assert_false(plan_has_warm(&plan, &plan.cells[1]));
	/* The cold build alone. */
	assert_true(plan.cells[1].worker_ns < 2.5e9);
	assert_true(plan.cells[0].worker_ns > 2.9e9);
}

/* ---- the other passes ---- */

static struct topology two_caches(void)
{
	struct topology topology = {.cache_count = 3};

	topology.caches[0] = (struct topology_cache){.level = 1, .type = 'd', .bytes = 32 << 10};
	topology.caches[1] = (struct topology_cache){.level = 1, .type = 'i', .bytes = 64 << 10};
	topology.caches[2] = (struct topology_cache){.level = 2, .type = 'u', .bytes = 512 << 10};
	return topology;
}

static void make_all_passes(void)
{
	const struct topology topology = two_caches();
	struct error error;

	for (size_t i = 0; i < PASS_COUNT; i++)
		fake.request.passes[i] = true;
	fake.request.latency_rounds = 2;
	if (!try_make(&topology, plenty, &error))
		fail_msg("no plan: %s", error.text);
	visits = plan_order(&plan);
}

static uint64_t count_visits(enum pass pass)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < plan_row_count(&plan); i++)
		count += visits[i].pass == pass;
	return count;
}

static void every_pass_has_the_rows_that_its_rounds_say(void **state)
{
	(void)state;
	fake_init(3);
	add_rows(100); /* too few for latencies, the other size is not */
	make_all_passes();
	assert_int_equal(count_visits(PASS_MEASURE), plan.cell_count * 10);
	assert_int_equal(count_visits(PASS_TRACE), plan.cell_count);
	assert_int_equal(count_visits(PASS_LATENCY), plan.cell_count / 2 * 2);
	assert_int_equal(count_visits(PASS_PROBE), plan.probe_count * 3);
	assert_true(plan.probe_count > 10);
}

static void probes_stand_at_the_start_in_the_middle_and_at_the_end(void **state)
{
	uint64_t last;

	(void)state;
	fake_init(2);
	only_strategy("realloc_doubling");
	make_all_passes();
	last = plan_rounds_end(&plan, visits);
	for (uint64_t i = 0; i < plan.probe_count; i++) {
		assert_int_equal(visits[i].pass, PASS_PROBE);
		assert_int_equal(visits[i].round, 0);
		assert_int_equal(visits[last + i].pass, PASS_PROBE);
		assert_int_equal(visits[last + i].round, 2);
	}
	/* Nothing but what is counted on all CPUs comes after them. */
	for (uint64_t i = last + plan.probe_count; i < plan_row_count(&plan); i++)
		assert_int_equal(visits[i].pass, PASS_INSTRUCTIONS);
	/* Five of the ten rounds, with a trace and two visits of latency, are before the middle. */
	assert_int_equal(visits[plan.probe_count + 2 * (5 + 1 + 2)].pass, PASS_PROBE);
}

static void a_probe_of_allocators_is_run_under_each_of_them(void **state)
{
	(void)state;
	fake_init(4);
	make_all_passes();
	for (const struct probe *probe = probes; probe->name != NULL; probe++) {
		size_t under[MOST_ALLOCATORS] = {0};

		for (size_t i = 0; i < plan.probe_count; i++)
			if (plan.probes[i].probe == probe)
				under[plan.probes[i].allocator]++;
		assert_true(under[0] > 0);
		for (size_t a = 1; a < 4; a++)
			assert_int_equal(under[a], probe->of_allocator ? under[0] : 0);
	}
}

static void a_probe_of_no_allocator_runs_under_one_that_is_there(void **state)
{
	static char gone[] = "it is not here";

	(void)state;
	fake_init(3);
	fake.allocators[0].missing = gone;
	make_all_passes();
	for (size_t i = 0; i < plan.probe_count; i++)
		if (!plan.probes[i].probe->of_allocator)
			assert_int_equal(plan.probes[i].allocator, 1);
}

static void a_trace_needs_memory_for_each_block_too(void **state)
{
	(void)state;
	make_block(1, "list_of_pointers", 1000000);
	assert_int_equal(plan_trace_bytes(&plan.blocks[0]) - plan_needed_bytes(&plan.blocks[0]),
			 64000000);
}

static void trace_and_latency_follow_the_measurements_of_their_block(void **state)
{
	(void)state;
	fake_init(2);
	make_all_passes();
	for (uint64_t i = 1; i < plan_row_count(&plan); i++) {
		if (visits[i].pass != PASS_TRACE && visits[i].pass != PASS_LATENCY)
			continue;
		assert_int_equal(visits[i].block, visits[i - 1].block);
		assert_int_equal(visits[i].round, visits[i - 1].round);
		assert_true(visits[i].pass >= visits[i - 1].pass);
	}
}

static void a_slow_cell_is_measured_in_six_rounds_spread_over_the_run(void **state)
{
	static const bool expected[10] = {false, true, false, true, true,
					  false, true, false, true, true};
	struct cell *cell;

	(void)state;
	make_block(1, "loop_and_append", 1000);
	cell = plan_cell(&plan, 0, 0);
	assert_int_equal(cell->rounds, 10);
	for (uint64_t round = 0; round < 10; round++)
		assert_true(plan_measures(&plan, cell, round));
	/* 3% of 240 s are 7.2 s: ten times 2 s are more. */
	cell->cold_ns = 1e9;
	cell->warm_ns = 1e9;
	plan_decide(&plan);
	assert_int_equal(cell->skip, CELL_MEASURED);
	assert_int_equal(cell->rounds, 6);
	for (uint64_t round = 0; round < 10; round++)
		assert_int_equal(plan_measures(&plan, cell, round), expected[round]);
}

/* Two allocators, all passes, two sizes of two strategies, of which two blocks have more rounds. */
static void make_extended(void)
{
	fake_init(2);
	fake.request.rounds = 4;
	fake.request.strategy_count = 2;
	fake.strategies[2] = NULL;
	add_rows(2000);
	make_all_passes();
	plan.extra_rounds[1] = 3;
	plan.extra_rounds[2] = 1;
	free(visits);
	visits = plan_order(&plan);
}

static void more_rounds_follow_those_of_all_and_come_before_the_last_probes(void **state)
{
	uint64_t base;
	uint64_t end;

	(void)state;
	make_extended();
	end = plan_rounds_end(&plan, visits);
	base = end - 2 * (3 + 1);
	assert_int_equal(plan_row_count(&plan), end + plan.probe_count);
	for (uint64_t i = 0; i < base; i++)
		assert_true(visits[i].round < 4);
	for (uint64_t i = base; i < end; i++) {
		const struct visit *visit = &visits[i];

		assert_int_equal(visit->pass, PASS_MEASURE);
		assert_in_range(visit->round, 4, 3 + plan.extra_rounds[visit->block]);
		assert_in_range(visit->round, visits[i - (i > base)].round, 6);
		assert_true(plan_measures(&plan, plan_cell(&plan, visit->block, 0), visit->round));
		/* A block's allocators stand next to each other. */
		assert_int_equal(visit->block, visits[i % 2 == base % 2 ? i + 1 : i - 1].block);
	}
	assert_int_equal(visits[end].pass, PASS_PROBE);
}

static void more_rounds_leave_the_others_as_they_are(void **state)
{
	struct visit *before;
	uint64_t end;

	(void)state;
	make_extended();
	memset(plan.extra_rounds, 0, plan.block_count * sizeof *plan.extra_rounds);
	before = plan_order(&plan);
	end = plan_rounds_end(&plan, before);
	for (uint64_t i = 0; i < end; i++) {
		assert_int_equal(before[i].round, visits[i].round);
		assert_int_equal(before[i].pass, visits[i].pass);
		assert_int_equal(before[i].block, visits[i].block);
		assert_int_equal(before[i].allocator, visits[i].allocator);
	}
	free(before);
}

static void no_visit_comes_twice(void **state)
{
	(void)state;
	make_extended();
	for (uint64_t i = 0; i < plan_row_count(&plan); i++)
		for (uint64_t j = 0; j < i; j++)
			assert_false(visits[i].pass == visits[j].pass &&
				     visits[i].round == visits[j].round &&
				     visits[i].block == visits[j].block &&
				     visits[i].allocator == visits[j].allocator);
}

static void more_rounds_need_as_many_as_an_interval_needs(void **state)
{
	struct error error;

	(void)state;
	fake_init(1);
	fake.request.rounds = 5;
	fake.request.extra_rounds = 1;
	assert_false(try_make(&no_topology, plenty, &error));
	assert_non_null(strstr(error.text, "5 rounds have none; give --rounds 6 or more"));
	fake.request.rounds = 6;
	make(plenty);
}

static void rows_that_an_implementation_has_not_are_left_out(void **state)
{
	(void)state;
	fake_init(2);
	fake.rows[0] = 10;
	fake.row_bytes[0] = 77777;
	make(plenty);
	for (size_t b = 0; b < plan.block_count; b++)
		for (size_t a = 0; a < 2; a++)
			assert_int_equal(plan_cell(&plan, b, a)->skip,
					 strategy_supports(plan.blocks[b].strategy, 77777)
						 ? CELL_MEASURED
						 : CELL_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_a_block_once),
		cmocka_unit_test(every_round_visits_every_cell_once),
		cmocka_unit_test(every_allocator_stands_in_every_place_equally_often),
		cmocka_unit_test(every_allocator_follows_every_other_equally_often),
		cmocka_unit_test(of_a_duet_pairs_are_balanced_and_change_places),
		cmocka_unit_test(a_duet_takes_half_the_time_and_has_the_same_rows),
		cmocka_unit_test(the_seed_alone_decides_the_order),
		cmocka_unit_test(every_block_comes_first_about_equally_often),
		cmocka_unit_test(iterations_follow_the_blocks_median_not_one_allocator),
		cmocka_unit_test(a_short_value_is_taken_often_and_a_long_one_once),
		cmocka_unit_test(a_single_value_is_warmed_up_unless_a_build_takes_long),
		cmocka_unit_test(a_shape_of_larger_rows_tells_what_more_appends_take),
		cmocka_unit_test(a_shape_that_does_not_tell_is_no_prediction),
		cmocka_unit_test(a_next_size_may_take_more_than_growth_so_far_says),
		cmocka_unit_test(a_cell_over_the_budget_is_predicted_from_what_was_seen_or_missing),
		cmocka_unit_test(what_is_cheap_is_measured_however_small_the_budget_is),
		cmocka_unit_test(what_was_named_is_measured_as_far_as_the_budget_goes),
		cmocka_unit_test(the_budget_that_a_named_cell_needs_is_enough_for_it),
		cmocka_unit_test(a_size_that_is_to_be_predicted_is_never_measured),
		cmocka_unit_test(what_one_cell_may_take_of_the_budget_is_for_all_rounds),
		cmocka_unit_test(the_articles_size_is_measured_unless_the_preset_leaves_it_open),
		cmocka_unit_test(a_cell_that_needs_more_memory_than_there_is_is_not_measured),
		cmocka_unit_test(an_allocator_that_is_missing_is_said_so_before_all_else),
		cmocka_unit_test(a_hundred_million_rows_are_planned_with_a_sane_need_of_memory),
		cmocka_unit_test(threads_multiply_payload_and_need),
		cmocka_unit_test(many_small_blocks_need_more_than_their_payload),
		cmocka_unit_test(a_size_that_does_not_fit_in_64_bits_is_refused),
		cmocka_unit_test(a_need_that_overflows_is_too_much_for_any_machine),
		cmocka_unit_test(a_plan_of_nothing_is_refused),
		cmocka_unit_test(the_expected_time_is_that_of_what_is_measured_in_all_rounds),
		cmocka_unit_test(every_pass_has_the_rows_that_its_rounds_say),
		cmocka_unit_test(no_visit_comes_twice),
		cmocka_unit_test(probes_stand_at_the_start_in_the_middle_and_at_the_end),
		cmocka_unit_test(a_probe_of_allocators_is_run_under_each_of_them),
		cmocka_unit_test(a_probe_of_no_allocator_runs_under_one_that_is_there),
		cmocka_unit_test(a_trace_needs_memory_for_each_block_too),
		cmocka_unit_test(trace_and_latency_follow_the_measurements_of_their_block),
		cmocka_unit_test(a_slow_cell_is_measured_in_six_rounds_spread_over_the_run),
		cmocka_unit_test(more_rounds_follow_those_of_all_and_come_before_the_last_probes),
		cmocka_unit_test(more_rounds_leave_the_others_as_they_are),
		cmocka_unit_test(more_rounds_need_as_many_as_an_interval_needs),
		cmocka_unit_test(rows_that_an_implementation_has_not_are_left_out),
		cmocka_unit_test(a_warm_part_that_takes_longer_than_the_limit_is_left_out),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, release);
}
