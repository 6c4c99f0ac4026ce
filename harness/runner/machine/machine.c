#include "harness/runner/machine/machine.h"

#include <ctype.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <glib.h>
#include <gnu/libc-version.h>
#include <hwloc.h>

#include "build_info.h"
#include "harness/common/emulator.h"
#include "harness/common/text.h"
#include "harness/runner/machine/cgroup.h"
#include "harness/runner/machine/cpu.h"
#include "harness/runner/machine/facts.h"
#include "harness/runner/machine/loader.h"
#include "harness/shim/bench.h"

static const struct fact machine_facts[] = {
	{"cpu_model", "/proc/cpuinfo", "model name"},
	{"cpu_vendor", "/proc/cpuinfo", "vendor_id|CPU implementer"},
	{"cpu_family", "/proc/cpuinfo", "cpu family|CPU architecture"},
	{"cpu_model_number", "/proc/cpuinfo", "model|CPU part"},
	{"cpu_variant", "/proc/cpuinfo", "CPU variant"},
	{"cpu_stepping", "/proc/cpuinfo", "stepping|CPU revision"},
	{"cpu_microcode", "/proc/cpuinfo", "microcode"},
	{"cpu_max_khz", "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", NULL},
	{"vendor", "/sys/class/dmi/id/sys_vendor", NULL},
	{"product", "/sys/class/dmi/id/product_name", NULL},
	{"hypervisor", "/sys/hypervisor/type", NULL},
	{NULL, NULL, NULL},
};

