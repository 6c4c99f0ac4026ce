/*
 * bench.h without Google Benchmark and without a clock: the twin for tests. Every benchmark runs
 * with the iterations of its spec, or 1; all times and rates are 0. Threads are pthreads, and wait
 * for each other at both ends of the loop as they do in Google Benchmark.
 */
#include "bench.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct benchmark {
	char *name;
	struct bench_spec spec;
};

static struct benchmark *benchmarks;
static size_t benchmark_count;
static _Thread_local char last_error[512];

/* A counter before it has been averaged. */
struct sum {
	char *name;
	double value;
	unsigned flags;
};

struct sums {
	struct sum *items;
	size_t count;
};

/* What the threads of one repetition share. */
struct team {
	const struct bench_spec *spec;
	unsigned threads;
	uint64_t iterations; /* per thread */

	pthread_mutex_t mutex; /* for all below */
	pthread_cond_t phase_ended;
	unsigned running; /* threads that have not returned */
	unsigned waiting;
	uint64_t phase;
	char *error; /* NULL: none */
	char *label;
	struct sums sums;
};

struct bench_state {
	struct team *team;
	unsigned thread_index;
	enum {
		BEFORE_LOOP,
		IN_LOOP,
		AFTER_LOOP
	} phase;
	bool skipped;
	const char *mistake; /* in the use of bench.h; makes the result an error */
	struct sums sums;
};

static const char OUT_OF_MEMORY[] = "out of memory";

__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last_error, sizeof(last_error), format, arguments);
	va_end(arguments);
	return -1;
}

const char *bench_error(void)
{
	return last_error;
}

/* ---- Registration ---- */

static const char *find_mistake(const struct bench_spec *spec)
{
	if (spec == NULL)
		return "a benchmark needs a spec, not NULL";
	if (spec->name == NULL || *spec->name == '\0')
		return "a benchmark needs a name";
	if (spec->function == NULL)
		return "a benchmark needs a function";
	if (spec->iterations > INT64_MAX)
		return "iterations must be less than 2^63";
	if (spec->repetitions > INT_MAX || spec->threads > INT_MAX)
		return "repetitions and threads must be less than 2^31";
	if (!(spec->min_time_s >= 0) || isinf(spec->min_time_s))
		return "min_time_s must be a number of seconds, or 0 for the default";
	if (spec->min_time_s > 0 && spec->iterations != 0)
		return "give either iterations or min_time_s, not both";
	if ((unsigned)spec->time_unit > BENCH_SECONDS)
		return "time_unit must be one of enum bench_time_unit";
	return NULL;
}

int bench_register(const struct bench_spec *spec)
{
	const char *mistake = find_mistake(spec);
	struct benchmark *grown;
	char *name;

	if (mistake != NULL)
		return fail("%s", mistake);
	grown = realloc(benchmarks, (benchmark_count + 1) * sizeof(*benchmarks));
	if (grown == NULL)
		return fail("%s", OUT_OF_MEMORY);
	benchmarks = grown;
	name = strdup(spec->name);
	if (name == NULL)
		return fail("%s", OUT_OF_MEMORY);
	benchmarks[benchmark_count] = (struct benchmark){.name = name, .spec = *spec};
	benchmarks[benchmark_count].spec.name = name;
	benchmark_count++;
	return 0;
}

void bench_clear(void)
{
	for (size_t i = 0; i < benchmark_count; i++)
		free(benchmarks[i].name);
	free(benchmarks);
	benchmarks = NULL;
	benchmark_count = 0;
}

/* ---- Counters ---- */

static struct sum *find_sum(const struct sums *sums, const char *name)
{
	for (size_t i = 0; i < sums->count; i++)
		if (strcmp(sums->items[i].name, name) == 0)
			return &sums->items[i];
	return NULL;
}

/* Finds or adds a sum of that name, 0 at first. NULL: out of memory. */
static struct sum *need_sum(struct sums *sums, const char *name, unsigned flags)
{
	struct sum *sum = find_sum(sums, name);
	struct sum *grown;
	char *copy;

