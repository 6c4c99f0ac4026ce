/* What cannot be looked at on this machine, and what makes figures noisy here. */
#include "harness/runner/machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib.h>

#include "harness/common/emulator.h"
#include "harness/runner/machine/cgroup.h"
#include "harness/runner/machine/facts.h"
#include "harness/worker/huge_pages.h"

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

static void warn(GPtrArray *warnings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void warn(GPtrArray *warnings, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_ptr_array_add(warnings, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}

/* Is that all that the file says? */
static bool says(const char *path, const char *text)
{
	g_autofree char *said = facts_file(path);

	return g_strcmp0(said, text) == 0;
}

/* Of a quota that these CPUs can run into. */
static void warn_of_quota(GPtrArray *warnings, unsigned allowed)
{
	uint64_t milli_cpus;
	char quota[64];

	if (cgroup_cpu_quota("", &milli_cpus, quota, sizeof quota) &&
	    milli_cpus < UINT64_C(1000) * allowed)
		warn(warnings,
		     "a control group's CPU quota (%s) allows %" PRIu64 ".%02" PRIu64
		     " of these %u CPUs: what takes more is held back, for milliseconds at a time; "
		     "take the quota away, or look at throttled_ns",
		     quota, milli_cpus / 1000, milli_cpus % 1000 / 10, allowed);
}

static void warn_of_speed(GPtrArray *warnings)
{
	g_autofree char *governor =
		facts_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");

	if (governor != NULL && strcmp(governor, "performance") != 0)
		warn(warnings, "the frequency governor is not 'performance'; cpupower "
			       "frequency-set -g performance sets it");
	if (says("/sys/devices/system/cpu/intel_pstate/no_turbo", "0") ||
	    says("/sys/devices/system/cpu/cpufreq/boost", "1"))
		warn(warnings, "turbo is on, so speed depends on heat and on what else runs");
	if (says("/sys/devices/system/cpu/smt/active", "1"))
		warn(warnings, "SMT is on: keep the workers' sibling CPU idle");
}

char **machine_warnings(const struct topology *topology)
{
	g_autofree char *flags = facts_line("/proc/cpuinfo", "flags");
	g_autofree char *load = facts_file("/proc/loadavg");
	g_autofree char *huge = facts_file("/sys/kernel/mm/transparent_hugepage/enabled");
	GPtrArray *warnings = g_ptr_array_new();
	char emulator[PATH_MAX];

	if (emulator_find(emulator, sizeof emulator))
		warn(warnings,
		     "programs run under %.255s, not on a processor of their own: times, page "
		     "faults and peaks are the emulator's and mean nothing; counts of calls and of "
		     "bytes hold",
		     emulator);
	if (topology->allowed < 2)
		warn(warnings, "only one CPU may be used, so the runner shares it with the "
			       "workers; allow this process a second one");
	warn_of_quota(warnings, topology->allowed);
	if (flags != NULL && strstr(flags, "hypervisor") != NULL)
		warn(warnings, "this is a virtual machine: others may take time from it; compare "
			       "within a run, and look at steal_ns");
	warn_of_speed(warnings);
	if (load != NULL && strtod(load, NULL) > 0.5 * topology->cpus)
		warn(warnings, "other programs are running (see /proc/loadavg); stop them for "
			       "quieter figures");
	if (huge != NULL && strstr(huge, "[always]") != NULL)
		warn(warnings,
		     "transparent huge pages are always on: page faults are fewer and larger, and "
		     "peaks are rounded up to %zu KiB",
		     huge_pages_largest("") / 1024);
	g_ptr_array_add(warnings, NULL);
	return (char **)g_ptr_array_free(warnings, FALSE);
}
