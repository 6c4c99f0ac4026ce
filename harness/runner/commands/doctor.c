#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/runner/commands/command.h"
#include "harness/runner/commands/side.h"
#include "harness/runner/execute/check.h"
#include "harness/runner/machine/machine.h"
#include "harness/runner/process/interrupts.h"

static void print_allocator_check(const struct allocator *allocator,
				  const struct allocator_check *check)
{
	if (strcmp(check->status, "ok") != 0) {
		(void)printf("  %-12s %s: %s\n", allocator->name, check->status, check->detail);
		return;
	}
	(void)printf("  %-12s ok: version %s, build-id %.16s, %s\n", allocator->name,
		     check->version[0] == '\0' ? "unknown" : check->version,
		     check->build_id[0] == '\0' ? "none" : check->build_id,
		     allocator->expected_path);
	if (allocator->worker != NULL)
		(void)printf("  %-12s measured with %s, build-id %.16s\n", "", allocator->worker,
			     check->worker_build_id[0] == '\0' ? "none" : check->worker_build_id);
	if (check->resolution_known)
		(void)printf("  %-12s peak memory is read within %" PRIu64 " KiB\n", "",
			     check->resolution_bytes / 1024);
	else
		(void)printf("  %-12s peak memory cannot be read: %s\n", "", check->detail);
	if (check->untraced[0] != '\0')
		(void)printf("  %-12s cannot be traced: %s\n", "", check->untraced);
	else
		(void)printf("  %-12s can be traced%s%s\n", "",
			     check->syscalls_unavailable[0] == '\0'
				     ? ", its system calls too"
				     : ", but not its system calls: ",
			     check->syscalls_unavailable);
}

static void print_probe(const char *what, const char *why_not, void *data)
{
	(void)data;
	(void)printf("  %-52s %s%s\n", what,
		     why_not == NULL ? "works" : "not here: ", why_not == NULL ? "" : why_not);
}

static void print_machine(const struct topology *topology)
{
	char id[96];

	machine_id(topology, id, sizeof id);
	(void)printf("Machine:\n  %s: %u cores, %u CPUs (%u allowed), %" PRIu64 " MiB of memory\n",
		     id, topology->cores, topology->cpus, topology->allowed,
		     topology->memory_bytes >> 20);
	for (size_t i = 0; i < topology->cache_count; i++)
		(void)printf("  L%u%c cache: %" PRIu64 " KiB, shared by %u CPU%s\n",
			     topology->caches[i].level, topology->caches[i].type,
			     topology->caches[i].bytes / 1024, topology->caches[i].shared_by,
			     topology->caches[i].shared_by == 1 ? "" : "s");
	if (topology->worker_cpu_count > 0)
		(void)printf("  workers run on CPU %u; a worker may use %" PRIu64 " MB\n",
			     topology->worker_cpus[0], machine_memory_bytes() / 1000000);
}

static int run(const struct request *request)
{
	g_auto(GStrv) warnings = NULL;
	struct bench_side side;
	struct error error;
	size_t bad = 0;

	if (!side_init(&side, request, &error))
		return usage_error(&error);
	print_machine(&side.topology);
	(void)puts("\nAllocators, each as a worker found it:");
	for (size_t i = 0; i < request->allocator_count && interrupts == 0; i++) {
		struct allocator_check check = check_allocator(&side.pool, &request->allocators[i]);

		if (strcmp(check.status, "ok") == 0)
			check_trace(&side.pool, &request->allocators[i], &check);
		print_allocator_check(&request->allocators[i], &check);
		bad += strcmp(check.status, "ok") != 0;
	}
	if (interrupts > 0) {
		worker_pool_release(&side.pool);
		return EXIT_INTERRUPTED;
	}
	(void)puts("\nProbes:");
	machine_probes(print_probe, NULL);
	(void)puts("\nWhat will make figures noisy:");
	warnings = machine_warnings(&side.topology);
	for (char **warning = warnings; *warning != NULL; warning++)
		(void)printf("  %s\n", *warning);
	if (*warnings == NULL)
		(void)puts("  nothing that could be seen");
	worker_pool_release(&side.pool);
	if (finish_output() != EXIT_DONE)
		return EXIT_FAILED;
	return bad > 0 ? EXIT_WORKERS : EXIT_DONE;
}

const struct command command_doctor = {
	.name = "doctor",
	.run = run,
	.help = "which allocators were found, and what makes figures noisy here",
	.examples = "  growbench doctor\n  growbench doctor --allocator mine=/opt/lib/libmine.so\n",
};
