/*
 * sleeping-worker - says that it does nothing, and sleeps. For harness/tests/test_selftest.py.
 */
#include <time.h>

#include "harness/selftest/known.h"
#include "harness/worker/command.h"

static enum build_status sleep_and_build(struct array *array, size_t rows,
					 struct row_source *source)
{
	const struct timespec time = {.tv_nsec = 20 * 1000};

	(void)nanosleep(&time, NULL);
	return known_nothing.build(array, rows, source);
}

int main(int argc, char **argv)
{
	static struct strategy sleeping;
	static const struct strategy *const table[] = {&sleeping, NULL};
	static const struct worker_program program = {.name = "sleeping-worker", .tables = {table}};

	sleeping = known_nothing;
	sleeping.build = sleep_and_build;
	return worker_command(&program, argc, argv);
}
