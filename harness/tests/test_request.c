#include "kernels/tests/cmocka_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/runner/request/read.h"
#include "support.h"

#define MOST_WORDS 80

/* What was read last; the next reading releases it. */
static struct request request;

static int release(void **state)
{
	(void)state;
	request_release(&request);
	memset(&request, 0, sizeof request);
	return 0;
}

/* The words after the subcommand, NULL-terminated. */
static bool parse(const char *const *words, struct error *error)
{
	static char *argv[MOST_WORDS + 2];
	int argc = 1;

	(void)release(NULL);
	argv[0] = (char *)"run";
	for (; *words != NULL; words++) {
		assert_true(argc <= MOST_WORDS);
		argv[argc++] = (char *)*words;
	}
	argv[argc] = NULL;
	error->text[0] = '\0';
	return request_read(argc, argv, &request, error);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void parse_good(const char *const *words)
{
	struct error error;

	if (!parse(words, &error))
		fail_msg("%s ... was refused: %s", words[0], error.text);
}

static void assert_refused(const char *const *words, const char *reason)
{
	struct error error;

	if (parse(words, &error))
		fail_msg("%s ... was accepted; it should say: %s", words[0], reason);
	assert_contains(error.text, reason);
}

static void assert_counts(const struct counts *counts, const uint64_t *values, size_t count)
{
	assert_int_equal(counts->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(counts->values[i], values[i]);
}

static size_t strategy_total(void)
{
	size_t count = 0;

	while (strategies[count] != NULL)
		count++;
	return count;
}

/* An interpreter cannot load a library that a sanitizer has instrumented, so that the workers in
 * other languages cannot be asked. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define INSTRUMENTED true
#else
#define INSTRUMENTED false
#endif

/* Each number of rows with each row size, from small to large. */
static void assert_rows(const uint64_t *rows, size_t count)
{
	assert_int_equal(request.shape_count, count * request.row_bytes.count);
	for (size_t i = 0; i < request.shape_count; i++) {
		assert_int_equal(request.shapes[i].rows, rows[i % count]);
		assert_int_equal(request.shapes[i].row_bytes, request.row_bytes.values[i / count]);
	}
}

static void no_words_mean_the_default_preset_and_all_of_it(void **state)
{
	static const uint64_t rows[] = {100, 1000, 3000, 10000, 30000, 100000};
	static const uint64_t row_bytes[] = {80};
	static const uint64_t threads[] = {1};
	static const char *const none[] = {NULL};
	size_t usual = 0;

	(void)state;
	parse_good(none);
	assert_string_equal(request.preset->name, "default");
	assert_rows(rows, COUNT_OF(rows));
	assert_counts(&request.row_bytes, row_bytes, 1);
	assert_counts(&request.threads, threads, 1);
	assert_int_equal(request.rounds, 6);
	assert_int_equal(request.extra_rounds, 3);
	assert_int_equal(request.budget_s, 290);
	assert_int_equal(request.timeout_s, 60);
	for (size_t i = 0; i < strategy_total(); i++)
		if (!strategies[i]->on_request)
			assert_ptr_equal(request.strategies[usual++], strategies[i]);
	assert_true(usual >= 11);
	/* Then those of the programs in other languages. */
	assert_int_equal(request.implementation_count, 2);
	for (size_t i = usual; i < request.strategy_count; i++)
		assert_non_null(request_implementation(&request, request.strategies[i]));
	assert_true(request.strategy_count > usual);
	assert_null(request.strategies[request.strategy_count]);
	assert_int_equal(request.allocator_count, 6);
	assert_int_equal(request.work, ROW_WORK_CHEAP);
	assert_int_equal(request.cpu, -1);
	assert_null(request.given.out);
	assert_null(request.given.resume);
	assert_null(request.worker);
	assert_false(request.given.overwrite || request.given.quiet || request.given.help ||
		     request.given.no_summary);
}

static void a_preset_brings_its_own_sizes_and_limits(void **state)
{
	static const uint64_t quick_rows[] = {100, 1000, 10000};
	static const uint64_t full_bytes[] = {8, 80, 800, 8000};
	static const uint64_t full_threads[] = {1, 2};

	(void)state;
	parse_good(WORDS("--preset", "quick"));
	assert_string_equal(request.preset->name, "quick");
	assert_rows(quick_rows, COUNT_OF(quick_rows));
	for (size_t i = 0; i < request.strategy_count; i++)
		assert_string_equal(request.strategies[i]->implementation, "c");
	assert_true(request.strategy_count >= 11);
	assert_int_equal(request.rounds, 2);
	assert_int_equal(request.budget_s, 20);
	assert_int_equal(request.timeout_s, 30);
	assert_false(request.preset->always_article);

	parse_good(WORDS("--preset=full"));
	assert_string_equal(request.preset->name, "full");
	assert_int_equal(request.shapes[request.shape_count - 1].rows, 100000000);
	assert_counts(&request.row_bytes, full_bytes, COUNT_OF(full_bytes));
	assert_counts(&request.threads, full_threads, COUNT_OF(full_threads));

	parse_good(WORDS("--preset=factors"));
	assert_int_equal(request.strategy_count, 9);
	assert_string_equal(request.strategies[4]->name, "realloc_factor:1.618");
	assert_string_equal(request.preset->answer, "factors");
}

/* So that every cell of every preset can be measured or refused with a reason. */
static void every_preset_can_be_read_and_explains_itself(void **state)
{
	size_t count = 0;

	(void)state;
	for (const struct preset *preset = presets; preset->name != NULL; preset++, count++) {
		parse_good(WORDS("--preset", preset->name));
		assert_ptr_equal(request.preset, preset);
		assert_true(request.rounds >= 1 && request.budget_s >= 1);
		assert_true(strlen(preset->help) > 10);
	}
	assert_int_equal(count, 8);
}

static void a_strategy_that_is_named_is_taken_whatever_the_preset(void **state)
{
	(void)state;
	parse_good(WORDS("--preset=quick", "--strategies=std_vector"));
	assert_int_equal(request.strategy_count, 1);
	assert_string_equal(request.strategies[0]->name, "std_vector");
	assert_int_equal(request.implementation_count, 0);
	if (INSTRUMENTED)
		return;
	/* One that only a program in another language has, which is asked then. */
	parse_good(WORDS("--preset=quick", "--strategies=np_append"));
	assert_int_equal(request.strategy_count, 1);
	assert_string_equal(request.strategies[0]->implementation, "numpy");
}

static void assert_strategies(const char *const *names)
{
	size_t count = 0;

	for (; names[count] != NULL; count++) {
		assert_in_range(request.strategy_count, count + 1, SIZE_MAX);
		assert_string_equal(request.strategies[count]->name, names[count]);
	}
	assert_int_equal(request.strategy_count, count);
}

static void a_value_is_written_in_its_one_way_and_a_range_is_its_values(void **state)
{
	(void)state;
	/* In the order in which they were named, at the place of their strategy. */
	parse_good(WORDS("--strategies=realloc_step:64rows,realloc_factor:2.0,realloc_factor:1.50,"
			 "chunked_list,realloc_factor:1.5"));
	assert_strategies(WORDS("chunked_list", "realloc_factor:2", "realloc_factor:1.5",
				"realloc_step:64rows"));
	assert_int_equal(request.strategies[1]->value, 2000);
	parse_good(WORDS("--strategies=realloc_factor:1.1..2.0/10"));
	assert_strategies(WORDS("realloc_factor:1.1", "realloc_factor:1.2", "realloc_factor:1.3",
				"realloc_factor:1.4", "realloc_factor:1.5", "realloc_factor:1.6",
				"realloc_factor:1.7", "realloc_factor:1.8", "realloc_factor:1.9",
				"realloc_factor:2"));
	/* Rounded to what can be written: the ends are exact. */
	parse_good(WORDS("--strategies=realloc_step:1B..10B/3,realloc_step:1rows..4rows/2"));
	assert_strategies(WORDS("realloc_step:1B", "realloc_step:6B", "realloc_step:10B",
				"realloc_step:1rows", "realloc_step:4rows"));
}

static void implementations_choose_among_strategies_of_one_name(void **state)
{
	(void)state;
	if (INSTRUMENTED)
		skip();
	parse_good(WORDS("--strategies=loop_and_append", "--implementations=python,c"));
	assert_int_equal(request.strategy_count, 2);
	assert_string_equal(request.strategies[0]->implementation, "c");
	assert_string_equal(request.strategies[1]->implementation, "python");
	assert_string_equal(request.strategies[1]->name, "loop_and_append");
	assert_int_equal(request.strategies[1]->order, GROWTH_QUADRATIC);
	assert_null(request_implementation(&request, request.strategies[0]));
	assert_string_equal(request_implementation(&request, request.strategies[1])->name,
			    "python");
	/* Without being asked for, programs that take long to start are not started. */
	parse_good(WORDS("--strategies=loop_and_append"));
	assert_int_equal(request.strategy_count, 1);
	assert_int_equal(request.implementation_count, 0);

	assert_refused(WORDS("--implementations=c,numpi"),
		       "unknown implementation 'numpi'; did you mean 'numpy'?");
}

static void shapes_take_the_place_of_rows_and_row_bytes(void **state)
{
	static const char *const bad[][2] = {
		{"--shapes=10", "not ROWSxBYTES"},    {"--shapes=10x8,10x8", "given twice"},
		{"--shapes=0x8", "--shapes"},         {"--shapes=10x8x", "--shapes"},
		{"--shapes=10x8,", "not ROWSxBYTES"},
	};

	(void)state;
	parse_good(WORDS("--shapes=64x512,10kx80,20x80"));
	assert_int_equal(request.shape_count, 3);
	assert_int_equal(request.shapes[0].rows, 20);
	assert_int_equal(request.shapes[1].rows, 10000);
	assert_int_equal(request.shapes[1].row_bytes, 80);
	assert_int_equal(request.shapes[2].rows, 64);
	assert_int_equal(request.row_bytes.count, 2);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_refused(WORDS(bad[i][0]), bad[i][1]);
	}
	assert_refused(WORDS("--shapes=10x8", "--rows=5"), "takes the place of");
	/* Sizes that are named take the place of the preset's shapes. */
	parse_good(WORDS("--preset=patterns", "--rows=10"));
	assert_int_equal(request.shape_count, 1);
	assert_int_equal(request.shapes[0].row_bytes, 80);
}

static void a_worker_is_a_program_or_an_implementation_with_a_name(void **state)
{
	static const char *const bad[][2] = {
		{"--worker=mine=/no/such/program", "no such program"},
		{"--worker=mine='open", "--worker mine:"},
		{"--worker=mine=", "--worker mine:"},
		{"--worker=numpy=true", "one of ours"},
		{"--worker=cpp=true", "one of ours"},
	};

	(void)state;
	parse_good(WORDS("--worker=/bin/true", "--strategies=utarray"));
	assert_string_equal(request.worker, "/bin/true");
	assert_int_equal(request.implementation_count, 0);
	/* It answers nothing: that has a row. */
	parse_good(WORDS("--worker=mine=true", "--strategies=utarray,unlisted"));
	assert_null(request.worker);
	assert_int_equal(request.implementation_count, 1);
	assert_string_equal(request.implementations[0].name, "mine");
	assert_string_equal(request.implementations[0].status, "bad_report");
	assert_int_equal(request.strategy_count, 2);
	assert_string_equal(request.strategies[1]->name, "unlisted");
	parse_good(WORDS("--worker=mine=false", "--implementations=mine"));
	assert_string_equal(request.implementations[0].status, "exited");
	assert_int_equal(request.strategy_count, 1);
	assert_refused(WORDS("--worker=a=true", "--worker=a=true"), "the name is taken");
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_refused(WORDS(bad[i][0]), bad[i][1]);
	}
}

