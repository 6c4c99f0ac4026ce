/*
 * The functions that allocators have besides C's, in front of whichever allocator is preloaded:
 * what they do to blocks is in the account. And the strategies that ask the allocator what it
 * gives.
 */
#include "kernels/tests/cmocka_headers.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "harness/tests/support.h"
#include "harness/trace/trace.h"
#include "kernels/allocator.h"
#include "kernels/growth.h"
#include "kernels/strategy.h"

#define ZERO 0x40
#define TOO_MUCH ((size_t)1 << 46)

static const struct trace *trace;
static struct trace_counts counts;
static struct trace_live live;

/* Ours, which are there in front of each allocator. */
static struct {
	void *(*mallocx)(size_t bytes, int flags);
	void *(*rallocx)(void *block, size_t bytes, int flags);
	size_t (*xallocx)(void *block, size_t bytes, size_t extra, int flags);
	void (*dallocx)(void *block, int flags);
	void (*sdallocx)(void *block, size_t bytes, int flags);
	void *(*mi_malloc)(size_t bytes);
	void *(*mi_calloc)(size_t count, size_t bytes);
	void *(*mi_zalloc)(size_t bytes);
	void *(*mi_realloc)(void *block, size_t bytes);
	void *(*mi_expand)(void *block, size_t bytes);
	void (*mi_free)(void *block);
} call;

static void find_calls(void)
{
	static const char *const names[] = {"mallocx",    "rallocx",   "xallocx",   "dallocx",
					    "sdallocx",   "mi_malloc", "mi_calloc", "mi_zalloc",
					    "mi_realloc", "mi_expand", "mi_free"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		void *address = dlsym(RTLD_DEFAULT, names[i]);

		assert_non_null(address);
		memcpy((char *)&call + i * sizeof address, &address, sizeof address);
	}
}

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

static uint64_t all_calls(void)
{
	return counts.malloc_count + counts.calloc_count + counts.realloc_count +
	       counts.free_count + counts.aligned_count;
}

/* Is there one behind ours, and has the allocator it? */
static bool supplied(const char *name)
{
	Dl_info function;
	Dl_info allocator;
	void *address = trace->real(name);

	return address != NULL && dladdr(address, &function) != 0 &&
	       dladdr(trace->real("malloc"), &allocator) != 0 &&
	       function.dli_fbase == allocator.dli_fbase;
}

static void blocks_of_jemallocs_functions_are_in_the_account(void **state)
{
	void *plain;
	void *zeroed;
	void *aligned;

	(void)state;
	if (!supplied("mallocx"))
		SKIP_BECAUSE("the allocator has no mallocx");
	start();
	plain = call.mallocx(100, 0);
	zeroed = call.mallocx(200, ZERO);
	aligned = call.mallocx(300, 6);
	plain = call.rallocx(plain, 1000, 0);
	stop();
	assert_int_equal(counts.malloc_count, 1);
	assert_int_equal(counts.calloc_count, 1);
	assert_int_equal(counts.aligned_count, 1);
	assert_int_equal(counts.realloc_count, 1);
	assert_int_equal(counts.realloc_in_place_count + counts.realloc_moved_count, 1);
	assert_int_equal(counts.failed_count, 0);
	assert_int_equal(live.requested_bytes, 1500);
	assert_int_equal(live.usable_bytes, malloc_usable_size(plain) + malloc_usable_size(zeroed) +
						    malloc_usable_size(aligned));
	trace->start();
	call.dallocx(zeroed, 0);
	call.sdallocx(aligned, 300, 6);
	call.dallocx(plain, 0);
	stop();
	assert_int_equal(counts.free_count, 3);
	assert_int_equal(all_calls(), 3);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(live.usable_bytes, 0);
}