static const struct fact system_facts[] = {
	{"os", "/etc/os-release", "PRETTY_NAME"},
	{"governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", NULL},
	{"frequency_driver", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", NULL},
	{"turbo_off_intel", "/sys/devices/system/cpu/intel_pstate/no_turbo", NULL},
	{"turbo_on", "/sys/devices/system/cpu/cpufreq/boost", NULL},
	{"smt_active", "/sys/devices/system/cpu/smt/active", NULL},
	{"isolated_cpus", "/sys/devices/system/cpu/isolated", NULL},
	{"clock_source", "/sys/devices/system/clocksource/clocksource0/current_clocksource", NULL},
	{"thp_enabled", "/sys/kernel/mm/transparent_hugepage/enabled", NULL},
	{"thp_defrag", "/sys/kernel/mm/transparent_hugepage/defrag", NULL},
	{"thp_shmem_enabled", "/sys/kernel/mm/transparent_hugepage/shmem_enabled", NULL},
	{"aslr", "/proc/sys/kernel/randomize_va_space", NULL},
	{"overcommit_memory", "/proc/sys/vm/overcommit_memory", NULL},
	{"overcommit_ratio", "/proc/sys/vm/overcommit_ratio", NULL},
	{"max_map_count", "/proc/sys/vm/max_map_count", NULL},
	{"swappiness", "/proc/sys/vm/swappiness", NULL},
	{"swap_total", "/proc/meminfo", "SwapTotal"},
	{"numa_balancing", "/proc/sys/kernel/numa_balancing", NULL},
	{"perf_event_paranoid", "/proc/sys/kernel/perf_event_paranoid", NULL},
	{NULL, NULL, NULL},
};

/* An object with the contents of all files that match, each under its name after `skip` folders
 * from the end: .../hugepages-2048kB/enabled is "hugepages-2048kB" for skip 1. */
static json_t *read_matches(const char *pattern, unsigned skip)
{
	json_t *object = json_object();
	glob_t matches;

	if (glob(pattern, 0, NULL, &matches) == 0) {
		for (size_t i = 0; i < matches.gl_pathc; i++) {
			g_autofree char *text = facts_file(matches.gl_pathv[i]);
			g_auto(GStrv) parts = g_strsplit(matches.gl_pathv[i], "/", -1);

			if (text != NULL)
				(void)json_object_set_new(object,
							  parts[g_strv_length(parts) - 1 - skip],
							  json_string(text));
		}
	}
	globfree(&matches);
	return object;
}

/* The parameters of the kernel that change timing: all others may name hosts or disks. */
static json_t *kernel_parameters(void)
{
	static const char names[] =
		"mitigations,isolcpus,nohz,nohz_full,rcu_nocbs,nosmt,"
		"transparent_hugepage,hugepages,hugepagesz,default_hugepagesz,idle,"
		"processor.max_cstate,intel_idle.max_cstate,intel_pstate,amd_pstate,"
		"cpufreq.default_governor,clocksource,tsc,numa_balancing,preempt,"
		"maxcpus,nr_cpus,nopti,pti,spectre_v2,spec_store_bypass_disable,"
		"nokaslr,norandmaps,init_on_alloc,init_on_free,page_poison,slub_debug,"
		"cgroup_disable,psi,swapaccount";
	g_autofree char *text = facts_file("/proc/cmdline");
	g_auto(GStrv) words = g_strsplit(text == NULL ? "" : text, " ", -1);
	json_t *array = json_array();

	for (char **word = words; *word != NULL; word++) {
		g_autofree char *name = g_strndup(*word, strcspn(*word, "="));

		if (is_in_list(name, names))
			(void)json_array_append_new(array, json_string(*word));
	}
	return array;
}

static json_t *limit(int resource)
{
	struct rlimit value;

	if (getrlimit(resource, &value) != 0 || value.rlim_cur == RLIM_INFINITY)
		return json_string("unlimited");
	return json_integer((json_int_t)value.rlim_cur);
}

static json_t *describe_caches(const struct topology *topology)
{
	json_t *array = json_array();

	for (size_t i = 0; i < topology->cache_count; i++) {
		const struct topology_cache *cache = &topology->caches[i];
		const char *type = cache->type == 'i'   ? "instruction"
				   : cache->type == 'd' ? "data"
							: "unified";

		(void)json_array_append_new(
			array,
			json_pack("{s:i, s:s, s:I, s:i, s:i}", "level", (int)cache->level, "type",
				  type, "bytes", (json_int_t)cache->bytes, "line_bytes",
				  (int)cache->line_bytes, "shared_by_cpus", (int)cache->shared_by));
	}
	return array;
}

static json_t *describe_machine(const struct topology *topology, json_t *absent)
{
	g_autofree char *flags = facts_line("/proc/cpuinfo", "flags");
	struct utsname names;
	char emulator[PATH_MAX];
	json_t *machine;

	(void)uname(&names);
	machine =
		json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:I, s:o}", "architecture", names.machine,
			  "packages", (int)topology->packages, "cores", (int)topology->cores,
			  "cpus", (int)topology->cpus, "allowed_cpus", (int)topology->allowed,
			  "numa_nodes", (int)topology->numa_nodes, "memory_bytes",
			  (json_int_t)topology->memory_bytes, "caches", describe_caches(topology));
	facts_add(machine, absent, machine_facts);
	facts_set(machine, absent, "emulator",
		  emulator_find(emulator, sizeof emulator) ? json_string(emulator) : NULL,
		  "the processor itself runs the programs");
	facts_set(machine, absent, "virtual_machine",
		  flags == NULL ? NULL : json_boolean(strstr(flags, "hypervisor") != NULL),
		  "/proc/cpuinfo has no line flags");
	cpu_facts("", topology->worker_cpu_count > 0 ? topology->worker_cpus[0] : 0, machine,
		  absent);
	return machine;
}

/* As the kernel's files have them. */
static json_t *memory_limit(void)
{
	struct cgroup_memory memory;
	char text[32] = "max";

	cgroup_memory("", &memory);
	if (memory.bytes != UINT64_MAX)
		(void)snprintf(text, sizeof text, "%" PRIu64, memory.bytes);
	return json_string(text);
}