	if (sum != NULL)
		return sum;
	grown = realloc(sums->items, (sums->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	sums->items = grown;
	copy = strdup(name);
	if (copy == NULL)
		return NULL;
	sum = &sums->items[sums->count++];
	*sum = (struct sum){.name = copy, .flags = flags};
	return sum;
}

static void release_sums(struct sums *sums)
{
	for (size_t i = 0; i < sums->count; i++)
		free(sums->items[i].name);
	free(sums->items);
}

static int compare_sums(const void *a, const void *b)
{
	return strcmp(((const struct sum *)a)->name, ((const struct sum *)b)->name);
}

static double final_value(const struct sum *sum, const struct team *team)
{
	double value = sum->value;

	if (sum->flags & BENCH_COUNTER_RATE)
		return 0; /* no clock, no rate */
	if (sum->flags & BENCH_COUNTER_AVERAGE_THREADS)
		value /= team->threads;
	if (sum->flags & BENCH_COUNTER_PER_ITERATION)
		value /= (double)team->iterations * team->threads;
	return value;
}

/* ---- Inside a benchmark function ---- */

/* Returns when all threads that are still running have come here or returned. */
static void wait_for_all(struct team *team)
{
	uint64_t phase;

	pthread_mutex_lock(&team->mutex);
	phase = team->phase;
	if (++team->waiting == team->running) {
		team->waiting = 0;
		team->phase++;
		pthread_cond_broadcast(&team->phase_ended);
	}
	while (team->phase == phase)
		pthread_cond_wait(&team->phase_ended, &team->mutex);
	pthread_mutex_unlock(&team->mutex);
}

/* Counts this thread out, so that the others no longer wait for it. */
static void leave_team(struct team *team)
{
	pthread_mutex_lock(&team->mutex);
	team->running--;
	if (team->waiting != 0 && team->waiting == team->running) {
		team->waiting = 0;
		team->phase++;
		pthread_cond_broadcast(&team->phase_ended);
	}
	pthread_mutex_unlock(&team->mutex);
}

uint64_t bench_begin(struct bench_state *state)
{
	if (state->phase != BEFORE_LOOP) {
		state->mistake = "the benchmark function entered a second BENCH_LOOP";
		return 0;
	}
	state->phase = IN_LOOP;
	wait_for_all(state->team);
	return state->skipped ? 0 : state->team->iterations;
}

void bench_end(struct bench_state *state)
{
	if (state->phase != IN_LOOP)
		return;
	state->phase = AFTER_LOOP;
	wait_for_all(state->team);
}

uint64_t bench_iterations(const struct bench_state *state)
{
	return state->team->iterations;
}

unsigned bench_thread_index(const struct bench_state *state)
{
	return state->thread_index;
}

unsigned bench_thread_count(const struct bench_state *state)
{
	return state->team->threads;
}

void bench_skip(struct bench_state *state, const char *message)
{
	struct team *team = state->team;

	state->skipped = true;
	pthread_mutex_lock(&team->mutex);
	if (team->error == NULL)
		team->error = strdup(message != NULL ? message : "skipped");
	if (team->error == NULL)
		state->mistake = OUT_OF_MEMORY;
	pthread_mutex_unlock(&team->mutex);
}

void bench_set_counter(struct bench_state *state, const char *name, double value, unsigned flags)
{
	const unsigned known =
		BENCH_COUNTER_RATE | BENCH_COUNTER_AVERAGE_THREADS | BENCH_COUNTER_PER_ITERATION;
	struct sum *sum;

	if (name == NULL || (flags & ~known) != 0) {
		state->mistake = "bench_set_counter() got no name, or an unknown flag";
		return;
	}
	sum = need_sum(&state->sums, name, flags);
	if (sum == NULL) {
		state->mistake = OUT_OF_MEMORY;
		return;
	}
	sum->value = value;
	sum->flags = flags;
}

void bench_set_items_processed(struct bench_state *state, uint64_t items)
{
	bench_set_counter(state, "items_per_second", (double)items, BENCH_COUNTER_RATE);
}

void bench_set_bytes_processed(struct bench_state *state, uint64_t bytes)
{
	bench_set_counter(state, "bytes_per_second", (double)bytes, BENCH_COUNTER_RATE);
}

void bench_set_label(struct bench_state *state, const char *label)
{
	struct team *team = state->team;
	char *copy = strdup(label != NULL ? label : "");

	if (copy == NULL) {
		state->mistake = OUT_OF_MEMORY;
		return;
	}
	pthread_mutex_lock(&team->mutex);
	free(team->label);
	team->label = copy;
	pthread_mutex_unlock(&team->mutex);
}

/* ---- Running ---- */

static void add_sums(struct bench_state *state)
{
	struct team *team = state->team;

	pthread_mutex_lock(&team->mutex);
	for (size_t i = 0; i < state->sums.count; i++) {
		const struct sum *own = &state->sums.items[i];
		struct sum *sum = need_sum(&team->sums, own->name, own->flags);

		if (sum != NULL)
			sum->value += own->value;
		else
			state->mistake = OUT_OF_MEMORY;
	}
	pthread_mutex_unlock(&team->mutex);
}

static void run_thread(struct team *team, unsigned thread_index)
{
	struct bench_state state = {.team = team, .thread_index = thread_index};

	team->spec->function(&state, team->spec->user_data);
	if (state.mistake == NULL && !state.skipped) {
		if (state.phase == BEFORE_LOOP)
			state.mistake = "the benchmark function returned without a BENCH_LOOP";
		else if (state.phase == IN_LOOP)
			state.mistake = "the benchmark function left BENCH_LOOP before its end "
					"without bench_skip()";
	}
	add_sums(&state);
	if (state.mistake != NULL)
		bench_skip(&state, state.mistake);
	leave_team(team);
	release_sums(&state.sums);
}

struct helper {
	pthread_t thread;
	struct team *team;
	unsigned thread_index;
};

static void *run_helper(void *argument)
{
	struct helper *helper = argument;

	run_thread(helper->team, helper->thread_index);
	return NULL;
}

/* This thread is the first of the team, as in Google Benchmark. */
static int run_team(struct team *team)
{
	struct helper *helpers = calloc(team->threads, sizeof(*helpers));
	unsigned started = 1;
	int status = 0;

	if (helpers == NULL)
		return fail("%s", OUT_OF_MEMORY);
	while (started < team->threads && status == 0) {
		struct helper *helper = &helpers[started];

		*helper = (struct helper){.team = team, .thread_index = started};
		status = pthread_create(&helper->thread, NULL, run_helper, helper);
		if (status == 0)
			started++;
	}
	for (unsigned i = started; i < team->threads; i++)
		leave_team(team);
	if (status == 0)
		run_thread(team, 0);
	else
		leave_team(team);
	for (unsigned i = 1; i < started; i++)
		pthread_join(helpers[i].thread, NULL);
	free(helpers);
	if (status != 0)
		return fail("cannot start %u threads: %s", team->threads, strerror(status));
	return 0;
}

static int report(const struct team *team, unsigned repetition, bench_result_callback callback,
		  void *user_data)
{
	struct bench_result result = {
		.name = team->spec->name,
		.label = team->label != NULL && *team->label != '\0' ? team->label : NULL,
		.error = team->error,
		.repetition = repetition,
		.threads = team->threads,
	};
	struct bench_counter *counters = NULL;

	if (callback == NULL)
		return 0;
	if (team->error == NULL) {
		counters = calloc(team->sums.count + 1, sizeof(*counters));
		if (counters == NULL)
			return fail("%s", OUT_OF_MEMORY);
		if (team->sums.count > 1)
			qsort(team->sums.items, team->sums.count, sizeof(*team->sums.items),
			      compare_sums);
		for (size_t i = 0; i < team->sums.count; i++) {
			const struct sum *sum = &team->sums.items[i];

			counters[i].name = sum->name;
			counters[i].value = final_value(sum, team);
		}
		result.iterations = team->iterations * team->threads;
		result.counter_count = team->sums.count;
		result.counters = counters;
	}
	callback(&result, user_data);
	free(counters);
	return 0;
}

/* Google Benchmark reports all repetitions when the last has ended. So does this. */
static int run_benchmark(const struct bench_spec *spec, bench_result_callback callback,
			 void *user_data)
{
	const unsigned repetitions = spec->repetitions != 0 ? spec->repetitions : 1;
	struct team *teams = calloc(repetitions, sizeof(*teams));
	unsigned begun = 0;
	int status = 0;

	if (teams == NULL)
		return fail("%s", OUT_OF_MEMORY);
	while (begun < repetitions && status == 0) {
		struct team *team = &teams[begun++];

		team->spec = spec;
		team->threads = spec->threads != 0 ? spec->threads : 1;
		team->iterations = spec->iterations != 0 ? spec->iterations : 1;
		team->running = team->threads;
		pthread_mutex_init(&team->mutex, NULL);
		pthread_cond_init(&team->phase_ended, NULL);
		status = run_team(team);
	}
	for (unsigned i = 0; i < begun; i++) {
		struct team *team = &teams[i];

		if (status == 0)
			status = report(team, i, callback, user_data);
		pthread_cond_destroy(&team->phase_ended);
		pthread_mutex_destroy(&team->mutex);
		release_sums(&team->sums);
		free(team->error);
		free(team->label);
	}
	free(teams);
	return status;
}

/* Runs what matches, or, with `only_list`, prints the names. */
static int for_each_match(const char *filter, bool only_list, bench_result_callback callback,
			  void *user_data)
{
	const char *pattern = filter != NULL ? filter : "";
	regex_t regex;
	int error = regcomp(&regex, *pattern != '\0' ? pattern : ".", REG_EXTENDED | REG_NOSUB);
	int status = 0;
	int matched = 0;

	if (error != 0) {
		char reason[128];

		regerror(error, &regex, reason, sizeof(reason));
		return fail("filter '%s' is not a regular expression: %s", pattern, reason);
	}
	for (size_t i = 0; i < benchmark_count && status == 0; i++) {
		if (regexec(&regex, benchmarks[i].name, 0, NULL, 0) != 0)
			continue;
		matched++;
		if (only_list)
			puts(benchmarks[i].name);
		else
			status = run_benchmark(&benchmarks[i].spec, callback, user_data);
	}
	regfree(&regex);
	return status == 0 ? matched : -1;
}

int bench_run(const char *filter, bench_result_callback callback, void *user_data)
{
	return for_each_match(filter, false, callback, user_data);
}

/* ---- The program ---- */

static void print_result(const struct bench_result *result, void *user_data)
{
	bool *any_error = user_data;

	if (result->error != NULL) {
		*any_error = true;
		printf("%s: %s\n", result->name, result->error);
	} else {
		printf("%s: %llu iterations, not timed\n", result->name,
		       (unsigned long long)result->iterations);
	}
}

int bench_main(int argc, char **argv)
{
	static const char filter_option[] = "--benchmark_filter=";
	const char *filter = NULL;
	bool only_list = false;
	bool any_error = false;
	int matched;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			printf("usage: %s [--benchmark_list_tests] [--benchmark_filter=<regex>]\n"
			       "Runs each benchmark without a clock.\n",
			       argv[0]);
			exit(0);
		} else if (strcmp(argv[i], "--benchmark_list_tests") == 0 ||
			   strcmp(argv[i], "--benchmark_list_tests=true") == 0) {
			only_list = true;
		} else if (strncmp(argv[i], filter_option, strlen(filter_option)) == 0) {
			filter = argv[i] + strlen(filter_option);
		} else {
			fprintf(stderr, "%s: error: unrecognized command-line flag: %s\n", argv[0],
				argv[i]);
			return 2;
		}
	}
	matched = for_each_match(filter, only_list, print_result, &any_error);
	fflush(stdout);
	if (matched < 0)
		fprintf(stderr, "error: %s\n", bench_error());
	else if (matched == 0)
		fprintf(stderr, "error: no benchmark matches '%s'\n", filter != NULL ? filter : "");
	return matched <= 0 || any_error ? 1 : 0;
}

struct bench_library bench_library_info(void)
{
	return (struct bench_library){.name = "null", .build = BENCH_BUILD_UNKNOWN};
}