static void xallocx_is_a_realloc_in_place_or_nothing(void **state)
{
	void *block;
	size_t usable;
	size_t held;

	(void)state;
	if (!supplied("xallocx"))
		SKIP_BECAUSE("the allocator has no xallocx");
	start();
	block = malloc(100);
	usable = malloc_usable_size(block);
	assert_true(usable > 100);
	held = call.xallocx(block, usable, 0, 0);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, usable);
	/* As much of the extra bytes as there was room for, of which none is larger. */
	assert_int_equal(call.xallocx(block, 100, TOO_MUCH, 0), usable);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, usable);
	assert_int_equal(call.xallocx(block, 98, 1, 0), usable);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 99);
	assert_true(call.xallocx(block, TOO_MUCH, 0, 0) < TOO_MUCH);
	stop();
	assert_int_equal(held, usable);
	assert_int_equal(live.requested_bytes, 99);
	assert_int_equal(live.usable_bytes, usable);
	assert_int_equal(live.peak_moving_bytes, usable);
	assert_int_equal(counts.realloc_count, 3);
	assert_int_equal(counts.realloc_in_place_count, 3);
	assert_int_equal(counts.realloc_shrunk_count, 1);
	assert_int_equal(counts.realloc_failed_count + counts.failed_count, 0);
	free(block);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
}

static void blocks_of_mimallocs_functions_are_in_the_account(void **state)
{
	char *block;
	void *others[2];

	(void)state;
	if (!supplied("mi_malloc"))
		SKIP_BECAUSE("the allocator has no mi_malloc");
	start();
	block = call.mi_malloc(100);
	others[0] = call.mi_calloc(3, 50);
	others[1] = call.mi_zalloc(7);
	block = call.mi_realloc(block, 1000);
	stop();
	assert_int_equal(counts.malloc_count, 1);
	assert_int_equal(counts.calloc_count, 2);
	assert_int_equal(counts.realloc_count, 1);
	assert_int_equal(live.requested_bytes, 1157);
	trace->start();
	call.mi_free(others[0]);
	call.mi_free(others[1]);
	call.mi_free(block);
	call.mi_free(NULL);
	stop();
	assert_int_equal(counts.free_count, 3);
	assert_int_equal(all_calls(), 3);
	assert_int_equal(live.requested_bytes, 0);
	assert_int_equal(live.usable_bytes, 0);
}

static void mi_expand_is_a_realloc_in_place_or_nothing(void **state)
{
	char *block;
	size_t usable;
	bool expanded;

	(void)state;
	if (!supplied("mi_expand"))
		SKIP_BECAUSE("the allocator has no mi_expand");
	start();
	block = malloc(1000);
	usable = malloc_usable_size(block);
	/* Not where mimalloc checks what is behind a block. */
	expanded = call.mi_expand(block, usable) != NULL;
	trace->live(&live);
	assert_int_equal(live.requested_bytes, expanded ? usable : 1000);
	assert_null(call.mi_expand(block, TOO_MUCH));
	assert_null(call.mi_expand(NULL, 1));
	stop();
	assert_int_equal(counts.realloc_count, expanded);
	assert_int_equal(counts.realloc_in_place_count, expanded);
	assert_int_equal(counts.realloc_failed_count + counts.failed_count, 0);
	assert_int_equal(live.requested_bytes, expanded ? usable : 1000);
	assert_int_equal(live.usable_bytes, usable);
	free(block);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
}

static void without_jemalloc_they_do_what_c_can(void **state)
{
	void *block;

	(void)state;
	if (trace->real("mallocx") != NULL)
		SKIP_BECAUSE("there is a mallocx");
	start();
	block = call.mallocx(100, 0);
	assert_null(call.mallocx(100, ZERO));
	assert_null(call.rallocx(block, 100, 6));
	block = call.rallocx(block, 200, 0);
	if (trace->real("xallocx") == NULL)
		assert_int_equal(call.xallocx(block, 201, 0, 0), 0);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 200);
	call.dallocx(block, 0);
	call.sdallocx(call.mallocx(10, 0), 10, 0);
	stop();
	assert_int_equal(counts.malloc_count, 2);
	assert_int_equal(counts.realloc_count, 1);
	assert_int_equal(counts.free_count, 2);
	assert_int_equal(all_calls(), 5);
	assert_int_equal(live.requested_bytes, 0);
}

static void without_mimalloc_they_do_what_c_can(void **state)
{
	void *block;

	(void)state;
	if (trace->real("mi_malloc") != NULL)
		SKIP_BECAUSE("there is a mi_malloc");
	start();
	block = call.mi_malloc(100);
	block = call.mi_realloc(block, 200);
	assert_null(call.mi_expand(block, 201));
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 200);
	call.mi_free(block);
	call.mi_free(call.mi_calloc(2, 5));
	call.mi_free(call.mi_zalloc(10));
	call.mi_free(NULL);
	stop();
	assert_int_equal(counts.malloc_count, 1);
	assert_int_equal(counts.calloc_count, 2);
	assert_int_equal(counts.realloc_count, 1);
	assert_int_equal(counts.free_count, 3);
	assert_int_equal(live.requested_bytes, 0);
}

