#include "harness/runner/request/options.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "harness/common/text.h"
#include "harness/common/utf8.h"
#include "harness/runner/request/choose_strategies.h"

/* What an option does with its value; `text` is NULL for one without. */
typedef bool option_setter(struct options *options, const char *text, struct error *error);

struct option_row {
	const char *name;
	const char *value; /* NULL: none */
	option_setter *set;
	const char *help;
};

static bool set_preset(struct options *options, const char *text, struct error *error)
{
	const char *names[16] = {NULL};

	for (size_t i = 0; presets[i].name != NULL; i++)
		if (strcmp(presets[i].name, text) == 0) {
			options->preset = &presets[i];
			return true;
		}
	for (size_t i = 0; i < 15 && presets[i].name != NULL; i++)
		names[i] = presets[i].name;
	return unknown_name("preset", text, names, error);
}

static bool set_implementations(struct options *options, const char *text, struct error *error)
{
	(void)error;
	options->implementations_text = text;
	return true;
}

static bool set_strategies(struct options *options, const char *text, struct error *error)
{
	(void)error;
	options->strategies_text = text;
	return true;
}

static bool set_allocators(struct options *options, const char *text, struct error *error)
{
	(void)error;
	options->allocators_text = text;
	return true;
}

static bool add_allocator(struct options *options, const char *text, struct error *error)
{
	const size_t most = sizeof options->allocator_texts / sizeof *options->allocator_texts;

	if (options->allocator_text_count == most)
		return error_set(error, "--allocator: more than %zu of them", most);
	options->allocator_texts[options->allocator_text_count++] = text;
	return true;
}

static bool set_rows(struct options *options, const char *text, struct error *error)
{
	(void)error;
	options->rows_text = text;
	return true;
}

static bool set_row_bytes(struct options *options, const char *text, struct error *error)
{
	(void)error;
	options->row_bytes_text = text;
	return true;
}

static bool set_shapes(struct options *options, const char *text, struct error *error)
{
	(void)error;
	options->shapes_text = text;
	return true;
}

static bool set_threads(struct options *options, const char *text, struct error *error)
{
	(void)error;
	options->threads_text = text;
	return true;
}

static bool set_passes(struct options *options, const char *text, struct error *error)
{
	(void)error;
	options->passes_text = text;
	return true;
}

static bool set_timeline(struct options *options, const char *text, struct error *error)
{
	(void)error;
	options->timeline_text = text;
	return true;
}

static bool set_limited(const char *text, const char *what, uint64_t most, uint64_t *value,
			struct error *error)
{
	if (!parse_count(text, what, value, error))
		return false;
	if (*value > most)
		return error_set(error, "%s: '%s' is too large; the most is %llu", what, text,
				 (unsigned long long)most);
	return true;
}

static bool set_rounds(struct options *options, const char *text, struct error *error)
{
	return set_limited(text, "--rounds", 10000, &options->rounds, error);
}

static bool set_timeline_points(struct options *options, const char *text, struct error *error)
{
	return set_limited(text, "--timeline-points", 1000, &options->timeline_points, error);
}

static bool set_latency_rounds(struct options *options, const char *text, struct error *error)
{
	return set_limited(text, "--latency-rounds", 10000, &options->latency_rounds, error);
}

static bool set_seed(struct options *options, const char *text, struct error *error)
{
	options->seed_given = true;
	return parse_seed(text, "--seed", &options->seed, error);
}

static bool set_work(struct options *options, const char *text, struct error *error)
{
	for (unsigned i = 0; row_work_names[i] != NULL; i++)
		if (strcmp(row_work_names[i], text) == 0) {
			options->work = (enum row_work)i;
			options->work_given = true;
			return true;
		}
	return unknown_name("work", text, row_work_names, error);
}

static bool set_budget(struct options *options, const char *text, struct error *error)
{
	return set_limited(text, "--budget", 31536000, &options->budget_s, error);
}

static bool set_timeout(struct options *options, const char *text, struct error *error)
{
	return set_limited(text, "--timeout", 86400, &options->timeout_s, error);
}

