#include "harness/runner/machine/machine.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <gnu/libc-version.h>
#include <hwloc.h>

#include "build_info.h"
#include "harness/common/emulator.h"
#include "harness/runner/machine/cgroup.h"
#include "harness/worker/huge_pages.h"
#include "harness/shim/bench.h"

#define NO_CPU_QUOTA "no control group has cpu.max or cpu.cfs_quota_us here"

/* Reads a small file; false, with an empty text, if it is absent or empty. Trailing white space is
 * dropped. */
static bool read_file(const char *path, char *text, size_t size)
{
	ssize_t length = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		length = read(fd, text, size - 1);
		(void)close(fd);
	}
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	text[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* What follows one of the names "key|other key" at the start of the line, or NULL. */
static char *skip_key(char *line, const char *keys)
{
	for (const char *key = keys; *key != '\0';) {
		const size_t length = strcspn(key, "|");

		if (strncmp(line, key, length) == 0 && strchr("\t :=", line[length]) != NULL)
			return line + length;
		key += length + (key[length] == '|');
	}
	return NULL;
}

/* The value of the first line "key : value" or "key=value" of a file, with one of these keys. */
static bool read_line_of(const char *path, const char *keys, char *value, size_t size)
{
	char *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *file = fopen(path, "re");

	*value = '\0';
	while (file != NULL && !found && getline(&line, &room, file) > 0) {
		char *rest = skip_key(line, keys);

		if (rest == NULL)
			continue;
		rest += strspn(rest, "\t :=\"");
		rest[strcspn(rest, "\"\n")] = '\0';
		(void)snprintf(value, size, "%s", rest);
		found = *value != '\0';
	}
	free(line);
	if (file != NULL)
		(void)fclose(file);
	return found;
}

/* A fact that stands in a file of its own, or on a line of one. */
struct fact {
	const char *name;
	const char *path;
	const char *key; /* NULL: the whole file; "key|key": what other architectures call it */
};

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
};

static void add_fact(json_t *object, json_t *absent, const struct fact *fact)
{
	char text[1024];
	char reason[256];
	bool found = fact->key == NULL ? read_file(fact->path, text, sizeof text)
				       : read_line_of(fact->path, fact->key, text, sizeof text);
	json_t *value = found ? json_string(text) : NULL;

	if (value != NULL) {
		(void)json_object_set_new(object, fact->name, value);
		return;
	}
	(void)snprintf(reason, sizeof reason, "%s%s%.*s", fact->path,
		       fact->key == NULL ? " is absent or empty" : " has no line ",
		       fact->key == NULL ? 0 : (int)strcspn(fact->key, "|"), fact->key);
	(void)json_object_set_new(object, fact->name, json_null());
	(void)json_object_set_new(absent, fact->name, json_string(reason));
}

#define ADD_FACTS(object, absent, facts)                                \
	for (size_t i_ = 0; i_ < sizeof(facts) / sizeof *(facts); i_++) \
	add_fact(object, absent, &(facts)[i_])

/* An object with the contents of all files that match, each under its name after `skip` folders
 * from the end: .../hugepages-2048kB/enabled is "hugepages-2048kB" for skip 1. */
static json_t *read_matches(const char *pattern, unsigned skip)
{
	json_t *object = json_object();
	glob_t matches;

	if (glob(pattern, 0, NULL, &matches) == 0) {
		for (size_t i = 0; i < matches.gl_pathc; i++) {
			char path[512];
			char text[512];
			char *name;

			(void)snprintf(path, sizeof path, "%s", matches.gl_pathv[i]);
			if (!read_file(path, text, sizeof text))
				continue;
			for (unsigned j = 0; j < skip; j++)
				*strrchr(path, '/') = '\0';
			name = strrchr(path, '/') + 1;
			(void)json_object_set_new(object, name, json_string(text));
		}
	}
	globfree(&matches);
	return object;
}

