#include "harness/runner/request/arguments.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>

#include "harness/common/constants.h"
#include "harness/common/text.h"
#include "harness/common/utf8.h"
#include "harness/profile/profile.h"

/* The verbs that take an option. */
enum {
	RUN = 1,
	PLAN = 2,
	LIST = 4,
	DOCTOR = 8,
	PEAK = 16,
	/* Taken by plan as well, and of no use there: so that the words of a run can be planned. */
	ALSO_PLAN = 32,
	A_RUN = RUN | PLAN,
	NAMES = A_RUN | LIST | DOCTOR,
	ALL = NAMES | PEAK,
	RECORD = 128
};

static const struct verb_row {
	const char *name;
	const char *words; /* what it takes beside options, for its usage; NULL: nothing */
	unsigned bit;
	int most_words;
} verbs[] = {{"run", NULL, RUN, 0},   {"plan", NULL, PLAN, 0},
	     {"list", NULL, LIST, 0}, {"doctor", NULL, DOCTOR, 0},
	     {"peak", NULL, PEAK, 0}, {"record", "-- COMMAND...", RECORD, INT_MAX}};

enum option_kind {
	FLAG,   /* bool */
	TEXT,   /* const char * */
	FOLDER, /* the same, not empty */
	TEXTS,  /* struct texts; may be repeated */
	COUNT,  /* uint64_t, 1 and more */
	SIZE,   /* the same, of bytes */
	NUMBER  /* struct number, 0 and more, without a suffix */
};

struct option_row {
	const char *name;
	const char *value; /* NULL: none */
	const char *help;
	unsigned verbs;
	enum option_kind kind;
	size_t field; /* of struct arguments */
	uint64_t most;
	bool goes_with_resume; /* the others say what to run, which is settled then */
};

_Static_assert(BUDGET_SHARE_PERCENT == 3, "the help of --budget says so");

#define FIELD(member) offsetof(struct arguments, member)

