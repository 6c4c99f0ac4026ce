#include "harness/runner/request/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <glib.h>

#include "harness/common/text.h"
#include "harness/runner/request/choose_replay.h"
#include "harness/runner/request/choose_strategies.h"

/* ---- allocators ---- */

/* Reads all allocators that may be meant, known ones first, then those of --allocator. */
static bool collect_allocators(struct request *request, struct error *error)
{
	size_t known = 0;

	while (known_allocators[known].name != NULL)
		known++;
	request->allocators = g_new0(struct allocator, known + request->given.allocator.count);
	for (size_t i = 0; i < known; i++) {
		if (!allocator_find(known_allocators[i].name,
				    &request->allocators[request->allocator_count], error))
			return false;
		request->allocator_count++;
	}
	for (size_t i = 0; i < request->given.allocator.count; i++) {
		struct allocator *added = &request->allocators[request->allocator_count];

		if (!allocator_parse(request->given.allocator.items[i], added, error))
			return false;
		request->allocator_count++;
		for (struct allocator *other = request->allocators; other < added; other++)
			if (strcmp(other->name, added->name) == 0)
				return error_set(
					error, "--allocator %s: the name is taken; choose another",
					added->name);
	}
	return true;
}

/* Leaves out the allocators that are not in the list; from `first` on all of them stay. */
static void keep_listed(struct request *request, const char *list, size_t first)
{
	size_t kept = 0;

	for (size_t i = 0; i < request->allocator_count; i++) {
		struct allocator *allocator = &request->allocators[i];

		if (i >= first || is_in_list(allocator->name, list))
			request->allocators[kept++] = *allocator;
		else
			allocator_release(allocator);
	}
	request->allocator_count = kept;
}

static bool choose_allocators(struct request *request, struct error *error)
{
	const char *given = request->given.allocators;
	g_autofree const char **names = NULL;

	if (!collect_allocators(request, error))
		return false;
	/* Those of --allocator come on top of the preset's. */
	if (given == NULL) {
		if (request->preset->allocators != NULL)
			keep_listed(request, request->preset->allocators,
				    request->allocator_count - request->given.allocator.count);
		return true;
	}
	names = g_new0(const char *, request->allocator_count + 1);
	for (size_t i = 0; i < request->allocator_count; i++)
		names[i] = request->allocators[i].name;
	if (!check_list("allocator", given, names, error))
		return false;
	keep_listed(request, given, request->allocator_count);
	return true;
}

/* Puts each allocator's aged one behind it, so that they stand next to each other. */
static bool add_aged(struct request *request, struct error *error)
{
	const uint64_t seed =
		request->given.aged.given ? request->given.aged.value : request->preset->aged;
	const size_t count = request->allocator_count;

	if (seed == 0)
		return true;
	request->allocators = g_renew(struct allocator, request->allocators, 2 * count);
	for (size_t i = count; i-- > 0;) {
		struct allocator *pair = &request->allocators[2 * i];

		pair[0] = request->allocators[i];
		allocator_age(&pair[0], seed, &pair[1]);
	}
	request->allocator_count = 2 * count;
	for (size_t i = 0; i < request->allocator_count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(request->allocators[i].name, request->allocators[j].name) == 0)
				return error_set(error,
						 "--aged: the name %s is taken by --allocator; "
						 "choose another there",
						 request->allocators[i].name);
	return true;
}

