/* Facts about the probes, and never how fast this machine is. Linked with --wrap for malloc and
 * realloc, to probe allocators that do not behave. */
#include "kernels/tests/cmocka_headers.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/worker/huge_pages.h"
#include "harness/worker/probes.h"
#include "harness/worker/probe_values.h"
#include "support.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

/* ---- The allocator in front of the allocator. ---- */

static struct {
	bool always_move;
	long fail_from; /* the call of malloc or realloc from which on there is none, from 1; 0:
			   never */
	long calls;
} allocator;

void *__real_malloc(size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);

static bool fails(void)
{
	allocator.calls++;
	return allocator.fail_from > 0 && allocator.calls >= allocator.fail_from;
}

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_realloc(void *block, size_t bytes)
{
	void *other;

	if (fails())
		return NULL;
	if (!allocator.always_move)
		return __real_realloc(block, bytes);
	other = __real_malloc(bytes);
	/* What was in it is of no interest to a probe. */
	free(block);
	return other;
}

static int reset_allocator(void **state)
{
	(void)state;
	memset(&allocator, 0, sizeof allocator);
	return 0;
}

/* ---- The tests. ---- */

static size_t pages_mapped(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	(void)fclose(file);
	return pages;
}

/* A size to test a probe with, that does not take long. */
static size_t usual_size(const struct probe *probe)
{
	switch (probe->sizing) {
	case PROBE_SIZED_BY_CACHES:
		return 16 * KIB;
	case PROBE_SIZED_BY_ROWS:
		return 80;
	case PROBE_SIZED_BY_HUGE_PAGES:
		return huge_pages_largest("");
	case PROBE_SIZED_BY_LIST:
		return probe->in_pages ? (size_t)sysconf(_SC_PAGESIZE) * 16 : probe->sizes[0];
	}
	return 0;
}

/* Runs it, and checks what can be checked. */
static enum probe_status run(const struct probe *probe, size_t bytes)
{
	struct probe_result result;
	struct error error = {""};
	enum probe_status status;

	memset(&result, 0x55, sizeof result);
	status = probe_run(probe, bytes, &result, &error);
	if (status == PROBE_OK) {
		if (!isfinite(result.probe_ns) || result.probe_ns <= 0 || result.min_ns <= 0 ||
		    result.min_ns > result.probe_ns || result.value_count < 7 ||
		    result.value_count > PROBE_MAX_VALUES)
			fail_msg("%s of %zu bytes: %g ns, at least %g ns, %u values", probe->name,
				 bytes, result.probe_ns, result.min_ns, result.value_count);
		assert_string_equal(error.text, "");
	} else if (strlen(error.text) < 20) {
		fail_msg("%s of %zu bytes has status %d and says '%s'", probe->name, bytes,
			 (int)status, error.text);
	}
	if (status == PROBE_UNAVAILABLE)
		assert_contains(error.text, "not available: ");
	return status;
}

static void the_table_is_complete_and_its_names_are_unique(void **state)
{
	size_t count = 0;

	(void)state;
	for (const struct probe *probe = probes; probe->name != NULL; probe++) {
		count++;
		assert_ptr_equal(probe_find(probe->name), probe);
		for (const char *letter = probe->name; *letter != '\0'; letter++)
			assert_true(islower((unsigned char)*letter) || *letter == '_');
		assert_non_null(probe->run);
		assert_non_null(probe->operation);
		assert_true(isupper((unsigned char)probe->help[0]));
		assert_true(probe->help[strlen(probe->help) - 1] != '.');
		assert_int_equal(probe->sizing == PROBE_SIZED_BY_CACHES, probe->set_count > 0);
		assert_int_equal(probe->sizing == PROBE_SIZED_BY_LIST, probe->sizes != NULL);
		if (probe->sizing == PROBE_SIZED_BY_LIST)
			assert_true(probe->sizes[0] > 0);
	}
	assert_true(count >= 19);
	assert_null(probe_find("no such probe"));
}

static void every_probe_gives_a_figure_or_a_reason(void **state)
{
	(void)state;
	for (const struct probe *probe = probes; probe->name != NULL; probe++) {
		uint64_t sizes[8];
		size_t count = probe_sizes(probe, NULL, 0, sizes, COUNT_OF(sizes));

		if (probe->sizing != PROBE_SIZED_BY_LIST) {
			sizes[0] = usual_size(probe);
			count = 1;
		}
		for (size_t i = 0; i < count; i++)
			assert_int_not_equal(run(probe, sizes[i]), PROBE_FAILED);
	}
}

