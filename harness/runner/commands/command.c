#include "harness/runner/commands/command.h"

#include <stdio.h>

int usage_error(const struct error *error)
{
	(void)fprintf(stderr, "growbench: %s\n", error->text);
	return EXIT_USAGE;
}

int finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	(void)fprintf(stderr, "growbench: standard output cannot be written\n");
	return EXIT_FAILED;
}