/* The kernels take an xallocx for the allocator's. */
static void skip_with_a_stranger(void)
{
	if (dlsym(RTLD_DEFAULT, "stranger_calls") != NULL)
		SKIP_BECAUSE("a stranger's functions are not the allocator's");
}

static void outside_of_a_region_a_block_goes_if_it_was_resized(void **state)
{
	void *block;
	size_t usable;
	bool resized;

	(void)state;
	skip_with_a_stranger();
	start();
	block = malloc(1000);
	stop();
	usable = malloc_usable_size(block);
	assert_false(allocator_expand(block, TOO_MUCH));
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 1000);
	resized = allocator_expand(block, usable);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, resized ? 0 : 1000);
	free(block);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
}

/* Its blocks are not the allocator's, which must not be asked about them. */
static void functions_of_a_stranger_are_called_and_not_counted(void **state)
{
	const unsigned *calls = dlsym(RTLD_DEFAULT, "stranger_calls");
	void *block;

	(void)state;
	if (calls == NULL)
		SKIP_BECAUSE("libtrace-stranger.so is not preloaded");
	start();
	block = call.mi_malloc(100);
	assert_null(call.mi_malloc(2000));
	assert_int_equal(call.xallocx(block, 200, 0, 0), 2048);
	assert_int_equal(call.xallocx(block, 5000, 0, 0), 0);
	call.mi_free(block);
	stop();
	assert_int_equal(*calls, 5);
	assert_int_equal(all_calls(), 0);
	assert_int_equal(counts.failed_count, 0);
	assert_int_equal(live.peak_requested_bytes, 0);
}

/* ---- the kernels' questions ---- */

static void the_linker_finds_what_dlsym_finds(void **state)
{
	static const char *const names[] = {"nallocx", "mi_good_size", "malloc_good_size"};
	const char *function = allocator_good_size_function();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (dlsym(RTLD_DEFAULT, names[i]) == NULL)
			continue;
		assert_string_equal(function, names[i]);
		for (size_t bytes = 1; bytes < (size_t)1 << 26; bytes += bytes / 3 + 1)
			assert_true(allocator_good_size(bytes) >= bytes);
		assert_true(allocator_good_size(SIZE_MAX - 1) >= SIZE_MAX - 1);
		return;
	}
	assert_null(function);
	assert_int_equal(allocator_good_size(1001), 1001);
	SKIP_BECAUSE("the allocator cannot be asked");
}

/* What it says is what it gives. */
static void a_good_size_is_one_that_is_given(void **state)
{
	(void)state;
	for (size_t bytes = 1; bytes < (size_t)1 << 24; bytes += bytes / 5 + 1) {
		const size_t good = allocator_good_size(bytes);
		void *block = malloc(bytes);

		assert_non_null(block);
		assert_true(good >= bytes);
		if (allocator_good_size_function() != NULL)
			assert_true(malloc_usable_size(block) >= good);
		free(block);
	}
}

/* ---- the strategies ---- */

static const char *const factors[] = {"1.125", "1.5", "2"};
static const size_t row_counts[] = {0, 1, 5, 100, 1025, 30000};
static const size_t row_sizes[] = {8, 24, 80, 100, 5000};

struct trial {
	struct strategy_instance instance;
	struct array array;
	size_t rows;
	size_t row_bytes;
	struct growth growth; /* by the factor, where nothing more is given */
};

static void build(struct trial *trial, const char *name, const char *factor)
{
	const struct strategy *strategy = &trial->instance.strategy;
	unsigned char *buffer = malloc(row_source_buffer_bytes(trial->row_bytes));
	struct row_source source;
	enum build_status status;

	assert_true(strategy_with_value(strategy_find("c", name), factor, &trial->instance));
	trial->growth = growth_to(
		trial->rows,
		(struct capacity){.row_bytes = trial->row_bytes, .parameter = strategy->value},
		growth_factor);
	trial->array = strategy_array(strategy, trial->row_bytes);
	row_source_init(&source, buffer, trial->row_bytes, ROW_WORK_CHEAP);
	assert_true(trace->reset(16));
	trace->start();
	status = strategy->build(&trial->array, trial->rows, &source);
	stop();
	assert_int_equal(status, BUILD_OK);
	assert_int_equal(strategy->scan(&trial->array), row_source_checksum(&source, trial->rows));
	free(buffer);
	assert_int_equal(counts.failed_count, 0);
	/* All that it may write to, it has asked for. */
	assert_int_equal(live.requested_bytes, trial->array.capacity * trial->row_bytes);
}