static bool set_cpu(struct options *options, const char *text, struct error *error)
{
	uint64_t cpu;

	if (!parse_seed(text, "--cpu", &cpu, error))
		return false;
	if (cpu > 65535)
		return error_set(error, "--cpu: '%s' is too large", text);
	options->cpu = (int)cpu;
	return true;
}

static bool set_worker(struct options *options, const char *text, struct error *error)
{
	const size_t most = sizeof options->worker_texts / sizeof *options->worker_texts;

	if (!implementation_is_named(text)) {
		options->worker = text;
		return true;
	}
	if (options->worker_text_count == most)
		return error_set(error, "--worker: more than %zu of them", most);
	options->worker_texts[options->worker_text_count++] = text;
	return true;
}

static bool set_out(struct options *options, const char *text, struct error *error)
{
	if (*text == '\0')
		return error_set(error, "--out: the folder's name is empty");
	options->out = text;
	return true;
}

static bool set_resume(struct options *options, const char *text, struct error *error)
{
	if (*text == '\0')
		return error_set(error, "--resume: the folder's name is empty");
	options->resume = text;
	return true;
}

static bool set_overwrite(struct options *options, const char *text, struct error *error)
{
	(void)text;
	(void)error;
	options->overwrite = true;
	return true;
}

static bool set_no_summary(struct options *options, const char *text, struct error *error)
{
	(void)text;
	(void)error;
	options->no_summary = true;
	return true;
}

static bool set_warm_limit(struct options *options, const char *text, struct error *error)
{
	uint64_t seconds;

	if (!parse_seed(text, "--warm-limit", &seconds, error))
		return false;
	options->warm_limit_given = true;
	options->warm_limit_ns = (double)seconds * 1e9;
	return true;
}

static bool set_quiet(struct options *options, const char *text, struct error *error)
{
	(void)text;
	(void)error;
	options->quiet = true;
	return true;
}

static bool set_columns(struct options *options, const char *text, struct error *error)
{
	(void)text;
	(void)error;
	options->columns = true;
	return true;
}

static bool set_help(struct options *options, const char *text, struct error *error)
{
	(void)text;
	(void)error;
	options->help = true;
	return true;
}

static const struct option_row option_rows[] = {
	{"preset", "NAME", set_preset,
	 "quick, default, full, article or patterns (growbench list shows them)"},
	{"implementations", "LIST", set_implementations,
	 "only strategies of these: c, cpp, glib, uthash, numpy, python, --worker's names"},
	{"strategies", "LIST", set_strategies,
	 "only these strategies or copying patterns, separated by commas"},
	{"allocators", "LIST", set_allocators,
	 "only these allocators, --allocator's names included"},
	{"allocator", "NAME=BASE[@BUILD][,VAR=VALUE...]", add_allocator,
	 "one more allocator: a library's path or a known name, measured with the worker of "
	 "another "
	 "build if its folder is given, with variables; may be repeated"},
	{"rows", "LIST", set_rows, "rows of the arrays, such as 100,10k,1e6"},
	{"row-bytes", "LIST", set_row_bytes, "bytes of each row"},
	{"shapes", "LIST", set_shapes,
	 "ROWSxBYTES, such as 64x512,10kx80, instead of each of --rows with each of --row-bytes"},
	{"threads", "LIST", set_threads, "threads that each build an array at once"},
	{"rounds", "N", set_rounds, "visits to every cell; fewer than 6 give no intervals"},
	{"passes", "LIST", set_passes,
	 "of measure (times, peak), trace (why: calls, moves, copies), latency (each append), "
	 "pattern (copying patterns), probe (the machine's limits)"},
	{"timeline", "LIST", set_timeline,
	 "rows at which the trace records memory against rows appended, or none"},
	{"timeline-points", "N", set_timeline_points, "points of each, at most 1000"},
	{"latency-rounds", "N", set_latency_rounds, "visits of the latency pass to each cell"},
	{"seed", "N", set_seed, "of the order; the same seed gives the same order"},
	{"work", "NAME", set_work,
	 "how rows are made: cheap (default) or random, as in the article"},
	{"budget", "SECONDS", set_budget,
	 "what the run may take: cells of quadratic strategies that need more than 4% of it are "
	 "predicted"},
	{"timeout", "SECONDS", set_timeout, "after which a worker is killed"},
	{"cpu", "N", set_cpu,
	 "pin workers to this CPU; further threads take one CPU of each other core"},
	{"worker", "NAME=COMMAND or PATH", set_worker,
	 "one more implementation: a program that speaks the protocol of harness/README.md; may be "
	 "repeated. Or the path of another build's growbench-worker, to measure with"},
	{"warm-limit", "SECONDS", set_warm_limit,
	 "leave out the warm steady state where one build takes longer; 0: everywhere"},
	{"out", "DIR", set_out, "folder of the run (default results/<machine>-<UTC time>)"},
	{"overwrite", NULL, set_overwrite, "replace a run that is in the folder already"},
	{"resume", "DIR", set_resume, "go on with an interrupted run, with its own options"},
	{"no-summary", NULL, set_no_summary, "leave summary.csv to growbench summarise"},
	{"quiet", NULL, set_quiet, "no progress, only errors and the folder's name"},
	{"columns", NULL, set_columns, "with list: the columns of runs.csv"},
	{"help", NULL, set_help, "this text"},
};