static void passes_are_the_presets_or_those_that_are_named(void **state)
{
	(void)state;
	parse_good(WORDS("--preset=default"));
	for (size_t i = 0; i < PASS_COUNT; i++)
		assert_true(request.passes[i] || i == PASS_PATTERN);

	parse_good(WORDS("--passes", "trace,probe"));
	assert_false(request.passes[PASS_MEASURE] || request.passes[PASS_LATENCY]);
	assert_true(request.passes[PASS_TRACE] && request.passes[PASS_PROBE]);
}

static void a_timeline_of_what_is_not_traced_is_refused(void **state)
{
	(void)state;
	assert_refused(WORDS("--timeline=77"), "77 is not among --rows");
	assert_refused(WORDS("--timeline=1000", "--passes=measure"), "--passes leaves it out");
	/* What the preset names is left out where it does not apply. */
	parse_good(WORDS("--rows=10", "--passes=measure"));
}

static void a_timeline_is_of_the_rows_that_are_named_or_of_none(void **state)
{
	static const uint64_t named[] = {100, 5000};
	static const uint64_t article[] = {10000};

	(void)state;
	parse_good(WORDS("--preset=default"));
	assert_counts(&request.timeline, article, COUNT_OF(article));
	assert_int_equal(request.timeline_points, 200);

	parse_good(WORDS("--timeline=5k,100", "--timeline-points=1000", "--rows=100,1k,5k"));
	assert_counts(&request.timeline, named, COUNT_OF(named));
	assert_int_equal(request.timeline_points, 1000);

	parse_good(WORDS("--timeline=none"));
	assert_int_equal(request.timeline.count, 0);
}