/* Is the kernel parameter one that changes timing? All others may name hosts or disks. */
static bool parameter_matters(const char *parameter)
{
	static const char *const names[] = {
		"mitigations",
		"isolcpus",
		"nohz",
		"nohz_full",
		"rcu_nocbs",
		"nosmt",
		"transparent_hugepage",
		"hugepages",
		"hugepagesz",
		"default_hugepagesz",
		"idle",
		"processor.max_cstate",
		"intel_idle.max_cstate",
		"intel_pstate",
		"amd_pstate",
		"cpufreq.default_governor",
		"clocksource",
		"tsc",
		"numa_balancing",
		"preempt",
		"maxcpus",
		"nr_cpus",
		"nopti",
		"pti",
		"spectre_v2",
		"spec_store_bypass_disable",
		"nokaslr",
		"norandmaps",
		"init_on_alloc",
		"init_on_free",
		"page_poison",
		"slub_debug",
		"cgroup_disable",
		"psi",
		"swapaccount",
		NULL,
	};
	size_t length = strcspn(parameter, "=");

	for (const char *const *name = names; *name != NULL; name++)
		if (strlen(*name) == length && strncmp(parameter, *name, length) == 0)
			return true;
	return false;
}

static json_t *kernel_parameters(void)
{
	json_t *array = json_array();
	char text[4096];
	char *rest = text;

	(void)read_file("/proc/cmdline", text, sizeof text);
	for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
		if (parameter_matters(word))
			(void)json_array_append_new(array, json_string(word));
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
	struct utsname names;
	char emulator[PATH_MAX];
	char flags[4096];
	json_t *machine;

	(void)uname(&names);
	machine =
		json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:I, s:o}", "architecture", names.machine,
			  "packages", (int)topology->packages, "cores", (int)topology->cores,
			  "cpus", (int)topology->cpus, "allowed_cpus", (int)topology->allowed,
			  "numa_nodes", (int)topology->numa_nodes, "memory_bytes",
			  (json_int_t)topology->memory_bytes, "caches", describe_caches(topology));
	ADD_FACTS(machine, absent, machine_facts);
	if (emulator_find(emulator, sizeof emulator)) {
		(void)json_object_set_new(machine, "emulator", json_string(emulator));
	} else {
		(void)json_object_set_new(machine, "emulator", json_null());
		(void)json_object_set_new(absent, "emulator",
					  json_string("the processor itself runs the programs"));
	}
	if (read_line_of("/proc/cpuinfo", "flags", flags, sizeof flags)) {
		(void)json_object_set_new(machine, "virtual_machine",
					  json_boolean(strstr(flags, "hypervisor") != NULL));
	} else {
		(void)json_object_set_new(machine, "virtual_machine", json_null());
		(void)json_object_set_new(absent, "virtual_machine",
					  json_string("/proc/cpuinfo has no line flags"));
	}
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

static void add_cpu_quota(json_t *system, json_t *absent)
{
	uint64_t milli_cpus;
	char text[64];

	if (cgroup_cpu_quota("", &milli_cpus, text, sizeof text)) {
		(void)json_object_set_new(system, "cgroup_cpu_max", json_string(text));
		return;
	}
	(void)json_object_set_new(system, "cgroup_cpu_max", json_null());
	(void)json_object_set_new(absent, "cgroup_cpu_max", json_string(NO_CPU_QUOTA));
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
	ADD_FACTS(system, absent, system_facts);
	add_cpu_quota(system, absent);
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
	};

	ADD_FACTS(state, absent, facts);
	(void)json_object_set_new(state, "absent", absent);
	return state;
}

