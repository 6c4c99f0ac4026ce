#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/runner/commands/command.h"
#include "harness/runner/commands/side.h"
#include "harness/runner/execute/callgrind.h"
#include "harness/runner/execute/check.h"
#include "harness/runner/execute/host.h"
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
	if (check->uncounted[0] != '\0')
		(void)printf("  %-12s its instructions cannot be counted: %s\n", "",
			     check->uncounted);
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

/* A fact of machine.json in words, for g_free. */
static char *fact(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_string(value))
		return g_strdup(json_string_value(value));
	return json_is_integer(value)
		       ? g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
		       : g_strdup("not known");
}

/* A tunable that the loader prints as "0x840", in decimal. */
static char *tunable(const json_t *tunables, const char *name)
{
	const char *value = json_string_value(json_object_get(tunables, name));

	return value == NULL ? g_strdup("not known")
			     : g_strdup_printf("%" PRIu64, g_ascii_strtoull(value, NULL, 0));
}

/* What decides on the speed of the workers' CPU. */
static void print_cpu(const struct topology *topology)
{
	json_t *described = machine_describe(topology);
	const json_t *machine = json_object_get(described, "machine");
	const json_t *system = json_object_get(described, "system");
	const json_t *tunables = json_object_get(system, "glibc_tunables");
	g_autofree char *siblings = fact(machine, "worker_cpu_siblings");
	g_autofree char *node = fact(machine, "worker_cpu_numa_node");
	g_autofree char *kind = fact(machine, "worker_cpu_kind");
	g_autofree char *hypervisor = fact(machine, "hypervisor_signature");
	g_autofree char *level = fact(system, "isa_level");
	g_autofree char *policy = fact(system, "memory_policy");
	g_autofree char *streamed = tunable(tunables, "cpu.x86_non_temporal_threshold");
	g_autofree char *repeated = tunable(tunables, "cpu.x86_rep_movsb_threshold");

	(void)printf("  its core has CPUs %s; kind of core %s, NUMA node %s, memory policy %s, "
		     "hypervisor %s\n",
		     siblings, kind, node, policy, hypervisor);
	(void)printf("  glibc: level %s, non-temporal copies from %s bytes, rep movsb from %s\n",
		     level, streamed, repeated);
	json_decref(described);
}

static void print_prices(struct bench_side *side, const struct request *request)
{
	struct host host = host_init(&side->topology, request, NULL);
	g_autofree char *text = NULL;

	(void)host_look(&host, HOST_START, &side->pool);
	text = host_text(&host);
	(void)printf("  prices: %s\n", text);
}

/* What the allocators showed. */
struct found {
	struct valgrind valgrind;
	size_t bad;
	bool is_any_ok;
	bool is_counted;     /* under any of them */
	char uncounted[700]; /* why not, under the first that is ok */
};

static void look_at_allocator(struct bench_side *side, const struct allocator *allocator,
			      struct found *found)
{
	struct allocator_check check = check_allocator(&side->pool, allocator);

	if (strcmp(check.status, "ok") == 0) {
		check_trace(&side->pool, allocator, &check);
		if (found->valgrind.path != NULL)
			check_counting(&side->pool, allocator, &check);
		found->is_counted |= check.uncounted[0] == '\0';
		if (!found->is_any_ok)
			memcpy(found->uncounted, check.uncounted, sizeof found->uncounted);
		found->is_any_ok = true;
	}
	print_allocator_check(allocator, &check);
	found->bad += strcmp(check.status, "ok") != 0;
}

/* Can instructions be counted without the processor? */
static void print_counter(const struct found *found)
{
	const char *no_valgrind = found->valgrind.path == NULL ? found->valgrind.why_not.text
				  : !found->is_any_ok          ? "no allocator is ok"
				  : found->is_counted          ? NULL
							       : found->uncounted;

	print_probe("instructions counted by Valgrind", no_valgrind, NULL);
}

static int run(const struct request *request)
{
	g_auto(GStrv) warnings = NULL;
	struct bench_side side;
	struct error error;
	struct found found = {.is_any_ok = false};

	if (!side_init(&side, request, &error))
		return usage_error(&error);
	print_machine(&side.topology);
	print_cpu(&side.topology);
	print_prices(&side, request);
	(void)puts("\nAllocators, each as a worker found it:");
	found.valgrind = valgrind_find();
	side.pool.valgrind = found.valgrind.path;
	for (size_t i = 0; i < request->allocator_count && interrupts == 0; i++)
		look_at_allocator(&side, &request->allocators[i], &found);
	if (interrupts > 0) {
		valgrind_release(&found.valgrind);
		worker_pool_release(&side.pool);
		return EXIT_INTERRUPTED;
	}
	(void)puts("\nProbes:");
	machine_probes(print_probe, NULL);
	print_counter(&found);
	valgrind_release(&found.valgrind);
	(void)puts("\nWhat will make figures noisy:");
	warnings = machine_warnings(&side.topology);
	for (char **warning = warnings; *warning != NULL; warning++)
		(void)printf("  %s\n", *warning);
	if (*warnings == NULL)
		(void)puts("  nothing that could be seen");
	worker_pool_release(&side.pool);
	if (finish_output() != EXIT_DONE)
		return EXIT_FAILED;
	return found.bad > 0 ? EXIT_WORKERS : EXIT_DONE;
}

const struct command command_doctor = {
	.name = "doctor",
	.run = run,
	.help = "which allocators were found, and what makes figures noisy here",
	.examples = "  growbench doctor\n  growbench doctor --allocator mine=/opt/lib/libmine.so\n",
};