static const struct option_row option_rows[] = {
	{"preset", "NAME",
	 "quick, default, full, article, patterns, exact or shapes (growbench list shows them)",
	 ALL, TEXT, FIELD(preset), 0, false},
	{"implementations", "LIST",
	 "only strategies of these: c, cpp, glib, uthash, numpy, python, --worker's names", NAMES,
	 TEXT, FIELD(implementations), 0, false},
	{"strategies", "LIST", "only these strategies or copying patterns, separated by commas",
	 NAMES, TEXT, FIELD(strategies), 0, false},
	{"profile", "FILE", "replay a recorded program (growbench record) instead of strategies",
	 A_RUN, TEXT, FIELD(profile), 0, false},
	{"process", "N",
	 "which of the profile's processes, from 0 (default: the one with the most events)", A_RUN,
	 NUMBER, FIELD(process), PROFILE_MOST_PROCESSES, false},
	{"allocators", "LIST", "only these allocators, --allocator's names included", ALL, TEXT,
	 FIELD(allocators), 0, false},
	{"allocator", "NAME=BASE[@BUILD][,VAR=VALUE...]",
	 "one more allocator: a library's path or a known name, measured with the worker of "
	 "another "
	 "build if its folder is given, with variables; may be repeated",
	 ALL, TEXTS, FIELD(allocator), 0, false},
	{"aged", "SEED",
	 "measure each allocator once more, as NAME-aged, on a heap that was used before: a mix of "
	 "blocks by this seed, from 1; 0: none",
	 A_RUN, NUMBER, FIELD(aged), UINT64_MAX, false},
	{"rows", "LIST", "rows of the arrays, such as 100,10k,1e6", A_RUN, TEXT, FIELD(rows), 0,
	 false},
	{"row-bytes", "LIST", "bytes of each row", A_RUN, TEXT, FIELD(row_bytes), 0, false},
	{"shapes", "LIST",
	 "ROWSxBYTES, such as 64x512,10kx80, instead of each of --rows with each of --row-bytes",
	 A_RUN, TEXT, FIELD(shapes), 0, false},
	{"threads", "LIST", "threads that each build an array at once", A_RUN, TEXT, FIELD(threads),
	 0, false},
	{"rounds", "N", "visits to every cell; fewer than 6 give no intervals", A_RUN, COUNT,
	 FIELD(rounds), 10000, false},
	{"extra-rounds", "N",
	 "spend the time of N more on the cells with the widest intervals; 0: none, as with "
	 "--rounds",
	 A_RUN, NUMBER, FIELD(extra_rounds), 10000, false},
	{"pairing", "NAME",
	 "interleaved: one worker at a time (default); or duet: each two of the allocators at "
	 "once, "
	 "on a CPU each, so that what disturbs the machine disturbs both",
	 A_RUN, TEXT, FIELD(pairing), 0, false},
	{"passes", "LIST",
	 "of measure (times, peak), trace (why: calls, moves, copies), latency (each append), "
	 "instructions (counted by Valgrind), pattern (copying patterns), probe (the machine's "
	 "limits)",
	 A_RUN, TEXT, FIELD(passes), 0, false},
	{"timeline", "LIST",
	 "rows at which the trace records memory against rows appended, or none", A_RUN, TEXT,
	 FIELD(timeline), 0, false},
	{"timeline-points", "N", "points of each, at most 1000", A_RUN, COUNT,
	 FIELD(timeline_points), 1000, false},
	{"latency-rounds", "N", "visits of the latency pass to each cell", A_RUN, COUNT,
	 FIELD(latency_rounds), 10000, false},
	{"seed", "N", "of the order; the same seed gives the same order", A_RUN, NUMBER,
	 FIELD(seed), UINT64_MAX, false},
	{"work", "NAME", "how rows are made: cheap (default) or random, as in the article", A_RUN,
	 TEXT, FIELD(work), 0, false},
	{"budget", "SECONDS",
	 "what the run may take: cells that need more than 3% of it are predicted from smaller "
	 "sizes; those that were named are measured as far as all of it goes",
	 A_RUN, COUNT, FIELD(budget_s), 31536000, false},
	{"predict-above", "ROWS", "predict cells of more rows from smaller ones, in any case",
	 A_RUN, COUNT, FIELD(predict_above), INT64_MAX, false},
	{"timeout", "SECONDS", "after which a worker is killed", ALL, COUNT, FIELD(timeout_s),
	 86400, false},
	{"cpu", "N", "pin workers to this CPU; further threads take one CPU of each other core",
	 ALL, NUMBER, FIELD(cpu), 65535, false},
	{"worker", "NAME=COMMAND or PATH",
	 "one more implementation: a program that speaks the protocol of harness/README.md; may be "
	 "repeated. Or the path of another build's growbench-worker, to measure with",
	 ALL, TEXTS, FIELD(worker), 0, false},
	{"warm-limit", "SECONDS",
	 "leave out the warm steady state where one build takes longer; 0: everywhere", A_RUN,
	 NUMBER, FIELD(warm_limit_s), UINT64_MAX, false},
	{"out", "DIR", "folder of the run (default results/<machine>-<UTC time>)", RUN | ALSO_PLAN,
	 FOLDER, FIELD(out), 0, false},
	{"overwrite", NULL, "replace a run that is in the folder already", RUN | ALSO_PLAN, FLAG,
	 FIELD(overwrite), 0, false},
	{"resume", "DIR", "go on with an interrupted run, with its own options", RUN, FOLDER,
	 FIELD(resume), 0, true},
	{"no-summary", NULL, "leave summary.csv to growbench summarise", RUN | ALSO_PLAN, FLAG,
	 FIELD(no_summary), 0, true},
	{"quiet", NULL, "no progress, only errors and the folder's name", RUN | ALSO_PLAN, FLAG,
	 FIELD(quiet), 0, true},
	{"columns", NULL, "the columns of runs.csv", LIST, FLAG, FIELD(columns), 0, false},
	{"out", "FILE", "the profile, also -o FILE (default: the command's name and .profile)",
	 RECORD, FOLDER, FIELD(out), 0, false},
	{"overwrite", NULL, "replace a file that is there already", RECORD, FLAG, FIELD(overwrite),
	 0, false},
	{"limit", "SIZE",
	 "disk space for what is recorded, 16 bytes a call (default 4GiB); beyond it the program "
	 "goes on unrecorded",
	 RECORD, SIZE, FIELD(limit_bytes), (uint64_t)1 << 46, false},
	{"stacks", NULL, "with the place in the program that each call came from; slower", RECORD,
	 FLAG, FIELD(stacks), 0, false},
	{"names", NULL, "with the name and the arguments of each program", RECORD, FLAG,
	 FIELD(names), 0, false},
	{"quiet", NULL, "say nothing but what went wrong", RECORD, FLAG, FIELD(quiet), 0, false},
	{"help", NULL, "this text", ALL | RECORD, FLAG, FIELD(help), 0, true},
};