/* Those that need no more than any Linux has. */
static void most_probes_give_a_figure_anywhere(void **state)
{
	static const char *const names[] = {"store",       "copy",       "chase",       "append",
					    "touch",       "untouch",    "mmap_munmap", "mremap",
					    "mremap_grow", "mprotect",   "system_call", "clock",
					    "malloc_free", "malloc_run", "free_run"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const struct probe *probe = probe_find(names[i]);

		assert_non_null(probe);
		if (probe->in_pages && (is_emulated() || SHADOWED))
			print_message("%s: pages are not the program's alone: left out\n",
				      names[i]);
		else if (run(probe, usual_size(probe)) != PROBE_OK)
			fail_msg("%s gives no figure", names[i]);
	}
}

static void rows_of_any_size_can_be_probed(void **state)
{
	static const size_t sizes[] = {1, 7, 8, 24, 4096, 100000, 3 * MIB};

	(void)state;
	for (const struct probe *probe = probes; probe->name != NULL; probe++)
		for (size_t i = 0; i < COUNT_OF(sizes); i++)
			if (probe->sizing == PROBE_SIZED_BY_ROWS)
				assert_int_not_equal(run(probe, sizes[i]), PROBE_FAILED);
}

static void all_memory_is_given_back(void **state)
{
	(void)state;
	if (SANITIZED)
		SKIP_BECAUSE("the sanitizer maps memory of its own");
	if (is_emulated())
		SKIP_BECAUSE("an emulator maps memory of its own");
	for (const struct probe *probe = probes; probe->name != NULL; probe++) {
		size_t before;

		if (probe->of_allocator)
			continue;
		(void)run(probe, usual_size(probe));
		before = pages_mapped();
		(void)run(probe, usual_size(probe));
		if (pages_mapped() != before)
			fail_msg("%s leaves %zd pages", probe->name,
				 (ssize_t)(pages_mapped() - before));
	}
}

static void a_working_set_that_does_not_fit_is_an_error(void **state)
{
	(void)state;
	for (const struct probe *probe = probes; probe->name != NULL; probe++)
		if (probe->sizing == PROBE_SIZED_BY_CACHES)
			assert_int_equal(run(probe, (size_t)1 << 60), PROBE_FAILED);
}

static void a_working_set_that_is_no_whole_number_of_lines_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(run(probe_find("store"), 100), PROBE_FAILED);
	assert_int_equal(run(probe_find("chase"), 63), PROBE_FAILED);
	assert_int_equal(run(probe_find("store"), 128), PROBE_OK);
	assert_int_equal(run(probe_find("chase"), 64), PROBE_OK);
}

static void the_chase_is_one_cycle_through_all_lines(void **state)
{
	static const size_t counts[] = {1, 2, 3, 64, 1000, 4096};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		const size_t lines = counts[i];
		unsigned char *memory = aligned_alloc(64, lines * PROBE_LINE_BYTES);
		unsigned char *seen = calloc(lines, 1);
		void **place = (void **)(void *)memory;
		size_t next_to = 0;

		assert_non_null(memory);
		assert_non_null(seen);
		probe_link_lines(memory, lines);
		for (size_t hop = 0; hop < lines; hop++) {
			const size_t offset = (size_t)((unsigned char *)place - memory);

			assert_true(offset < lines * PROBE_LINE_BYTES);
			assert_int_equal(offset % PROBE_LINE_BYTES, 0);
			/* Not before all the others have been seen. */
			assert_int_equal(seen[offset / PROBE_LINE_BYTES]++, 0);
			next_to += (unsigned char *)*place == (unsigned char *)place + 64;
			place = *place;
		}
		assert_ptr_equal(place, memory);
		/* And in no order that a prefetcher knows. */
		assert_true(lines < 64 || next_to < lines / 8);
		free(memory);
		free(seen);
	}
}

static void parts_of_pages_are_refused_with_a_reason(void **state)
{
	(void)state;
	assert_int_equal(run(probe_find("touch"), 5000), PROBE_UNAVAILABLE);
	assert_int_equal(run(probe_find("touch_huge"), 4 * KIB), PROBE_UNAVAILABLE);
	assert_int_equal(run(probe_find("untouch_huge"), 3 * MIB), PROBE_UNAVAILABLE);
	assert_int_equal(run(probe_find("untouch"), 1), PROBE_UNAVAILABLE);
}