enum {
	OPTION_COUNT = sizeof option_rows / sizeof *option_rows
};

void options_help(FILE *stream)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char left[64];

		(void)snprintf(left, sizeof left, "--%s %s", option_rows[i].name,
			       option_rows[i].value == NULL ? "" : option_rows[i].value);
		(void)fprintf(stream, "  %-24s%s%s\n", left,
			      strlen(left) > 24 ? "\n                           " : " ",
			      option_rows[i].help);
	}
}

static bool unknown_option(const char *word, struct error *error)
{
	const char *names[OPTION_COUNT + 1] = {NULL};
	char name[128];
	const char *nearest;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		names[i] = option_rows[i].name;
	(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
	nearest = strncmp(name, "--", 2) == 0 ? nearest_name(name + 2, names) : NULL;
	if (nearest != NULL)
		return error_set(error, "unknown option '%s'; did you mean --%s?", name, nearest);
	return error_set(error, "unknown option '%s'; --help shows the valid ones", name);
}

/* The word with the option that getopt_long has just read. */
static const char *option_word(char **argv)
{
	return optarg != NULL && optarg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

static bool is_shortened(char **argv, const char *name)
{
	return strcspn(option_word(argv) + 2, "=") != strlen(name);
}

/* May an option stand beside --resume? The others say what to run, which is settled then. */
static bool goes_with_resume(const char *name)
{
	static const char *const names[] = {"resume", "quiet", "no-summary", "help", NULL};

	for (const char *const *other = names; *other != NULL; other++)
		if (strcmp(*other, name) == 0)
			return true;
	return false;
}

static bool parse_words(int argc, char **argv, struct options *options, struct error *error)
{
	struct option long_options[OPTION_COUNT + 1] = {{NULL, 0, NULL, 0}};
	char short_option[] = "-?"; /* there are none, and getopt is still in its word */
	const char *chosen = NULL;  /* an option that says what to run */
	int option;

	for (int i = 0; i < OPTION_COUNT; i++) {
		long_options[i].name = option_rows[i].name;
		long_options[i].has_arg =
			option_rows[i].value == NULL ? no_argument : required_argument;
		long_options[i].val = 256 + i;
	}
	opterr = 0;
	/* 0: forget an earlier command line altogether. */
	optind = 0;
	/* ':' tells a missing value from an unknown option. */
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		short_option[1] = (char)optopt;
		if (option == ':')
			return error_set(error, "%s needs a value; --help shows which",
					 argv[optind - 1]);
		if (option == '?' && optopt >= 256)
			return error_set(error, "--%s takes no value",
					 option_rows[optopt - 256].name);
		if (option == '?')
			return unknown_option(optopt != 0 ? short_option : argv[optind - 1], error);
		/* getopt_long takes shortened names, whose meaning would change with every option
		 * that is added; and what was asked for is recorded by name. */
		if (is_shortened(argv, option_rows[option - 256].name))
			return unknown_option(option_word(argv), error);
		if (!option_rows[option - 256].set(options, optarg, error))
			return false;
		if (!goes_with_resume(option_rows[option - 256].name))
			chosen = option_rows[option - 256].name;
	}
	if (options->resume != NULL && chosen != NULL)
		return error_set(error,
				 "--resume goes on with the run's own options; leave out --%s",
				 chosen);
	if (optind < argc)
		return error_set(error, "'%s' is one word too many; --help shows the options",
				 argv[optind]);
	return true;
}

/* ---- allocators ---- */

/* Reads all allocators that may be meant, known ones first, then those of --allocator. */
static bool collect_allocators(struct options *options, struct error *error)
{
	size_t known = 0;

	while (known_allocators[known].name != NULL)
		known++;
	options->allocators =
		calloc(known + options->allocator_text_count, sizeof *options->allocators);
	for (size_t i = 0; i < known; i++) {
		if (!allocator_find(known_allocators[i].name,
				    &options->allocators[options->allocator_count], error))
			return false;
		options->allocator_count++;
	}
	for (size_t i = 0; i < options->allocator_text_count; i++) {
		struct allocator *added = &options->allocators[options->allocator_count];

		if (!allocator_parse(options->allocator_texts[i], added, error))
			return false;
		options->allocator_count++;
		for (struct allocator *other = options->allocators; other < added; other++)
			if (strcmp(other->name, added->name) == 0)
				return error_set(
					error, "--allocator %s: the name is taken; choose another",
					added->name);
	}
	return true;
}

/* Leaves out the known allocators that are not in the list. */
static void keep_known(struct options *options, const char *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < options->allocator_count; i++) {
		struct allocator *allocator = &options->allocators[i];
		bool known = i + options->allocator_text_count < options->allocator_count;

		if (!known || is_in_list(allocator->name, list))
			options->allocators[kept++] = *allocator;
		else
			allocator_release(allocator);
	}
	options->allocator_count = kept;
}