enum {
	OPTION_COUNT = sizeof option_rows / sizeof *option_rows
};

/* A word that is none of them has no options. */
static const struct verb_row *verb_row(const char *verb)
{
	static const struct verb_row none = {"", NULL, 0, 0};

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].name, verb) == 0)
			return &verbs[i];
	return &none;
}

static unsigned verb_bit(const char *verb)
{
	return verb_row(verb)->bit;
}

const char *arguments_words(const char *verb)
{
	const char *words = verb_row(verb)->words;

	return words == NULL ? "" : words;
}

void arguments_help(const char *verb, FILE *stream)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char left[64];

		if ((option_rows[i].verbs & verb_bit(verb)) == 0)
			continue;
		(void)snprintf(left, sizeof left, "--%s %s", option_rows[i].name,
			       option_rows[i].value == NULL ? "" : option_rows[i].value);
		(void)fprintf(stream, "  %-24s%s%s\n", left,
			      strlen(left) > 24 ? "\n                           " : " ",
			      option_rows[i].help);
	}
}

void arguments_list(const char *verb, FILE *stream)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if ((option_rows[i].verbs & verb_bit(verb)) != 0)
			(void)fprintf(stream, "%s\t--%s\t%s\t%s\n", verb, option_rows[i].name,
				      option_rows[i].value == NULL ? "" : option_rows[i].value,
				      option_rows[i].help);
}

static bool store_number(const struct option_row *row, const char *text, uint64_t *value,
			 struct error *error)
{
	char what[32];

	(void)snprintf(what, sizeof what, "--%s", row->name);
	if (!(row->kind == COUNT  ? parse_count
	      : row->kind == SIZE ? parse_size
				  : parse_seed)(text, what, value, error))
		return false;
	if (*value > row->most)
		return error_set(error, "%s: '%s' is too large; the most is %llu", what, text,
				 (unsigned long long)row->most);
	return true;
}

static bool store(const struct option_row *row, const char *text, struct arguments *arguments,
		  struct error *error)
{
	void *field = (char *)arguments + row->field;
	struct texts *texts = field;
	struct number *number = field;

	switch (row->kind) {
	case FLAG:
		*(bool *)field = true;
		return true;
	case FOLDER:
		if (*text == '\0')
			return error_set(error, "--%s: the folder's name is empty", row->name);
		/* fall through */
	case TEXT:
		*(const char **)field = text;
		return true;
	case TEXTS:
		if (texts->count == sizeof texts->items / sizeof *texts->items)
			return error_set(error, "--%s: more than %zu of them", row->name,
					 texts->count);
		texts->items[texts->count++] = text;
		return true;
	case COUNT:
	case SIZE:
		return store_number(row, text, field, error);
	case NUMBER:
		number->given = true;
		return store_number(row, text, &number->value, error);
	}
	return false;
}

