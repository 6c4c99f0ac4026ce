/* The presets: named sets of defaults, each a row. */
#include <stddef.h>

#include "harness/runner/request/presets.h"

#define COMPILED "c,cpp,glib,uthash"
#define ALL_IMPLEMENTATIONS COMPILED ",numpy,python"
/* The article's two ways: of programs that take long to start, these answer the question. */
#define ARTICLE_STRATEGIES "loop_and_append,preallocate_zeroed"
#define FACTOR_STRATEGIES                                                                   \
	"realloc_factor:1.125,realloc_factor:1.25,realloc_factor:1.5,realloc_factor:1.618," \
	"realloc_factor:2,realloc_factor:3,realloc_cpython,realloc_go,realloc_folly"

const struct preset presets[] = {
	{
		.name = "quick",
		.help = "a first look, no intervals: strategies in C, 3 sizes, 2 rounds, half a "
			"minute",
		.implementations = "c",
		.rows = "100,1000,10000",
		.rounds = 2,
		.budget_s = 20,
		.timeout_s = 30,
		.passes = "measure,trace",
	},
	{
		.name = "default",
		.help = "6 sizes to 8 MB of payload, 6 rounds, up to 12 where intervals are wide, "
			"under 5 minutes; NumPy and Python at fewer sizes",
		.implementations = ALL_IMPLEMENTATIONS,
		.slow_strategies = ARTICLE_STRATEGIES,
		.slow_rows = "1000,3000",
		.rows = "100,1000,3000,10000,30000,100000",
		/* The fewest with an interval that holds the median in 95%. */
		.rounds = 6,
		.extra_rounds = 3,
		.warm_limit_s = 1,
		.budget_s = 290,
		.always_article = true,
		.passes = "measure,trace,latency,probe,instructions",
		.timeline = "10000",
		.instruction_rows = "10000",
	},
	{
		.name = "full",
		.help = "rows to 10^8, rows of 8 to 8,000 bytes, 1 and 2 threads: many hours",
		.implementations = ALL_IMPLEMENTATIONS,
		.rows = "10,100,1000,10000,100000,1000000,10000000,100000000",
		.row_bytes = "8,80,800,8000",
		.threads = "1,2",
		.rounds = 10,
		.budget_s = 86400,
		.timeout_s = 600,
		.always_article = true,
		.passes = "measure,trace,latency,probe",
		.timeline = "10000,1000000",
		.latency_rounds = 6,
	},
	{
		.name = "article",
		.help = "the article's two ways at its size, in NumPy and C, rows random as there: "
			"under 2 minutes",
		.implementations = "c,numpy",
		.strategies = ARTICLE_STRATEGIES,
		.rows = "10000",
		.work = ROW_WORK_RANDOM,
		.rounds = 6,
		.warm_limit_s = 1,
		.is_short = true,
		.budget_s = 100,
		.always_article = true,
		.passes = "measure,trace,probe",
	},
	{
		.name = "patterns",
		.help = "copying patterns in C and NumPy: views and copies, transposes, reshapes, "
			"reductions",
		.implementations = "c,numpy",
		.allocators = "glibc,jemalloc",
		.shapes = "64x512,256x2048,1024x8192,4096x32768,1000x80,10000x80,100000x80,"
			  "1000000x80,100000x16,100000x32,100000x64,100000x128,100000x512",
		.patterns = true,
		.rounds = 6,
		.budget_s = 600,
		.passes = "pattern,trace,probe",
	},
	{
		.name = "factors",
		.help = "growth factors from 1.125 to 3, and the rules of CPython, Go and folly, 6 "
			"sizes to 40 MB: is it 1.5 or 2? under 5 minutes",
		.implementations = "c",
		.strategies = FACTOR_STRATEGIES,
		/* Four over one doubling, so that where a size lies between two capacities evens
		 * out; one below the sizes from which glibc maps blocks, and one above 32 MiB, up
		 * to which that limit may go. */
		.rows = "1000,7000,8400,10000,12000,500000",
		/* The fewest whose interval leaves out the smallest and the largest. */
		.rounds = 9,
		.warm_limit_s = 1,
		.budget_s = 270,
		.always_article = true,
		.passes = "measure,trace,instructions,probe",
		.instruction_rows = "10000",
		.answer = "factors",
	},
	{
		.name = "exact",
		.help = "what no clock can disturb: instructions and the trace of what is "
			"compiled, 2 sizes",
		.implementations = COMPILED,
		.rows = "1000,10000",
		.rounds = 1,
		.budget_s = 30,
		.passes = "trace,instructions",
	},
	{
		.name = "shapes",
		.help = "other ways to grow than at the end of one array: lines, insertions, "
			"stacks, arrays side by side; on fresh and aged heaps",
		.implementations = "c",
		.strategies = "realloc_doubling,append_many:64,array_of_arrays:16,"
			      "arrays_in_turn:1,arrays_in_turn:2,arrays_in_turn:8,"
			      "arrays_in_turn:64,arrays_in_turn_nodes:8,grow_and_shrink,"
			      "insert_middle,prepend,text_lines:source,text_lines:uniform",
		.rows = "10000,100000",
		.aged = 1,
		.rounds = 6,
		.warm_limit_s = 1,
		.budget_s = 290,
		.passes = "measure,trace,probe",
	},
	{.name = NULL},
};