/* What workers inherit of ours. */
static const char *tunables(void)
{
	char **entry = environ;

	while (*entry != NULL && !g_str_has_prefix(*entry, "GLIBC_TUNABLES="))
		entry++;
	return *entry;
}

static void add_limits(json_t *system, json_t *absent)
{
	uint64_t value;
	char quota[64];

	facts_set(system, absent, "cgroup_cpu_max",
		  cgroup_cpu_quota("", &value, quota, sizeof quota) ? json_string(quota) : NULL,
		  "no control group has cpu.max or cpu.cfs_quota_us here");
	facts_set(system, absent, "cgroup_cpu_burst_us",
		  cgroup_cpu_burst("", &value) ? json_integer((json_int_t)value) : NULL,
		  "no control group has cpu.max.burst or cpu.cfs_burst_us here");
}

static json_t *describe_system(json_t *absent)
{
	struct utsname names;
	json_t *system;

	(void)uname(&names);
	system = json_pack("{s:s, s:s, s:o, s:s, s:I, s:o, s:o, s:o}", "kernel", names.release,
			   "kernel_version", names.version, "kernel_parameters",
			   kernel_parameters(), "libc", gnu_get_libc_version(), "page_bytes",
			   (json_int_t)sysconf(_SC_PAGESIZE), "limit_address_space_bytes",
			   limit(RLIMIT_AS), "limit_stack_bytes", limit(RLIMIT_STACK),
			   "cgroup_memory_max", memory_limit());
	facts_add(system, absent, system_facts);
	add_limits(system, absent);
	cpu_memory_policy(system, absent);
	loader_facts(tunables(), system, absent);
	/* What a parent may have asked for: then the settings do not matter. */
	(void)json_object_set_new(system, "thp_disabled",
				  json_boolean(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1));
	(void)json_object_set_new(
		system, "thp_sizes",
		read_matches("/sys/kernel/mm/transparent_hugepage/hugepages-*/enabled", 1));
	(void)json_object_set_new(system, "hugetlb_pages",
				  read_matches("/sys/kernel/mm/hugepages/*/nr_hugepages", 1));
	(void)json_object_set_new(system, "mitigations",
				  read_matches("/sys/devices/system/cpu/vulnerabilities/*", 0));
	return system;
}

static json_t *describe_build(void)
{
	struct bench_library library = bench_library_info();
	char hwloc[32];
	unsigned version = hwloc_get_api_version();

	(void)snprintf(hwloc, sizeof hwloc, "%u.%u.%u", version >> 16, version >> 8 & 255,
		       version & 255);
	/* A debug build of the library does not concern the figures: see bench_main(). */
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:o, s:s, s:s}", "growbench_version",
			 GROWBENCH_VERSION, "git_commit", GROWBENCH_GIT_COMMIT, "compiler",
			 GROWBENCH_COMPILER, "build_type", GROWBENCH_BUILD_TYPE, "flags",
			 GROWBENCH_FLAGS, "benchmark_library", library.name,
			 "benchmark_library_version", library.version, "benchmark_library_debug",
			 library.build == BENCH_BUILD_UNKNOWN
				 ? json_null()
				 : json_boolean(library.build == BENCH_BUILD_DEBUG),
			 "hwloc_api", hwloc, "jansson", jansson_version_str());
}

json_t *machine_describe(const struct topology *topology)
{
	json_t *absent = json_object();
	json_t *machine = describe_machine(topology, absent);
	json_t *system = describe_system(absent);

	return json_pack("{s:o, s:o, s:o, s:o}", "machine", machine, "system", system, "build",
			 describe_build(), "absent", absent);
}