static uint64_t fnv1a(uint64_t hash, const char *text)
{
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

/* "aarch64 0x41 0xd0c": arm64 says who made a CPU, and which of his it is, in numbers. */
static void name_by_numbers(const char *architecture, char *name, size_t size)
{
	char maker[32];
	char part[32];

	(void)read_line_of("/proc/cpuinfo", "CPU implementer", maker, sizeof maker);
	(void)read_line_of("/proc/cpuinfo", "CPU part", part, sizeof part);
	(void)snprintf(name, size, "%s %s %s", architecture, maker, part);
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
	uint64_t gib = (topology->memory_bytes + (UINT64_C(1) << 30) - 1) >> 30;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	struct utsname names;
	char value[256];
	char model[64];

	(void)uname(&names);
	hash = fnv1a(hash, names.machine);
	for (const char *const *key = keys; *key != NULL; key++) {
		(void)read_line_of("/proc/cpuinfo", *key, value, sizeof value);
		hash = fnv1a(fnv1a(hash, "|"), value);
	}
	(void)snprintf(value, sizeof value, "|%u|%u|%" PRIu64, topology->cores, topology->cpus,
		       gib);
	hash = fnv1a(hash, value);
	if (read_line_of("/proc/cpuinfo", "CPU variant", value, sizeof value))
		hash = fnv1a(hash, value);
	if (!read_line_of("/proc/cpuinfo", "model name", value, sizeof value))
		name_by_numbers(names.machine, value, sizeof value);
	slug(value, model, sizeof model);
	(void)snprintf(text, size, "%s-%ucpu-%" PRIu64 "gib-%04x", model, topology->cpus, gib,
		       (unsigned)(hash & 0xffff));
}

static void lower_to(uint64_t *least, uint64_t value)
{
	if (value < *least)
		*least = value;
}

uint64_t machine_memory_bytes(void)
{
	struct cgroup_memory group;
	struct rlimit address_space;
	uint64_t least;
	char text[128];

	cgroup_memory("", &group);
	least = group.bytes;
	if (read_line_of("/proc/meminfo", "MemAvailable", text, sizeof text))
		lower_to(&least, strtoull(text, NULL, 10) * 1024);
	if (getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY)
		lower_to(&least, address_space.rlim_cur);
	return least / 10 * 9;
}

/* NULL, or why the file cannot be opened: a sandbox may forbid what its rights allow. */
static const char *why_not_opened(const char *path, int flags)
{
	const int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return strerror(errno);
	(void)close(fd);
	return NULL;
}

static const char *why_unreadable(const char *path)
{
	return why_not_opened(path, O_RDONLY);
}

/* Can a process map a file's pages ahead of their use? */
static const char *why_no_populate(void)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *own_code = (void *)((uintptr_t)why_unreadable / page * page);

	return madvise(own_code, page, MADV_POPULATE_READ) == 0 ? NULL : "needs Linux 5.14";
}

static const char *why_no_counters(void)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof attributes,
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.disabled = 1,
		.exclude_kernel = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);

	if (fd < 0)
		return strerror(errno);
	(void)close((int)fd);
	return NULL;
}

/* Sets the reasons why a control group's throttling and its kills cannot be seen, or NULL. */
static void why_not_watched(const char **throttling, const char **kills)
{
	struct cgroup_watch watch;
	struct cgroup_counts counts;

	cgroup_watch_open("", &watch);
	counts = cgroup_watch_read(&watch);
	cgroup_watch_close(&watch);
	*throttling = counts.throttled_known
			      ? NULL
			      : "no control group has a cpu.stat with throttled time here";
	*kills = counts.oom_known ? NULL
				  : "no control group has memory.events or memory.oom_control here";
}

static const char *why_no_huge_counters(struct error *why)
{
	struct huge_counters counters;

	if (!huge_counters_open("", &counters, why))
		return why->text;
	huge_counters_close(&counters);
	return NULL;
}