static void options_override_the_preset_in_any_order(void **state)
{
	static const uint64_t rows[] = {5, 1000, 20000};

	(void)state;
	parse_good(WORDS("--rounds", "7", "--rows", "20k,5,1e3", "--budget", "9", "--preset",
			 "quick", "--timeout=8"));
	assert_string_equal(request.preset->name, "quick");
	assert_int_equal(request.rounds, 7);
	assert_int_equal(request.budget_s, 9);
	assert_int_equal(request.timeout_s, 8);
	/* From small to large, as the pilot needs them. */
	assert_rows(rows, COUNT_OF(rows));
}

static void every_other_option_is_kept(void **state)
{
	static const uint64_t row_bytes[] = {8, 80};
	static const uint64_t threads[] = {1, 2};

	(void)state;
	parse_good(WORDS("--row-bytes", "80,8", "--threads", "2,1", "--work", "random", "--cpu",
			 "0", "--worker", "/w", "--out", "o", "--overwrite", "--no-summary",
			 "--quiet", "--seed", "18446744073709551615"));
	assert_counts(&request.row_bytes, row_bytes, 2);
	assert_counts(&request.threads, threads, 2);
	assert_int_equal(request.work, ROW_WORK_RANDOM);
	assert_int_equal(request.cpu, 0);
	assert_string_equal(request.worker, "/w");
	assert_string_equal(request.given.out, "o");
	assert_true(request.given.overwrite && request.given.no_summary && request.given.quiet);
	assert_true(request.given.seed.given);
	assert_int_equal(request.seed, UINT64_MAX);
	parse_good(WORDS("--seed", "0"));
	assert_true(request.given.seed.given);
	assert_int_equal(request.seed, 0);
	parse_good(WORDS("--resume", "r"));
	assert_string_equal(request.given.resume, "r");
}

