#include <stdio.h>

#include "harness/runner/commands/command.h"
#include "harness/runner/execute/begin.h"
#include "harness/runner/execute/resume.h"

static int run(const struct request *request)
{
	struct error error = {""};
	enum exit_status status = request->given.resume != NULL ? run_resume(request, &error)
								: run_new(request, &error);

	if (error.text[0] != '\0')
		(void)fprintf(stderr, "growbench: %s\n", error.text);
	return (int)status;
}

const struct command command_run = {
	.name = "run",
	.run = run,
	.help = "measure, and write runs.csv, summary.csv and machine.json",
	.examples =
		"  growbench run --preset quick\n"
		"  growbench run --strategies realloc_doubling,realloc_x1.5 --rows 1k,10k,100k\n"
		"  growbench run --allocator mine=/opt/lib/libmine.so --allocators glibc,mine\n"
		"  growbench run --allocator lazy=jemalloc,MALLOC_CONF=dirty_decay_ms:-1\n"
		"  growbench run --allocator old=glibc@../before/build --allocators old,glibc\n"
		"  growbench run --resume results/my-run\n",
};