static const char *const of_huge_pages[] = {"touch_huge", "fill_huge", "untouch_huge"};

static void huge_pages_are_a_figure_only_where_the_system_allows_them(void **state)
{
	const size_t largest = huge_pages_largest("");
	size_t on[HUGE_PAGES_MOST_SIZES];
	size_t count = 0;
	struct error why;

	(void)state;
	if (largest == 0 || !huge_pages_on("", on, COUNT_OF(on), &count, &why))
		SKIP_BECAUSE("this system tells nothing of huge pages");
	for (size_t i = 0; i < COUNT_OF(of_huge_pages); i++) {
		const struct probe *probe = probe_find(of_huge_pages[i]);
		uint64_t sizes[HUGE_PAGES_MOST_SIZES];
		const size_t size_count = probe_sizes(probe, NULL, 0, sizes, COUNT_OF(sizes));

		assert_true(size_count >= 1);
		assert_int_equal(sizes[size_count - 1], largest);
		for (size_t size = 0; size < size_count; size++) {
			if (size < count && on[size] == sizes[size])
				assert_int_not_equal(run(probe, sizes[size]), PROBE_FAILED);
			else
				assert_int_equal(run(probe, sizes[size]), PROBE_UNAVAILABLE);
		}
	}
}

static int probe_without_huge_pages(void *data)
{
	struct probe_result result;
	struct error error = {""};
	const size_t largest = huge_pages_largest("");

	if (largest == 0 || prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
		return PROBE_UNAVAILABLE;
	return (int)probe_run(probe_find(*(const char *const *)data), largest, &result, &error);
}

/* Ordinary pages in their place take as many faults at first. */
static void ordinary_pages_do_not_pass_for_huge_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(of_huge_pages); i++) {
		const char *name = of_huge_pages[i];
		const int status = status_of_child(probe_without_huge_pages, &name);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), PROBE_UNAVAILABLE);
	}
}

/* As the kernel hands out whole pages of whatever size it has. */
static void what_is_done_in_pages_is_probed_in_whole_pages(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)state;
	for (const struct probe *probe = probes; probe->name != NULL; probe++) {
		uint64_t sizes[8];
		const size_t count = probe_sizes(probe, NULL, 0, sizes, COUNT_OF(sizes));

		for (size_t i = 0; i < count && probe->in_pages; i++)
			assert_int_equal(sizes[i] % page, 0);
	}
	assert_true(probe_find("touch")->in_pages && probe_find("mremap_grow")->in_pages);
}

static void a_realloc_that_always_moves_is_never_in_place(void **state)
{
	(void)state;
	allocator.always_move = true;
	assert_int_equal(run(probe_find("realloc_in_place"), 80), PROBE_UNAVAILABLE);
	assert_int_equal(run(probe_find("realloc_in_place"), 4096), PROBE_UNAVAILABLE);
}

static void an_allocator_without_memory_is_an_error(void **state)
{
	static const char *const names[] = {"malloc_free", "malloc_run", "free_run",
					    "realloc_in_place"};
	static const long fail_from[] = {1, 2, 3, 50, 5000};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		for (size_t j = 0; j < COUNT_OF(fail_from); j++) {
			enum probe_status status;

			(void)reset_allocator(NULL);
			allocator.fail_from = fail_from[j];
			status = run(probe_find(names[i]), 80);
			/* A slow machine makes fewer calls in the same time. */
			assert_int_equal(status == PROBE_FAILED, allocator.calls >= fail_from[j]);
			assert_true(j == COUNT_OF(fail_from) - 1 || status == PROBE_FAILED);
		}
	}
	(void)reset_allocator(NULL);
}

/* Only the allocator's probes are worth a visit under each allocator. */
static void probes_of_the_allocator_are_those_that_call_it(void **state)
{
	(void)state;
	for (const struct probe *probe = probes; probe->name != NULL; probe++) {
		(void)reset_allocator(NULL);
		(void)run(probe, usual_size(probe));
		if ((allocator.calls > 0) != probe->of_allocator)
			fail_msg("%s made %ld calls of the allocator", probe->name,
				 allocator.calls);
	}
}