/* Ten draws of a million agree by chance once in 10^54. */
static void without_a_seed_one_is_drawn_that_can_be_typed(void **state)
{
	uint64_t first = 0;
	size_t same = 0;

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		parse_good(WORDS("--quiet"));
		assert_false(request.given.seed.given);
		assert_true(request.seed < 1000000);
		if (i == 0)
			first = request.seed;
		same += request.seed == first;
	}
	assert_true(same < 10);
}

static void strategies_are_narrowed_and_keep_the_registrys_order(void **state)
{
	(void)state;
	parse_good(WORDS("--strategies", "realloc_x1.5,chunked_list,append_in_place"));
	assert_int_equal(request.strategy_count, 3);
	assert_string_equal(request.strategies[0]->name, "append_in_place");
	assert_string_equal(request.strategies[1]->name, "chunked_list");
	assert_string_equal(request.strategies[2]->name, "realloc_x1.5");
	assert_null(request.strategies[3]);

	/* A name that begins like another is not that other. */
	parse_good(WORDS("--strategies", "list_of_pointers_packed"));
	assert_int_equal(request.strategy_count, 1);
	assert_string_equal(request.strategies[0]->name, "list_of_pointers_packed");
}

static void allocators_are_narrowed_and_keep_the_tables_order(void **state)
{
	(void)state;
	parse_good(WORDS("--allocators", "scudo,glibc,jemalloc"));
	assert_int_equal(request.allocator_count, 3);
	assert_string_equal(request.allocators[0].name, "glibc");
	assert_string_equal(request.allocators[1].name, "jemalloc");
	assert_string_equal(request.allocators[2].name, "scudo");
}

