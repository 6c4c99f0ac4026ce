#include "harness/runner/machine/cpu.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "harness/runner/machine/facts.h"

/* What a file below /sys/devices/system/cpu/cpuN says, for g_free. */
static char *cpu_file(const char *root, unsigned cpu, const char *name)
{
	g_autofree char *path =
		g_strdup_printf("%s/sys/devices/system/cpu/cpu%u/%s", root, cpu, name);

	return facts_file(path);
}

/* Is it a number, and nothing else? */
static bool read_number(const char *text, uint64_t *number)
{
	return text != NULL && g_ascii_string_to_unsigned(text, 10, 0, INT32_MAX, number, NULL);
}

/* Is the CPU in a list as "0-3,8"? */
static bool is_listed(const char *list, unsigned cpu)
{
	g_auto(GStrv) ranges = g_strsplit(list == NULL ? "" : list, ",", -1);

	for (char **range = ranges; *range != NULL; range++) {
		g_auto(GStrv) ends = g_strsplit(*range, "-", 2);
		uint64_t first;
		uint64_t last;

		if (read_number(ends[0], &first) &&
		    read_number(ends[1] != NULL ? ends[1] : ends[0], &last) && first <= cpu &&
		    cpu <= last)
			return true;
	}
	return false;
}

/* The list of its siblings, if it is one that it is in. */
static json_t *siblings(const char *root, unsigned cpu)
{
	g_autofree char *list = cpu_file(root, cpu, "topology/thread_siblings_list");

	if (list == NULL || strspn(list, "0123456789,-") != strlen(list) || !is_listed(list, cpu))
		return NULL;
	return json_string(list);
}

/* The node whose link is in its folder. */
static json_t *numa_node(const char *root, unsigned cpu)
{
	g_autofree char *path = g_strdup_printf("%s/sys/devices/system/cpu/cpu%u", root, cpu);
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *name;
	uint64_t node;

	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL)
		if (g_str_has_prefix(name, "node") && read_number(name + strlen("node"), &node))
			return json_integer((json_int_t)node);
	return NULL;
}

/* Of an x86 that has both kinds, a counter unit each. */
static json_t *kind(const char *root, unsigned cpu)
{
	g_autofree char *core = g_strdup_printf("%s/sys/devices/cpu_core/cpus", root);
	g_autofree char *atom = g_strdup_printf("%s/sys/devices/cpu_atom/cpus", root);
	g_autofree char *performance = facts_file(core);
	g_autofree char *efficiency = facts_file(atom);

	if (is_listed(performance, cpu))
		return json_string("performance");
	return is_listed(efficiency, cpu) ? json_string("efficiency") : NULL;
}

static json_t *capacity(const char *root, unsigned cpu)
{
	g_autofree char *text = cpu_file(root, cpu, "cpu_capacity");
	uint64_t number;

	return read_number(text, &number) ? json_integer((json_int_t)number) : NULL;
}

bool cpu_signature_text(const uint32_t registers[3], char text[13])
{
	memcpy(text, registers, 12);
	text[12] = '\0';
	for (char *letter = text; *letter != '\0'; letter++)
		if (!g_ascii_isprint(*letter))
			*letter = '\0';
	(void)g_strstrip(text);
	return *text != '\0';
}

/* Leaf 0x40000000 is for hypervisors where bit 31 of ECX of leaf 1 says that there is one (Intel
 * SDM, CPUID; the kernel's Documentation/virt/kvm/x86/cpuid.rst). */
static json_t *signature(void)
{
#if defined(__x86_64__)
	uint32_t eax;
	uint32_t registers[3] = {0, 0, 0};
	char text[13];

	__cpuid(1, eax, registers[0], registers[1], registers[2]);
	if ((registers[1] >> 31) == 0)
		return NULL;
	__cpuid(0x40000000, eax, registers[0], registers[1], registers[2]);
	return cpu_signature_text(registers, text) ? json_string(text) : NULL;
#else
	return NULL;
#endif
}

