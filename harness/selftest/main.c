/*
 * growbench-known-worker - a worker with strategies whose cost is known beforehand (known.h), and a
 * check of the clock, for growbench selftest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/selftest/clock_check.h"
#include "harness/selftest/known.h"
#include "harness/worker/command.h"
#include "harness/worker/measure.h"

#define SLOWER "GROWBENCH_SLOWER"

enum {
	EXIT_USAGE = 2,
	MOST_PERCENT = 1000,
	MOST_EVERY = 1000
};

static const struct strategy *const known[] = {
	&known_nothing, &known_fresh_pages, &known_watched_reallocs, &known_slowed_doubling, NULL,
};

static const struct worker_program program = {
	.name = "growbench-known-worker",
	.tables = {known},
};

static const char help[] =
	"Strategies whose cost is known beforehand, for make selftest.\n"
	"\n"
	"  growbench-known-worker PASS ...   as growbench-worker --help says\n"
	"  growbench-known-worker clock CPU  what the clock is like, seen from that CPU: lines of\n"
	"                                    a name and a figure\n"
	"\n"
	"With the environment variable " SLOWER "=PERCENT slowed_doubling takes so much longer,\n"
	"with " SLOWER "=PERCENT/N one build in N.\n"
	"\n"
	"Exit status: 0 done, 1 it could not be, 2 wrong usage.\n";

static int fail(const char *message, int status)
{
	(void)fprintf(stderr, "%s: %s\n", program.name, message);
	return status;
}

static int command_clock(const char *cpu)
{
	struct clock_check check;
	struct error error;

	if (!measure_pin(cpu, &error))
		return fail(error.text, EXIT_USAGE);
	if (!clock_check(&check, &error))
		return fail(error.text, EXIT_FAILURE);
	(void)printf("reading_ns %.1f\nstep_ns %" PRIu64 "\nbackwards_ns %" PRIu64
		     "\nmove_count %" PRIu64 "\ncpu_count %u\nblind_ns %" PRIu64
		     "\nrate %.9f\nlost_share %.6f\nlongest_stop_ns %" PRIu64 "\n",
		     check.reading_ns, check.step_ns, check.backwards_ns, check.move_count,
		     check.cpu_count, check.blind_ns, check.rate, check.lost_share,
		     check.longest_stop_ns);
	return fflush(stdout) == 0 ? EXIT_SUCCESS
				   : fail("standard output cannot be written", EXIT_FAILURE);
}

/* What the environment asks for; false if it is neither a percentage nor PERCENT/N. */
static bool slow_down(void)
{
	const char *const text = getenv(SLOWER);
	char *end;
	unsigned long percent;
	unsigned long every = 1;

	if (text == NULL)
		return true;
	percent = strtoul(text, &end, 10);
	if (end == text || percent > MOST_PERCENT)
		return false;
	if (*end == '/')
		every = strtoul(end + 1, &end, 10);
	if (*end != '\0' || every == 0 || every > MOST_EVERY)
		return false;
	known_slow_down((unsigned)percent, (unsigned)every);
	return true;
}

int main(int argc, char **argv)
{
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		(void)fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (argc == 3 && strcmp(argv[1], "clock") == 0)
		return command_clock(argv[2]);
	if (!slow_down())
		return fail(SLOWER " is no percentage from 0 to 1000, nor such a one and /N",
			    EXIT_USAGE);
	return worker_command(&program, argc, argv);
}