static void an_added_allocator_comes_after_the_known_ones_and_can_be_chosen(void **state)
{
	(void)state;
	parse_good(WORDS("--allocator", "lazy=glibc,MALLOC_ARENA_MAX=1", "--allocator=b=jemalloc"));
	assert_int_equal(request.allocator_count, 8);
	assert_string_equal(request.allocators[6].name, "lazy");
	assert_string_equal(request.allocators[6].environment[0], "MALLOC_ARENA_MAX=1");
	assert_null(request.allocators[6].environment[1]);
	assert_string_equal(request.allocators[7].name, "b");

	parse_good(WORDS("--allocators", "lazy,glibc", "--allocator", "lazy=glibc", "--allocator",
			 "unused=glibc"));
	assert_int_equal(request.allocator_count, 2);
	assert_string_equal(request.allocators[0].name, "glibc");
	assert_string_equal(request.allocators[1].name, "lazy");
}

static void a_name_that_is_taken_is_refused(void **state)
{
	(void)state;
	assert_refused(WORDS("--allocator", "a=glibc", "--allocator", "a=jemalloc"),
		       "--allocator a: the name is taken");
	assert_refused(WORDS("--allocator", "jemalloc=glibc"),
		       "--allocator jemalloc: the name is taken");
}

static void more_allocators_than_there_is_room_for_are_refused(void **state)
{
	static char texts[33][32];
	const char *words[33 + 1] = {NULL};

	(void)state;
	for (size_t i = 0; i < 33; i++) {
		(void)snprintf(texts[i], sizeof texts[i], "--allocator=a%zu=glibc", i);
		words[i] = texts[i];
	}
	assert_refused(words, "--allocator: more than 32 of them");
	words[32] = NULL;
	parse_good(words);
	assert_int_equal(request.allocator_count, 6 + 32);
}

/* A pair stands next to each other; what makes the second one aged is in its environment alone. */
static void aged_allocators_stand_behind_those_that_are_fresh(void **state)
{
	(void)state;
	parse_good(WORDS("--allocators", "glibc,mine", "--allocator",
			 "mine=glibc,MALLOC_ARENA_MAX=1", "--aged", "7"));
	assert_int_equal(request.allocator_count, 4);
	assert_string_equal(request.allocators[0].name, "glibc");
	assert_string_equal(request.allocators[1].name, "glibc-aged");
	assert_string_equal(request.allocators[2].name, "mine");
	assert_string_equal(request.allocators[3].name, "mine-aged");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(allocator_aged_seed(&request.allocators[i]), i % 2 == 1 ? 7 : 0);
	assert_string_equal(request.allocators[3].environment[0], "MALLOC_ARENA_MAX=1");
	assert_string_equal(request.allocators[3].environment[1], "GROWBENCH_AGED=7");
	assert_null(request.allocators[3].environment[2]);
	assert_string_equal(request.allocators[1].expected_path,
			    request.allocators[0].expected_path);

	parse_good(WORDS("--allocators", "old", "--allocator", "old=glibc,GROWBENCH_AGED=3"));
	assert_int_equal(allocator_aged_seed(&request.allocators[0]), 3);
	parse_good(WORDS("--preset", "shapes", "--allocators", "glibc"));
	assert_int_equal(request.allocator_count, 2);
	parse_good(WORDS("--preset", "shapes", "--allocators", "glibc", "--aged", "0"));
	assert_int_equal(request.allocator_count, 1);
	assert_refused(WORDS("--allocator", "old=glibc,GROWBENCH_AGED=x"),
		       "--allocator old: GROWBENCH_AGED: 'x' is not a whole number");
	assert_refused(WORDS("--allocators", "glibc,glibc-aged", "--allocator", "glibc-aged=glibc",
			     "--aged", "1"),
		       "--aged: the name glibc-aged is taken");
	assert_refused(WORDS("--aged", "-1"), "--aged: '-1' is not a whole number");
}