static bool unknown_option(const char *verb, const char *word, struct error *error)
{
	const char *names[OPTION_COUNT + 1] = {NULL};
	size_t count = 0;
	char name[128];
	const char *nearest;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if ((option_rows[i].verbs & verb_bit(verb)) != 0)
			names[count++] = option_rows[i].name;
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

/* An option as getopt_long has read it: is it one of this verb, whole, and with a good value? */
static bool take(const struct option_row *row, char **argv, struct arguments *arguments,
		 struct error *error)
{
	/* getopt_long takes shortened names, whose meaning would change with every option that is
	 * added; and what was asked for is recorded by name. */
	if (strcspn(option_word(argv) + 2, "=") != strlen(row->name))
		return unknown_option(argv[0], option_word(argv), error);
	if ((row->verbs & verb_bit(argv[0])) == 0 &&
	    ((row->verbs & ALSO_PLAN) == 0 || verb_bit(argv[0]) != PLAN))
		return error_set(error, "growbench %s takes no --%s; --help shows what it takes",
				 argv[0], row->name);
	return store(row, optarg, arguments, error);
}

/* The options as getopt_long takes them. The first of a name counts: those of the verb. */
static void fill_options(const char *verb, struct option long_options[OPTION_COUNT + 1])
{
	struct option *next = long_options;

	for (int own = 1; own >= 0; own--)
		for (int i = 0; i < OPTION_COUNT; i++) {
			if (((option_rows[i].verbs & verb_bit(verb)) != 0) != (own == 1))
				continue;
			next->name = option_rows[i].name;
			next->has_arg =
				option_rows[i].value == NULL ? no_argument : required_argument;
			next->val = 256 + i;
			next++;
		}
}

/* -o is --out where the words are a command, as of a compiler. */
static bool take_short(char **argv, struct arguments *arguments, struct error *error)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if ((option_rows[i].verbs & verb_bit(argv[0])) != 0 &&
		    strcmp(option_rows[i].name, "out") == 0)
			return store(&option_rows[i], optarg, arguments, error);
	return false;
}

static bool parse_words(int argc, char **argv, struct arguments *arguments, struct error *error)
{
	struct option long_options[OPTION_COUNT + 1] = {{NULL, 0, NULL, 0}};
	char short_option[] = "-?"; /* there are none, and getopt is still in its word */
	const char *chosen = NULL;  /* an option that says what to run */
	const bool takes_command = verb_row(argv[0])->most_words == INT_MAX;
	int option;

	fill_options(argv[0], long_options);
	opterr = 0;
	/* 0: forget an earlier command line altogether. */
	optind = 0;
	/* ':' tells a missing value from an unknown option, '+' ends with the first word. */
	while ((option = getopt_long(argc, argv, takes_command ? "+:o:" : ":", long_options,
				     NULL)) != -1) {
		short_option[1] = (char)optopt;
		if (option == ':')
			return error_set(error, "%s needs a value; --help shows which",
					 argv[optind - 1]);
		if (option == '?' && optopt >= 256)
			return error_set(error, "--%s takes no value",
					 option_rows[optopt - 256].name);
		if (option == '?')
			return unknown_option(argv[0],
					      optopt != 0 ? short_option : argv[optind - 1], error);
		if (option == 'o') {
			if (!take_short(argv, arguments, error))
				return false;
			continue;
		}
		if (!take(&option_rows[option - 256], argv, arguments, error))
			return false;
		if (!option_rows[option - 256].goes_with_resume)
			chosen = option_rows[option - 256].name;
	}
	if (arguments->resume != NULL && chosen != NULL)
		return error_set(error,
				 "--resume goes on with the run's own options; leave out --%s",
				 chosen);
	arguments->words = argv + optind;
	if (argc - optind > verb_row(argv[0])->most_words)
		return error_set(error, "'%s' is one word too many; --help shows the options",
				 argv[optind + verb_row(argv[0])->most_words]);
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

bool arguments_parse(int argc, char **argv, struct arguments *arguments, struct error *error)
{
	memset(arguments, 0, sizeof *arguments);
	/* A command's words are the program's own affair, and kept nowhere. */
	return (verb_row(argv[0])->most_words == INT_MAX || check_text(argc, argv, error)) &&
	       parse_words(argc, argv, arguments, error);
}