json_t *machine_state(void)
{
	json_t *state = json_object();
	json_t *absent = json_object();
	static const struct fact facts[] = {
		{"load", "/proc/loadavg", NULL},
		{"pressure_cpu", "/proc/pressure/cpu", NULL},
		{"pressure_memory", "/proc/pressure/memory", NULL},
		{"pressure_io", "/proc/pressure/io", NULL},
		{"cpu_ticks", "/proc/stat", "cpu"},
		{"memory_available", "/proc/meminfo", "MemAvailable"},
		{"swap_free", "/proc/meminfo", "SwapFree"},
		{NULL, NULL, NULL},
	};

	facts_add(state, absent, facts);
	(void)json_object_set_new(state, "absent", absent);
	return state;
}

/* Fowler, Noll, Vo, 64 bits. */
static uint64_t fnv1a(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

/* Lower-case letters and digits of the model's name, words joined by '-', without what only says
 * that it is a processor. */
static void slug(const char *model, char *text, size_t size)
{
	size_t used = 0;

	while (*model != '\0' && used + 1 < size && used < 28) {
		size_t length = strcspn(model, " -/");
		bool noise = length == 0 || *model == '(' || *model == '@' ||
			     strncmp(model, "CPU", length) == 0 ||
			     strncmp(model, "Processor", length) == 0;

		if (!noise && used > 0)
			text[used++] = '-';
		for (size_t i = 0; i < length && !noise && used + 1 < size; i++) {
			if (model[i] == '(')
				break;
			if (isalnum((unsigned char)model[i]))
				text[used++] = (char)tolower((unsigned char)model[i]);
		}
		model += length + (model[length] != '\0');
	}
	text[used] = '\0';
}

/* The processor's name. arm64 says who made a CPU, and which of his it is, in numbers: "aarch64
 * 0x41 0xd0c". */
static char *model_name(const char *architecture)
{
	char *name = facts_line("/proc/cpuinfo", "model name");
	g_autofree char *maker = facts_line("/proc/cpuinfo", "CPU implementer");
	g_autofree char *part = facts_line("/proc/cpuinfo", "CPU part");

	return name != NULL ? name
			    : g_strdup_printf("%s %s %s", architecture, maker == NULL ? "" : maker,
					      part == NULL ? "" : part);
}

void machine_id(const struct topology *topology, char *text, size_t size)
{
	static const char *const keys[] = {
		"vendor_id|CPU implementer",
		"cpu family|CPU architecture",
		"model|CPU part",
		"model name",
		"stepping|CPU revision",
		NULL,
	};
	const uint64_t gib = (topology->memory_bytes + (UINT64_C(1) << 30) - 1) >> 30;
	g_autofree char *variant = facts_line("/proc/cpuinfo", "CPU variant");
	g_autofree char *name = NULL;
	g_autoptr(GString) facts = g_string_new(NULL);
	struct utsname names;
	char model[64];

	(void)uname(&names);
	g_string_append(facts, names.machine);
	for (const char *const *key = keys; *key != NULL; key++) {
		g_autofree char *value = facts_line("/proc/cpuinfo", *key);

		g_string_append_printf(facts, "|%s", value == NULL ? "" : value);
	}
	g_string_append_printf(facts, "|%u|%u|%" PRIu64 "%s", topology->cores, topology->cpus, gib,
			       variant == NULL ? "" : variant);
	name = model_name(names.machine);
	slug(name, model, sizeof model);
	(void)snprintf(text, size, "%s-%ucpu-%" PRIu64 "gib-%04x", model, topology->cpus, gib,
		       (unsigned)(fnv1a(facts->str) & 0xffff));
}

uint64_t machine_memory_bytes(void)
{
	g_autofree char *available_kib = facts_line("/proc/meminfo", "MemAvailable");
	struct cgroup_memory group;
	struct rlimit address_space;
	uint64_t least;

	cgroup_memory("", &group);
	least = group.bytes;
	if (available_kib != NULL)
		least = MIN(least, strtoull(available_kib, NULL, 10) * 1024);
	if (getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY)
		least = MIN(least, address_space.rlim_cur);
	return least / 10 * 9;
}