static void what_is_not_known_is_answered_with_the_nearest_and_the_valid_ones(void **state)
{
	(void)state;
	assert_refused(WORDS("--strategies", "realloc_dubling"),
		       "unknown strategy 'realloc_dubling'; did you mean 'realloc_doubling'?");
	assert_refused(WORDS("--strategies", "append_in_place,zzz"),
		       "unknown strategy 'zzz'. Valid: append_in_place, append_many, ");
	assert_refused(WORDS("--strategies", "append_in_place,"), "unknown strategy ''");
	assert_refused(WORDS("--strategies", ""), "unknown strategy ''");
	assert_refused(WORDS("--strategies", "append_in_place, chunked_list"),
		       "did you mean 'chunked_list'?");
	assert_refused(WORDS("--allocators", "gemalloc"), "did you mean 'jemalloc'?");
	assert_refused(WORDS("--allocators", "zzz"),
		       "Valid: glibc, jemalloc, mimalloc, tcmalloc, tbbmalloc, scudo");
	assert_refused(WORDS("--allocators", "lasy", "--allocator", "lazy=glibc"),
		       "did you mean 'lazy'?");
	assert_refused(WORDS("--allocator", "a=jemaloc"), "did you mean 'jemalloc'?");
	assert_refused(WORDS("--preset", "qick"), "unknown preset 'qick'; did you mean 'quick'?");
	assert_refused(WORDS("--preset", "zzz"), "Valid: quick, default, full");
	assert_refused(WORDS("--work", "randon"), "unknown work 'randon'; did you mean 'random'?");
	assert_refused(WORDS("--work", "zzz"), "Valid: cheap, random");
}

static void an_unknown_option_is_answered_with_the_nearest(void **state)
{
	(void)state;
	assert_refused(WORDS("--ruonds", "5"), "unknown option '--ruonds'; did you mean --rounds?");
	assert_refused(WORDS("--strategis=a"), "did you mean --strategies?");
	assert_refused(WORDS("--zzzzzzzzz"), "unknown option '--zzzzzzzzz'; --help shows");
	assert_refused(WORDS("-x"), "unknown option '-x'");
	/* getopt is still in that word, and with the next command line it begins anew. */
	assert_refused(WORDS("-xy"), "unknown option '-x'");
	assert_refused(WORDS("--bogus"), "unknown option '--bogus'");
	assert_refused(WORDS("--rounds", "5", "--bogus"), "unknown option '--bogus'");
	/* One of another verb is neither taken nor meant. */
	assert_refused(WORDS("--columns"), "growbench run takes no --columns");
	assert_refused(WORDS("--colums"), "unknown option '--colums'; --help");
}

static void what_machine_json_cannot_hold_is_refused(void **state)
{
	(void)state;
	assert_refused(WORDS("--allocator", "a=glibc,X=\xff"), "is not UTF-8 text");
	assert_refused(WORDS("--out", "caf\xe9"), "'caf?' is not UTF-8 text");
}

static void a_value_that_is_missing_or_one_too_many_is_refused(void **state)
{
	(void)state;
	assert_refused(WORDS("--rounds"), "--rounds needs a value");
	assert_refused(WORDS("--quiet", "--rows"), "--rows needs a value");
	assert_refused(WORDS("--quiet=yes"), "--quiet takes no value");
	assert_refused(WORDS("extra"), "'extra' is one word too many");
	assert_refused(WORDS("--rounds", "5", "6"), "'6' is one word too many");
	assert_refused(WORDS("--", "x"), "'x' is one word too many");
}