static bool choose_allocators(struct options *options, struct error *error)
{
	const char **names;
	size_t kept = 0;
	bool known;

	if (!collect_allocators(options, error))
		return false;
	/* Those of --allocator come on top of the preset's. */
	if (options->allocators_text == NULL) {
		if (options->preset->allocators != NULL)
			keep_known(options, options->preset->allocators);
		return true;
	}
	names = calloc(options->allocator_count + 1, sizeof *names);
	for (size_t i = 0; i < options->allocator_count; i++)
		names[i] = options->allocators[i].name;
	known = check_list("allocator", options->allocators_text, names, error);
	free(names);
	if (!known)
		return false;
	for (size_t i = 0; i < options->allocator_count; i++) {
		struct allocator *allocator = &options->allocators[i];

		if (is_in_list(allocator->name, options->allocators_text))
			options->allocators[kept++] = *allocator;
		else
			allocator_release(allocator);
	}
	options->allocator_count = kept;
	return true;
}

bool options_name_allocator(const struct options *options, const char *label)
{
	for (size_t i = 0; i < options->allocator_text_count; i++) {
		const size_t length = strcspn(options->allocator_texts[i], "=");

		if (strlen(label) == length &&
		    strncmp(label, options->allocator_texts[i], length) == 0)
			return true;
	}
	return options->allocators_text != NULL && is_in_list(label, options->allocators_text);
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

static bool add_shape(struct options *options, uint64_t rows, uint64_t row_bytes,
		      struct error *error)
{
	struct shape *grown =
		realloc(options->shapes, (options->shape_count + 1) * sizeof *options->shapes);

	if (grown == NULL)
		return error_set(error, "no memory");
	options->shapes = grown;
	grown[options->shape_count++] = (struct shape){rows, row_bytes};
	return true;
}

/* ROWSxBYTES, each a count. */
static bool parse_shape(struct options *options, const char *item, size_t length,
			struct error *error)
{
	char text[96];
	char *cross;
	uint64_t rows;
	uint64_t row_bytes;

	(void)snprintf(text, sizeof text, "%.*s", (int)length, item);
	cross = strchr(text, 'x');
	if (length >= sizeof text || cross == NULL)
		return error_set(error, "--shapes: '%.60s' is not ROWSxBYTES, such as 10kx80",
				 text);
	*cross = '\0';
	return parse_count(text, "--shapes", &rows, error) &&
	       parse_count(cross + 1, "--shapes", &row_bytes, error) &&
	       add_shape(options, rows, row_bytes, error);
}

static bool parse_shapes(struct options *options, const char *text, struct error *error)
{
	const char *next = text;

	while (next != NULL) {
		size_t length = strcspn(next, ",");

		if (!parse_shape(options, next, length, error))
			return false;
		next = next[length] == ',' ? next + length + 1 : NULL;
	}
	return true;
}

/* Each of --rows with each of --row-bytes. */
static bool cross_shapes(struct options *options, struct error *error)
{
	const struct preset *preset = options->preset;
	const char *usual_rows = preset->rows != NULL ? preset->rows : "10000";
	const char *usual_bytes = preset->row_bytes != NULL ? preset->row_bytes : "80";
	struct counts rows = {NULL, 0};
	struct counts row_bytes = {NULL, 0};
	bool ok = choose_counts(options->rows_text, usual_rows, "--rows", &rows, error) &&
		  choose_counts(options->row_bytes_text, usual_bytes, "--row-bytes", &row_bytes,
				error);

	for (size_t b = 0; ok && b < row_bytes.count; b++)
		for (size_t r = 0; ok && r < rows.count; r++)
			ok = add_shape(options, rows.values[r], row_bytes.values[b], error);
	free(rows.values);
	free(row_bytes.values);
	return ok;
}

/* The row sizes of the shapes, each once. */
static bool collect_row_bytes(struct options *options, struct error *error)
{
	struct counts *sizes = &options->row_bytes;

	qsort(options->shapes, options->shape_count, sizeof *options->shapes, compare_shapes);
	for (size_t i = 1; i < options->shape_count; i++)
		if (compare_shapes(&options->shapes[i - 1], &options->shapes[i]) == 0)
			return error_set(error, "--shapes: %llux%llu is given twice",
					 (unsigned long long)options->shapes[i].rows,
					 (unsigned long long)options->shapes[i].row_bytes);
	sizes->values = calloc(options->shape_count + 1, sizeof *sizes->values);
	if (sizes->values == NULL)
		return error_set(error, "no memory");
	for (size_t i = 0; i < options->shape_count; i++)
		if (i == 0 || options->shapes[i].row_bytes != options->shapes[i - 1].row_bytes)
			sizes->values[sizes->count++] = options->shapes[i].row_bytes;
	return true;
}

static bool choose_sizes(struct options *options, struct error *error)
{
	const struct preset *preset = options->preset;
	const bool crossed = options->rows_text != NULL || options->row_bytes_text != NULL;
	const char *shapes = options->shapes_text != NULL ? options->shapes_text : preset->shapes;

	if (options->shapes_text != NULL && crossed)
		return error_set(error, "--shapes takes the place of --rows and --row-bytes; leave "
					"these out");
	if (!(shapes != NULL && !crossed ? parse_shapes(options, shapes, error)
					 : cross_shapes(options, error)) ||
	    !collect_row_bytes(options, error) ||
	    !choose_counts(options->threads_text, preset->threads, "--threads", &options->threads,
			   error))
		return false;
	if (options->threads.values[options->threads.count - 1] > 4096)
		return error_set(error, "--threads: more than 4096");
	return true;
}

static bool choose_passes(struct options *options, struct error *error)
{
	const char *text =
		options->passes_text == NULL ? options->preset->passes : options->passes_text;

	if (!check_list("pass", text, pass_names, error))
		return false;
	for (size_t i = 0; i < PASS_COUNT; i++)
		options->passes[i] = is_in_list(pass_names[i], text);
	/* Strategies and patterns are each measured in a pass of their own. */
	if (options->passes_text == NULL) {
		options->passes[PASS_MEASURE] = false;
		options->passes[PASS_PATTERN] = false;
		for (size_t i = 0; i < options->strategy_count; i++)
			options->passes[options->strategies[i]->is_pattern ? PASS_PATTERN
									   : PASS_MEASURE] = true;
	}
	return true;
}

/* Is what was asked for among what is traced? */
static bool check_timeline(const struct options *options, struct error *error)
{
	if (!options->passes[PASS_TRACE])
		return error_set(error, "--timeline is for the trace pass; --passes leaves it out");
	for (size_t i = 0; i < options->timeline.count; i++) {
		bool among = false;

		for (size_t r = 0; r < options->shape_count; r++)
			among |= options->shapes[r].rows == options->timeline.values[i];
		if (!among)
			return error_set(error, "--timeline: %llu is not among --rows",
					 (unsigned long long)options->timeline.values[i]);
	}
	return true;
}

static bool choose_timeline(struct options *options, struct error *error)
{
	const char *text =
		options->timeline_text == NULL ? options->preset->timeline : options->timeline_text;

	if (options->timeline_points == 0)
		options->timeline_points = 200;
	if (strcmp(text, "none") == 0)
		return true;
	if (!choose_counts(text, text, "--timeline", &options->timeline, error))
		return false;
	return options->timeline_text == NULL || check_timeline(options, error);
}

static bool choose_seed(struct options *options, struct error *error)
{
	if (options->seed_given)
		return true;
	if (getrandom(&options->seed, sizeof options->seed, 0) != sizeof options->seed)
		return error_set(error, "no random seed could be had; give one with --seed");
	/* Short enough to be typed again. */
	options->seed %= 1000000;
	return true;
}

/* What is asked for is recorded in machine.json, which holds nothing else. */
static bool check_text(int argc, char **argv, struct error *error)
{
	for (int i = 0; i < argc; i++)
		for (const char *c = argv[i]; *c != '\0'; c += utf8_length(c))
			if (utf8_length(c) == 0)
				return error_set(error, "'%s' is not UTF-8 text; give another name",
						 argv[i]);
	return true;
}

bool options_parse(int argc, char **argv, struct options *options, struct error *error)
{
	memset(options, 0, sizeof *options);
	options->cpu = -1;
	if (!check_text(argc, argv, error) || !set_preset(options, "default", error) ||
	    !parse_words(argc, argv, options, error))
		return false;
	/* A run that goes on has options of its own. */
	if (options->help || options->resume != NULL)
		return true;
	options->slow_rounds = options->rounds;
	if (options->rounds == 0) {
		options->rounds = options->preset->rounds;
		options->slow_rounds = options->preset->slow_rounds != 0
					       ? options->preset->slow_rounds
					       : options->rounds;
	}
	if (!options->work_given)
		options->work = options->preset->work;
	if (!options->warm_limit_given)
		options->warm_limit_ns = options->preset->warm_limit_s > 0
						 ? (double)options->preset->warm_limit_s * 1e9
						 : HUGE_VAL;
	if (options->budget_s == 0)
		options->budget_s = options->preset->budget_s;
	if (options->timeout_s == 0)
		options->timeout_s = options->preset->timeout_s;
	if (options->overwrite && options->out == NULL)
		return error_set(error, "--overwrite needs --out DIR");
	if (options->latency_rounds == 0)
		options->latency_rounds = options->preset->latency_rounds;
	return choose_strategies(options, error) && choose_allocators(options, error) &&
	       choose_sizes(options, error) && choose_passes(options, error) &&
	       choose_timeline(options, error) && choose_seed(options, error);
}

void options_release(struct options *options)
{
	for (size_t i = 0; i < options->allocator_count; i++)
		allocator_release(&options->allocators[i]);
	free(options->allocators);
	free(options->strategies);
	for (size_t i = 0; i < options->implementation_count; i++)
		implementation_release(&options->implementations[i]);
	free(options->implementations);
	free(options->shapes);
	free(options->row_bytes.values);
	free(options->threads.values);
	free(options->timeline.values);
}