static void release(struct trial *trial)
{
	trial->instance.strategy.release(&trial->array);
	trace->live(&live);
	assert_int_equal(live.requested_bytes, 0);
}

static void try_all(const char *name, void (*check)(const struct trial *trial))
{
	static struct trial trial;

	for (size_t f = 0; f < COUNT_OF(factors); f++)
		for (size_t i = 0; i < COUNT_OF(row_counts); i++)
			for (size_t j = 0; j < COUNT_OF(row_sizes); j++) {
				trial.rows = row_counts[i];
				trial.row_bytes = row_sizes[j];
				if (trial.rows * trial.row_bytes > (size_t)8 << 20)
					continue;
				build(&trial, name, factors[f]);
				check(&trial);
				release(&trial);
			}
}

static void check_usable(const struct trial *trial)
{
	const struct trace_counts *build = &counts;

	assert_int_equal(build->malloc_count + build->calloc_count + build->free_count, 0);
	assert_in_range(build->realloc_count, trial->rows > 0, 2 * trial->growth.count);
	assert_in_range(trial->array.capacity, trial->rows, SIZE_MAX);
	if (trial->rows == 0)
		return;
	assert_int_equal(build->realloc_in_place_count + build->realloc_moved_count,
			 build->realloc_count - 1);
	/* The block has no room for another row. */
	assert_int_equal(trial->array.capacity,
			 malloc_usable_size(trial->array.data) / trial->row_bytes);
}

static void all_that_is_usable_is_asked_for(void **state)
{
	(void)state;
	try_all("realloc_usable", check_usable);
}

static void check_expanded(const struct trial *trial)
{
	const struct trace_counts *build = &counts;
	struct strategy_cost cost;

	strategy_cost_of(&trial->instance.strategy, trial->rows, trial->row_bytes, &cost);
	assert_int_equal(trial->array.capacity, trial->growth.capacity);
	assert_int_equal(build->malloc_count + build->realloc_count, trial->growth.count);
	assert_int_equal(build->realloc_in_place_count, build->realloc_count);
	if (trial->rows > 0)
		assert_int_equal(build->free_count, build->malloc_count - 1);
	assert_in_range(live.peak_requested_bytes, cost.final_bytes, cost.peak_bytes);
	assert_in_range(trial->array.copied_bytes, 0, cost.copied_bytes);
	if (build->realloc_count == 0) {
		assert_int_equal(live.peak_requested_bytes, cost.peak_bytes);
		assert_int_equal(trial->array.copied_bytes, cost.copied_bytes);
	}
	if (!supplied("xallocx") && !supplied("mi_expand"))
		assert_int_equal(build->realloc_count, 0);
}

static void a_growth_is_in_place_or_a_new_block(void **state)
{
	(void)state;
	skip_with_a_stranger();
	try_all("expand_in_place", check_expanded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_jemallocs_functions_are_in_the_account),
		cmocka_unit_test(xallocx_is_a_realloc_in_place_or_nothing),
		cmocka_unit_test(blocks_of_mimallocs_functions_are_in_the_account),
		cmocka_unit_test(mi_expand_is_a_realloc_in_place_or_nothing),
		cmocka_unit_test(without_jemalloc_they_do_what_c_can),
		cmocka_unit_test(without_mimalloc_they_do_what_c_can),
		cmocka_unit_test(functions_of_a_stranger_are_called_and_not_counted),
		cmocka_unit_test(outside_of_a_region_a_block_goes_if_it_was_resized),
		cmocka_unit_test(the_linker_finds_what_dlsym_finds),
		cmocka_unit_test(a_good_size_is_one_that_is_given),
		cmocka_unit_test(all_that_is_usable_is_asked_for),
		cmocka_unit_test(a_growth_is_in_place_or_a_new_block),
	};

	trace = dlsym(RTLD_DEFAULT, TRACE_SYMBOL);
	if (trace == NULL) {
		print_error("the interposer is not preloaded\n");
		return 1;
	}
	find_calls();
	return cmocka_run_group_tests_name("extensions", tests, NULL, NULL);
}