static int compare_counts(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool choose_counts(const char *text, const char *fallback, const char *what,
			  struct counts *counts, struct error *error)
{
	if (!parse_count_list(text == NULL ? fallback : text, what, &counts->values, &counts->count,
			      error))
		return false;
	qsort(counts->values, counts->count, sizeof *counts->values, compare_counts);
	return true;
}

/* ---- sizes ---- */

static int compare_shapes(const void *a, const void *b)
{
	const struct shape *x = a;
	const struct shape *y = b;

	if (x->row_bytes != y->row_bytes)
		return x->row_bytes < y->row_bytes ? -1 : 1;
	return (x->rows > y->rows) - (x->rows < y->rows);
}

static void add_shape(struct request *request, uint64_t rows, uint64_t row_bytes)
{
	request->shapes = g_renew(struct shape, request->shapes, request->shape_count + 1);
	request->shapes[request->shape_count++] = (struct shape){rows, row_bytes};
}

/* ROWSxBYTES, each a count; is cut in two. */
static bool parse_shape(struct request *request, char *text, struct error *error)
{
	char *cross = strchr(text, 'x');
	uint64_t rows;
	uint64_t row_bytes;

	if (cross == NULL)
		return error_set(error, "--shapes: '%.60s' is not ROWSxBYTES, such as 10kx80",
				 text);
	*cross = '\0';
	if (!parse_count(text, "--shapes", &rows, error) ||
	    !parse_count(cross + 1, "--shapes", &row_bytes, error))
		return false;
	add_shape(request, rows, row_bytes);
	return true;
}

static bool parse_shapes(struct request *request, const char *text, struct error *error)
{
	g_auto(GStrv) items = g_strsplit(text, ",", -1);

	/* Of an empty text there are no items. */
	if (*items == NULL)
		return error_set(error, "--shapes: '' is not ROWSxBYTES, such as 10kx80");
	for (char **item = items; *item != NULL; item++)
		if (!parse_shape(request, *item, error))
			return false;
	return true;
}

/* Each of --rows with each of --row-bytes. */
static bool cross_shapes(struct request *request, struct error *error)
{
	const struct preset *preset = request->preset;
	const char *usual_rows = preset->rows != NULL ? preset->rows : "10000";
	const char *usual_bytes = preset->row_bytes != NULL ? preset->row_bytes : "80";
	struct counts rows = {NULL, 0};
	struct counts row_bytes = {NULL, 0};
	bool ok = choose_counts(request->given.rows, usual_rows, "--rows", &rows, error) &&
		  choose_counts(request->given.row_bytes, usual_bytes, "--row-bytes", &row_bytes,
				error);

	for (size_t b = 0; ok && b < row_bytes.count; b++)
		for (size_t r = 0; r < rows.count; r++)
			add_shape(request, rows.values[r], row_bytes.values[b]);
	free(rows.values);
	free(row_bytes.values);
	return ok;
}

/* The row sizes of the shapes, each once. */
static bool collect_row_bytes(struct request *request, struct error *error)
{
	struct counts *sizes = &request->row_bytes;

	qsort(request->shapes, request->shape_count, sizeof *request->shapes, compare_shapes);
	for (size_t i = 1; i < request->shape_count; i++)
		if (compare_shapes(&request->shapes[i - 1], &request->shapes[i]) == 0)
			return error_set(error, "--shapes: %llux%llu is given twice",
					 (unsigned long long)request->shapes[i].rows,
					 (unsigned long long)request->shapes[i].row_bytes);
	sizes->values = g_new0(uint64_t, request->shape_count);
	for (size_t i = 0; i < request->shape_count; i++)
		if (i == 0 || request->shapes[i].row_bytes != request->shapes[i - 1].row_bytes)
			sizes->values[sizes->count++] = request->shapes[i].row_bytes;
	return true;
}

static bool choose_sizes(struct request *request, struct error *error)
{
	const struct preset *preset = request->preset;
	const bool crossed = request->given.rows != NULL || request->given.row_bytes != NULL;
	const char *shapes = request->given.shapes != NULL ? request->given.shapes : preset->shapes;

	if (request->given.shapes != NULL && crossed)
		return error_set(error, "--shapes takes the place of --rows and --row-bytes; leave "
					"these out");
	if (!(shapes != NULL && !crossed ? parse_shapes(request, shapes, error)
					 : cross_shapes(request, error)) ||
	    !collect_row_bytes(request, error) ||
	    !choose_counts(request->given.threads, preset->threads == NULL ? "1" : preset->threads,
			   "--threads", &request->threads, error))
		return false;
	if (request->threads.values[request->threads.count - 1] > 4096)
		return error_set(error, "--threads: more than 4096");
	return true;
}

/* What is built, and of which sizes. */
static bool choose_builds(struct request *request, struct error *error)
{
	if (request->given.profile != NULL)
		return choose_replay(request, error);
	if (request->given.process.given)
		return error_set(error, "--process is of a --profile, and there is none");
	return choose_strategies(request, error) && choose_sizes(request, error);
}

static bool choose_passes(struct request *request, struct error *error)
{
	const char *text =
		request->given.passes == NULL ? request->preset->passes : request->given.passes;

	if (!check_list("pass", text, pass_names, error))
		return false;
	for (size_t i = 0; i < PASS_COUNT; i++)
		request->passes[i] = is_in_list(pass_names[i], text);
	/* Strategies and patterns are each measured in a pass of their own. */
	if (request->given.passes == NULL &&
	    (request->passes[PASS_MEASURE] || request->passes[PASS_PATTERN])) {
		request->passes[PASS_MEASURE] = false;
		request->passes[PASS_PATTERN] = false;
		for (size_t i = 0; i < request->strategy_count; i++)
			request->passes[request->strategies[i]->is_pattern ? PASS_PATTERN
									   : PASS_MEASURE] = true;
	}
	return true;
}

/* Is what was asked for among what is traced? */
static bool check_timeline(const struct request *request, struct error *error)
{
	if (!request->passes[PASS_TRACE])
		return error_set(error, "--timeline is for the trace pass; --passes leaves it out");
	for (size_t i = 0; i < request->timeline.count; i++) {
		bool among = false;

		for (size_t r = 0; r < request->shape_count; r++)
			among |= request->shapes[r].rows == request->timeline.values[i];
		if (!among)
			return error_set(error, "--timeline: %llu is not among --rows",
					 (unsigned long long)request->timeline.values[i]);
	}
	return true;
}

static bool choose_timeline(struct request *request, struct error *error)
{
	const char *text = request->given.timeline == NULL ? request->preset->timeline
							   : request->given.timeline;

	if (text == NULL || strcmp(text, "none") == 0)
		return true;
	if (!choose_counts(text, text, "--timeline", &request->timeline, error))
		return false;
	return request->given.timeline == NULL || check_timeline(request, error);
}

/* Of a pass that was named all cells are counted; and where nothing is timed, --rounds are its own.
 * Two rounds are the least that say whether a count varies, and too dear beside a preset's times.
 */
static bool choose_instructions(struct request *request, struct error *error)
{
	const char *text = request->preset->instruction_rows;
	const bool timed = request->passes[PASS_MEASURE] || request->passes[PASS_PATTERN] ||
			   request->passes[PASS_LATENCY];

	request->repeats_long_counts = !timed && request->given.rounds != 0;
	request->instruction_rounds =
		!timed && request->given.rounds != 0 ? request->given.rounds
		: request->rounds < 2 || (timed && request->given.passes == NULL) ? 1
										  : 2;
	return text == NULL || request->given.passes != NULL ||
	       choose_counts(text, text, "rows whose instructions are counted",
			     &request->instruction_rows, error);
}

static bool choose_seed(struct request *request, struct error *error)
{
	request->seed = request->given.seed.value;
	if (request->given.seed.given)
		return true;
	if (getrandom(&request->seed, sizeof request->seed, 0) != sizeof request->seed)
		return error_set(error, "no random seed could be had; give one with --seed");
	/* Short enough to be typed again. */
	request->seed %= 1000000;
	return true;
}

/* Whose times are taken while others run, and whose are not, is not to be mixed up. */
static bool check_duet(const struct request *request, struct error *error)
{
	if (request->allocator_count % 2 != 0)
		return error_set(error,
				 "--pairing duet: allocators are measured two at a time, and there "
				 "are %zu; give an even number of --allocators",
				 request->allocator_count);
	if (!request->passes[PASS_MEASURE] || request->passes[PASS_LATENCY] ||
	    request->passes[PASS_PATTERN])
		return error_set(error,
				 "--pairing duet is for the times of the pass measure: give "
				 "--passes measure, with trace, instructions or probe at most");
	return true;
}

static bool choose_pairing(struct request *request, struct error *error)
{
	const char *given = request->given.pairing;
	int place = 0;

	if (given == NULL)
		return true;
	while (pairing_names[place] != NULL && strcmp(pairing_names[place], given) != 0)
		place++;
	if (pairing_names[place] == NULL)
		return unknown_name("pairing", given, pairing_names, error);
	request->pairing = (enum pairing)place;
	return request->pairing != PAIRING_DUET || check_duet(request, error);
}

/* ---- what is chosen by itself ---- */

static bool choose_preset(struct request *request, struct error *error)
{
	const char *name = request->given.preset == NULL ? "default" : request->given.preset;
	const char *names[16] = {NULL};

	for (size_t i = 0; i < 15 && presets[i].name != NULL; i++) {
		names[i] = presets[i].name;
		if (strcmp(presets[i].name, name) == 0)
			request->preset = &presets[i];
	}
	return request->preset != NULL || unknown_name("preset", name, names, error);
}

static bool choose_work(struct request *request, struct error *error)
{
	request->work = request->preset->work;
	if (request->given.work == NULL)
		return true;
	for (unsigned i = 0; row_work_names[i] != NULL; i++)
		if (strcmp(row_work_names[i], request->given.work) == 0) {
			request->work = (enum row_work)i;
			return true;
		}
	return unknown_name("work", request->given.work, row_work_names, error);
}

/* --worker is a worker of ours by its path, or another implementation by its name. */
static void choose_workers(struct request *request)
{
	const struct texts *given = &request->given.worker;

	for (size_t i = 0; i < given->count; i++)
		if (implementation_is_named(given->items[i]))
			request->workers.items[request->workers.count++] = given->items[i];
		else
			request->worker = given->items[i];
}

static uint64_t or_else(uint64_t given, uint64_t usual)
{
	return given != 0 ? given : usual;
}

static void choose_numbers(struct request *request)
{
	const struct arguments *given = &request->given;
	const struct preset *preset = request->preset;
	const uint64_t warm_limit_s =
		given->warm_limit_s.given ? given->warm_limit_s.value : preset->warm_limit_s;

	request->rounds = or_else(given->rounds, preset->rounds);
	/* So many rounds were asked for, and no others. */
	request->extra_rounds = given->extra_rounds.given ? given->extra_rounds.value
				: given->rounds != 0      ? 0
							  : preset->extra_rounds;
	request->latency_rounds =
		or_else(given->latency_rounds, or_else(preset->latency_rounds, 1));
	request->timeline_points = or_else(given->timeline_points, 200);
	request->budget_s = or_else(given->budget_s, preset->budget_s);
	request->timeout_s = or_else(given->timeout_s, or_else(preset->timeout_s, 60));
	request->cpu = given->cpu.given ? (int)given->cpu.value : -1;
	request->warm_limit_ns = given->warm_limit_s.given || warm_limit_s > 0
					 ? (double)warm_limit_s * 1e9
					 : HUGE_VAL;
}

bool request_read(int argc, char **argv, struct request *request, struct error *error)
{
	*request = (struct request){.argc = argc, .argv = argv};
	if (!arguments_parse(argc, argv, &request->given, error))
		return false;
	/* A run that goes on has options of its own, and a program or its profile is no run. */
	if (request->given.help || request->given.resume != NULL ||
	    *arguments_words(argv[0]) != '\0')
		return true;
	if (request->given.overwrite && request->given.out == NULL)
		return error_set(error, "--overwrite needs --out DIR");
	if (!choose_preset(request, error) || !choose_work(request, error))
		return false;
	choose_workers(request);
	choose_numbers(request);
	return choose_builds(request, error) && choose_allocators(request, error) &&
	       add_aged(request, error) && choose_passes(request, error) &&
	       choose_pairing(request, error) && choose_timeline(request, error) &&
	       choose_instructions(request, error) && choose_seed(request, error);
}