void machine_probes(void (*each)(const char *what, const char *why_not, void *data), void *data)
{
	const char *no_throttling;
	const char *no_kills;
	struct error why;

	why_not_watched(&no_throttling, &no_kills);
	each("peak memory of a process (/proc/self/clear_refs)",
	     why_not_opened("/proc/self/clear_refs", O_WRONLY), data);
	each("code mapped before it is timed (MADV_POPULATE_READ)", why_no_populate(), data);
	each("stolen time (/proc/stat)", why_unreadable("/proc/stat"), data);
	each("throttling by a CPU quota (control group)", no_throttling, data);
	each("what ran out of memory (control group)", no_kills, data);
	each("pressure (/proc/pressure)", why_unreadable("/proc/pressure/cpu"), data);
	each("frequency governor (cpufreq)",
	     why_unreadable("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), data);
	each("transparent huge pages",
	     why_unreadable("/sys/kernel/mm/transparent_hugepage/enabled"), data);
	each("faults of huge pages, by size", why_no_huge_counters(&why), data);
	each("hardware counters (perf_event_open)", why_no_counters(), data);
}

/* Is there a quota that these CPUs can run into? Then *text says so. */
static bool quota_is_in_the_way(const struct topology *topology, char *text, size_t size)
{
	uint64_t milli_cpus;
	char quota[64];

	if (!cgroup_cpu_quota("", &milli_cpus, quota, sizeof quota) ||
	    milli_cpus >= UINT64_C(1000) * topology->allowed)
		return false;
	(void)snprintf(text, size,
		       "a control group's CPU quota (%s) allows %" PRIu64 ".%02" PRIu64
		       " of these %u CPUs: what takes more is held back, for milliseconds at a "
		       "time; take the quota away, or look at throttled_ns",
		       quota, milli_cpus / 1000, milli_cpus % 1000 / 10, topology->allowed);
	return true;
}

size_t machine_warnings(const struct topology *topology, void (*each)(const char *text, void *data),
			void *data)
{
	size_t count = 0;
	char text[512];
	char flags[4096];
	char emulator[PATH_MAX];

#define WARN(message) (each(message, data), count++)
	if (emulator_find(emulator, sizeof emulator)) {
		(void)snprintf(text, sizeof text,
			       "programs run under %.255s, not on a processor of their own: times, "
			       "page faults and peaks are the emulator's and mean nothing; counts "
			       "of calls and of bytes hold",
			       emulator);
		WARN(text);
	}
	if (topology->allowed < 2)
		WARN("only one CPU may be used, so the runner shares it with the workers; allow "
		     "this process a second one");
	if (quota_is_in_the_way(topology, text, sizeof text))
		WARN(text);
	(void)read_line_of("/proc/cpuinfo", "flags", flags, sizeof flags);
	if (strstr(flags, "hypervisor") != NULL)
		WARN("this is a virtual machine: others may take time from it; compare within a "
		     "run, and look at steal_ns");
	if (read_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text, sizeof text) &&
	    strcmp(text, "performance") != 0)
		WARN("the frequency governor is not 'performance'; cpupower frequency-set -g "
		     "performance sets it");
	if ((read_file("/sys/devices/system/cpu/intel_pstate/no_turbo", text, sizeof text) &&
	     strcmp(text, "0") == 0) ||
	    (read_file("/sys/devices/system/cpu/cpufreq/boost", text, sizeof text) &&
	     strcmp(text, "1") == 0))
		WARN("turbo is on, so speed depends on heat and on what else runs");
	if (read_file("/sys/devices/system/cpu/smt/active", text, sizeof text) &&
	    strcmp(text, "1") == 0)
		WARN("SMT is on: keep the workers' sibling CPU idle");
	if (read_file("/proc/loadavg", text, sizeof text) &&
	    strtod(text, NULL) > 0.5 * topology->cpus)
		WARN("other programs are running (see /proc/loadavg); stop them for quieter "
		     "figures");
	if (read_file("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text) &&
	    strstr(text, "[always]") != NULL) {
		(void)snprintf(text, sizeof text,
			       "transparent huge pages are always on: page faults are fewer and "
			       "larger, and peaks are rounded up to %zu KiB",
			       huge_pages_largest("") / 1024);
		WARN(text);
	}
#undef WARN
	return count;
}