static void assert_sizes(const char *name, const uint64_t *caches, size_t cache_count,
			 const uint64_t *expected, size_t count)
{
	uint64_t sizes[16] = {0};

	assert_int_equal(probe_sizes(probe_find(name), caches, cache_count, sizes, COUNT_OF(sizes)),
			 count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(sizes[i], expected[i]);
	/* No more than there is room for. */
	for (size_t most = 0; most <= count; most++) {
		memset(sizes, 0, sizeof sizes);
		assert_int_equal(probe_sizes(probe_find(name), caches, cache_count, sizes, most),
				 most);
		assert_int_equal(sizes[most], 0);
	}
}

static void sizes_are_half_and_twice_each_cache_and_more_than_the_last(void **state)
{
	static const uint64_t caches[] = {32 * KIB, 512 * KIB, 32 * MIB};
	static const uint64_t one_set[] = {16 * KIB, 64 * KIB, 256 * KIB,
					   1 * MIB,  16 * MIB, 128 * MIB};
	static const uint64_t two_sets[] = {8 * KIB,   32 * KIB, 128 * KIB,
					    512 * KIB, 8 * MIB,  64 * MIB};
	/* Twice the first level is half of the second, and odd sizes become whole lines. */
	static const uint64_t near[] = {48 * KIB + 64, 192 * KIB};
	static const uint64_t near_store[] = {24 * KIB, 96 * KIB, 64 * MIB};
	static const uint64_t near_copy[] = {12 * KIB, 48 * KIB, 32 * MIB};
	const uint64_t page[] = {(uint64_t)sysconf(_SC_PAGESIZE)};

	(void)state;
	assert_sizes("store", caches, COUNT_OF(caches), one_set, COUNT_OF(one_set));
	assert_sizes("chase", caches, COUNT_OF(caches), one_set, COUNT_OF(one_set));
	assert_sizes("copy", caches, COUNT_OF(caches), two_sets, COUNT_OF(two_sets));
	assert_sizes("store", near, COUNT_OF(near), near_store, COUNT_OF(near_store));
	assert_sizes("copy", near, COUNT_OF(near), near_copy, COUNT_OF(near_copy));
	assert_sizes("mremap_grow", caches, COUNT_OF(caches), page, 1);
	assert_sizes("append", caches, COUNT_OF(caches), page, 0);
}

static void memory_is_probed_with_64_to_256_mib(void **state)
{
	static const struct {
		uint64_t last;
		uint64_t expected;
	} cases[] = {
		{1 * MIB, 64 * MIB},   {16 * MIB, 64 * MIB},  {17 * MIB, 68 * MIB},
		{64 * MIB, 256 * MIB}, {65 * MIB, 256 * MIB}, {1024 * MIB, 256 * MIB},
	};
	uint64_t sizes[8];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(
			probe_sizes(probe_find("chase"), &cases[i].last, 1, sizes, COUNT_OF(sizes)),
			2);
		assert_int_equal(sizes[1], cases[i].expected);
	}
	/* Caches that are not known. */
	assert_int_equal(probe_sizes(probe_find("chase"), NULL, 0, sizes, COUNT_OF(sizes)), 1);
	assert_int_equal(sizes[0], 64 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_complete_and_its_names_are_unique),
		cmocka_unit_test(every_probe_gives_a_figure_or_a_reason),
		cmocka_unit_test(most_probes_give_a_figure_anywhere),
		cmocka_unit_test(rows_of_any_size_can_be_probed),
		cmocka_unit_test(all_memory_is_given_back),
		cmocka_unit_test(a_working_set_that_does_not_fit_is_an_error),
		cmocka_unit_test(a_working_set_that_is_no_whole_number_of_lines_is_an_error),
		cmocka_unit_test(the_chase_is_one_cycle_through_all_lines),
		cmocka_unit_test(parts_of_pages_are_refused_with_a_reason),
		cmocka_unit_test(huge_pages_are_a_figure_only_where_the_system_allows_them),
		cmocka_unit_test(ordinary_pages_do_not_pass_for_huge_ones),
		cmocka_unit_test(what_is_done_in_pages_is_probed_in_whole_pages),
		cmocka_unit_test_teardown(a_realloc_that_always_moves_is_never_in_place,
					  reset_allocator),
		cmocka_unit_test_teardown(an_allocator_without_memory_is_an_error, reset_allocator),
		cmocka_unit_test(probes_of_the_allocator_are_those_that_call_it),
		cmocka_unit_test(sizes_are_half_and_twice_each_cache_and_more_than_the_last),
		cmocka_unit_test(memory_is_probed_with_64_to_256_mib),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