void cpu_facts(const char *root, unsigned cpu, json_t *machine, json_t *absent)
{
	facts_set(machine, absent, "worker_cpu", json_integer((json_int_t)cpu), "");
	facts_set(machine, absent, "worker_cpu_siblings", siblings(root, cpu),
		  "the kernel has no topology/thread_siblings_list of that CPU");
	facts_set(machine, absent, "worker_cpu_numa_node", numa_node(root, cpu),
		  "the kernel names no node of that CPU, as one without NUMA does");
	facts_set(machine, absent, "worker_cpu_kind", kind(root, cpu),
		  "that CPU is neither in /sys/devices/cpu_core/cpus nor in cpu_atom/cpus, as on "
		  "a machine with one kind of cores");
	facts_set(machine, absent, "worker_cpu_capacity", capacity(root, cpu),
		  "the kernel has no cpu_capacity of that CPU");
	facts_set(machine, absent, "hypervisor_signature", signature(),
		  "CPUID tells of no hypervisor, or this is no x86");
}

char *cpu_policy_text(int policy, const unsigned long *nodes, size_t words)
{
	/* linux/mempolicy.h */
	static const char *const names[] = {
		"default",        "preferred",           "bind", "interleave", "local",
		"preferred_many", "weighted_interleave",
	};
	const size_t bits = 8 * sizeof *nodes;
	GString *text;

	if (policy < 0 || (size_t)policy >= G_N_ELEMENTS(names))
		return NULL;
	text = g_string_new(names[policy]);
	for (size_t node = 0; node < words * bits; node++)
		if ((nodes[node / bits] >> node % bits & 1) != 0)
			g_string_append_printf(text, " %zu", node);
	return g_string_free(text, FALSE);
}

void cpu_memory_policy(json_t *system, json_t *absent)
{
	/* As many as any kernel has (CONFIG_NODES_SHIFT is 10 at most). */
	unsigned long nodes[1024 / (8 * sizeof(unsigned long))] = {0};
	g_autofree char *text = NULL;
	int policy = -1;

	if (syscall(SYS_get_mempolicy, &policy, nodes, (unsigned long)1024, NULL, 0UL) == 0)
		text = cpu_policy_text(policy & 0xff, nodes, G_N_ELEMENTS(nodes));
	facts_set(system, absent, "memory_policy", text == NULL ? NULL : json_string(text),
		  "get_mempolicy is refused here, or the kernel is without NUMA");
}

/* Of "cpu MHz" in the CPU's part of /proc/cpuinfo. */
static double cpuinfo_mhz(const char *root, unsigned cpu)
{
	g_autofree char *path = g_strconcat(root, "/proc/cpuinfo", NULL);
	g_autofree char *text = facts_file(path);
	g_auto(GStrv) lines = g_strsplit(text == NULL ? "" : text, "\n", -1);
	bool ours = false;

	for (char **line = lines; *line != NULL; line++) {
		const char *value = strchr(*line, ':');
		unsigned number;

		if (value == NULL)
			continue;
		if (g_str_has_prefix(*line, "processor"))
			ours = sscanf(value, ": %u", &number) == 1 && number == cpu;
		else if (ours && g_str_has_prefix(*line, "cpu MHz"))
			return g_ascii_strtod(value + 1, NULL);
	}
	return 0;
}

double cpu_mhz(const char *root, unsigned cpu)
{
	g_autofree char *text = cpu_file(root, cpu, "cpufreq/scaling_cur_freq");
	uint64_t khz;
	const double mhz = read_number(text, &khz) ? (double)khz / 1000 : cpuinfo_mhz(root, cpu);

	return isfinite(mhz) && mhz > 0 ? mhz : 0;
}

double cpu_load(const char *root)
{
	g_autofree char *path = g_strconcat(root, "/proc/loadavg", NULL);
	g_autofree char *text = facts_file(path);
	char *end = text;
	const double load = text == NULL ? -1 : g_ascii_strtod(text, &end);

	return end != text && isfinite(load) && load >= 0 ? load : -1;
}