static void a_value_out_of_range_is_refused_by_its_options_name(void **state)
{
	(void)state;
	assert_refused(WORDS("--rows", "0"), "--rows: '0' is zero");
	assert_refused(WORDS("--rows", "-1"), "--rows: '-1' is not");
	assert_refused(WORDS("--rows", "1e99"), "--rows: '1e99' is too large");
	assert_refused(WORDS("--rows", "10,10"), "--rows: '10' is given twice");
	assert_refused(WORDS("--rows="), "--rows: '' is not");
	assert_refused(WORDS("--row-bytes", "0"), "--row-bytes: '0' is zero");
	assert_refused(WORDS("--row-bytes", "x"), "--row-bytes: 'x' is not");
	assert_refused(WORDS("--threads", "0"), "--threads: '0' is zero");
	assert_refused(WORDS("--threads", "4097"), "--threads: more than 4096");
	assert_refused(WORDS("--threads", "4097,1"), "--threads: more than 4096");
	assert_refused(WORDS("--rounds", "0"), "--rounds: '0' is zero");
	assert_refused(WORDS("--rounds", "10001"), "--rounds: '10001' is too large; the most is");
	assert_refused(WORDS("--budget", "31536001"), "--budget: '31536001' is too large");
	assert_refused(WORDS("--timeout", "86401"), "--timeout: '86401' is too large");
	assert_refused(WORDS("--timeout", "0"), "--timeout: '0' is zero");
	assert_refused(WORDS("--seed", "-1"), "--seed: '-1' is not");
	assert_refused(WORDS("--seed", ""), "--seed: '' is not");
	assert_refused(WORDS("--seed", "18446744073709551616"), "--seed: ");
	assert_refused(WORDS("--cpu", "x"), "--cpu: 'x' is not");
	assert_refused(WORDS("--cpu", "65536"), "--cpu: '65536' is too large");
	assert_refused(WORDS("--out", ""), "--out: the folder's name is empty");
	assert_refused(WORDS("--resume", ""), "--resume: the folder's name is empty");
	assert_refused(WORDS("--overwrite"), "--overwrite needs --out DIR");
}

static void the_largest_values_are_accepted(void **state)
{
	(void)state;
	parse_good(WORDS("--rounds", "10000", "--threads", "4096", "--budget", "31536000",
			 "--timeout", "86400", "--cpu", "65535"));
	assert_int_equal(request.rounds, 10000);
	assert_int_equal(request.threads.values[0], 4096);
	assert_int_equal(request.budget_s, 31536000);
	assert_int_equal(request.timeout_s, 86400);
	assert_int_equal(request.cpu, 65535);
}

static void rounds_that_are_asked_for_are_all_unless_more_are(void **state)
{
	(void)state;
	parse_good(WORDS("--rounds", "20"));
	assert_int_equal(request.rounds, 20);
	assert_int_equal(request.extra_rounds, 0);
	parse_good(WORDS("--rounds", "20", "--extra-rounds", "2"));
	assert_int_equal(request.extra_rounds, 2);
	parse_good(WORDS("--extra-rounds", "0"));
	assert_int_equal(request.rounds, 6);
	assert_int_equal(request.extra_rounds, 0);
	assert_refused(WORDS("--extra-rounds", "10001"), "--extra-rounds: '10001' is too large");
}

static void help_is_given_whatever_else_is_asked(void **state)
{
	(void)state;
	parse_good(WORDS("--help", "--strategies", "zzz", "--overwrite"));
	assert_true(request.given.help);
}

/* The lines of a verb's help, and whether each of the names begins one. */
static size_t help_lines(const char *verb, const char *const *names)
{
	char *text = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&text, &length);
	size_t lines = 0;

	assert_non_null(stream);
	arguments_help(verb, stream);
	assert_int_equal(fclose(stream), 0);
	for (; *names != NULL; names++) {
		char start[40];

		(void)snprintf(start, sizeof start, "  --%s ", *names);
		assert_contains(text, start);
	}
	for (const char *line = strstr(text, "  --"); line != NULL;
	     line = strstr(line + 1, "\n  --"))
		lines++;
	free(text);
	return lines;
}

static void a_duet_needs_pairs_of_allocators_and_no_clock_but_the_pass_measures(void **state)
{
	(void)state;
	parse_good(WORDS("--rounds", "2"));
	assert_int_equal(request.pairing, PAIRING_INTERLEAVED);
	parse_good(WORDS("--pairing", "interleaved", "--allocators", "glibc"));
	assert_int_equal(request.pairing, PAIRING_INTERLEAVED);
	parse_good(WORDS("--pairing", "duet", "--allocators", "glibc,again", "--allocator",
			 "again=glibc", "--passes", "measure,trace,instructions,probe"));
	assert_int_equal(request.pairing, PAIRING_DUET);
	assert_refused(WORDS("--pairing", "duet", "--allocators", "glibc", "--passes", "measure"),
		       "an even number of --allocators");
	assert_refused(WORDS("--pairing", "duet", "--allocators", "glibc,again", "--allocator",
			     "again=glibc", "--passes", "measure,latency"),
		       "--passes measure");
	assert_refused(WORDS("--pairing", "duet", "--allocators", "glibc,again", "--allocator",
			     "again=glibc", "--passes", "trace"),
		       "--passes measure");
	assert_refused(WORDS("--pairing", "duett"), "did you mean");
}

