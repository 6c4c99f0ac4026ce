#include "harness/runner/request/environment.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/runner/request/allocators.h"

#define WORKER_KIT "libgrowbench-worker.so"

/* Variables of ours that a worker gets as they are; allocator_variable() names the others. QEMU's
 * say what machine it emulates, which has to be ours. */
static bool passes_to_worker(const char *entry)
{
	static const char *const names[] = {
		"PATH=",
		"LD_LIBRARY_PATH=",
		"ASAN_OPTIONS=",
		"UBSAN_OPTIONS=",
		"LSAN_OPTIONS=",
		"TSAN_OPTIONS=",
		"GROWBENCH_TRACE_",
		"QEMU_",
		NULL,
	};

	for (const char *const *name = names; *name != NULL; name++)
		if (strncmp(entry, *name, strlen(*name)) == 0)
			return true;
	return allocator_variable(entry);
}

/* "GROWBENCH_WORKER_KIT=" and the library for workers in other languages, which lies beside this
 * program; malloc'ed. */
static char *worker_kit(void)
{
	char program[PATH_MAX];
	char entry[PATH_MAX + 64];
	ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

	program[length < 0 ? 0 : length] = '\0';
	if (strrchr(program, '/') != NULL)
		*strrchr(program, '/') = '\0';
	(void)snprintf(entry, sizeof entry, "GROWBENCH_WORKER_KIT=%s/" WORKER_KIT, program);
	return strdup(entry);
}

char **environment_for_workers(size_t *count)
{
	size_t most = 4;
	size_t used = 0;
	char **environment;

	for (char **entry = environ; *entry != NULL; entry++)
		most++;
	environment = calloc(most, sizeof *environment);
	if (environment == NULL)
		return NULL;
	for (char **entry = environ; *entry != NULL; entry++)
		if (passes_to_worker(*entry))
			environment[used++] = strdup(*entry);
	environment[used++] = strdup("LC_ALL=C");
	/* GLib before 2.76 has an allocator of its own for small structures, which would stand
	 * between its arrays and malloc. */
	environment[used++] = strdup("G_SLICE=always-malloc");
	environment[used++] = worker_kit();
	*count = used;
	return environment;
}

void environment_free(char **environment)
{
	for (char **entry = environment; entry != NULL && *entry != NULL; entry++)
		free(*entry);
	free(environment);
}