static void a_verbs_help_has_its_own_options(void **state)
{
	static const char *const of_run[] = {
		"preset",
		"strategies",
		"profile",
		"process",
		"implementations",
		"shapes",
		"warm-limit",
		"allocators",
		"allocator",
		"aged",
		"rows",
		"row-bytes",
		"threads",
		"rounds",
		"seed",
		"work",
		"budget",
		"timeout",
		"cpu",
		"worker",
		"out",
		"overwrite",
		"resume",
		"no-summary",
		"quiet",
		"latency-rounds",
		"help",
		"passes",
		"timeline",
		"timeline-points",
		"predict-above",
		"extra-rounds",
		"pairing",
		NULL,
	};
	const char *const *of_list =
		WORDS("preset", "strategies", "implementations", "allocators", "allocator",
		      "timeout", "cpu", "worker", "columns", "help");

	(void)state;
	assert_int_equal(help_lines("run", of_run), COUNT_OF(of_run) - 1);
	assert_int_equal(help_lines("list", of_list), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_words_mean_the_default_preset_and_all_of_it),
		cmocka_unit_test(
			a_duet_needs_pairs_of_allocators_and_no_clock_but_the_pass_measures),
		cmocka_unit_test(a_preset_brings_its_own_sizes_and_limits),
		cmocka_unit_test(every_preset_can_be_read_and_explains_itself),
		cmocka_unit_test(a_strategy_that_is_named_is_taken_whatever_the_preset),
		cmocka_unit_test(a_value_is_written_in_its_one_way_and_a_range_is_its_values),
		cmocka_unit_test(implementations_choose_among_strategies_of_one_name),
		cmocka_unit_test(shapes_take_the_place_of_rows_and_row_bytes),
		cmocka_unit_test(a_worker_is_a_program_or_an_implementation_with_a_name),
		cmocka_unit_test(passes_are_the_presets_or_those_that_are_named),
		cmocka_unit_test(a_timeline_of_what_is_not_traced_is_refused),
		cmocka_unit_test(a_timeline_is_of_the_rows_that_are_named_or_of_none),
		cmocka_unit_test(options_override_the_preset_in_any_order),
		cmocka_unit_test(every_other_option_is_kept),
		cmocka_unit_test(without_a_seed_one_is_drawn_that_can_be_typed),
		cmocka_unit_test(strategies_are_narrowed_and_keep_the_registrys_order),
		cmocka_unit_test(allocators_are_narrowed_and_keep_the_tables_order),
		cmocka_unit_test(an_added_allocator_comes_after_the_known_ones_and_can_be_chosen),
		cmocka_unit_test(a_name_that_is_taken_is_refused),
		cmocka_unit_test(more_allocators_than_there_is_room_for_are_refused),
		cmocka_unit_test(aged_allocators_stand_behind_those_that_are_fresh),
		cmocka_unit_test(what_is_not_known_is_answered_with_the_nearest_and_the_valid_ones),
		cmocka_unit_test(an_unknown_option_is_answered_with_the_nearest),
		cmocka_unit_test(what_machine_json_cannot_hold_is_refused),
		cmocka_unit_test(a_value_that_is_missing_or_one_too_many_is_refused),
		cmocka_unit_test(a_value_out_of_range_is_refused_by_its_options_name),
		cmocka_unit_test(the_largest_values_are_accepted),
		cmocka_unit_test(rounds_that_are_asked_for_are_all_unless_more_are),
		cmocka_unit_test(help_is_given_whatever_else_is_asked),
		cmocka_unit_test(a_verbs_help_has_its_own_options),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, release);
}
