/*
 * cgroup.h - what the control groups of this process limit, and what came of it.
 *
 * Both versions are looked at (cgroups(7)): the group named in /proc/self/cgroup and those around
 * it, up to the root of its mount. In a container the group's path may be of the host, and not be
 * there: then the root tells. `root` stands before all paths: "", or a folder for tests.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_CGROUP_H
#define GROWBENCH_HARNESS_RUNNER_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgroup_memory {
	uint64_t bytes; /* the least limit of all these groups; UINT64_MAX: none can be seen */
	char file[PATH_MAX + 64]; /* where it stands: memory.max, or memory.limit_in_bytes */
};

void cgroup_memory(const char *root, struct cgroup_memory *memory);

/* The CPUs that the tightest quota allows (cpu.max, or cpu.cfs_quota_us), in thousandths, so that
 * 1500 are one and a half; UINT64_MAX if there is none. The kernel's two numbers, or "max", are put
 * into `text`. False if no group's quota can be seen. */
bool cgroup_cpu_quota(const char *root, uint64_t *milli_cpus, char *text, size_t size);

/* How much unused time of earlier periods, in microseconds, a group may use at once on top of its
 * quota: the least of all groups (cpu.max.burst, or cpu.cfs_burst_us). False if none says. */
bool cgroup_cpu_burst(const char *root, uint64_t *burst_us);

enum {
	CGROUP_MOST_GROUPS = 16
};

/* Files that count, held open, so that a look at them costs little. */
struct cgroup_watch {
	int throttled_fds[CGROUP_MOST_GROUPS]; /* cpu.stat of each group */
	size_t throttled_count;
	bool has_oom;
	int oom_fd; /* memory.events, or memory.oom_control, of our own group */
};

struct cgroup_counts {
	bool throttled_known;
	bool oom_known;
	uint64_t throttled_ns; /* that quotas held these groups back, added up over CPUs */
	uint64_t oom_kills;    /* processes of our own group that the kernel killed for memory */
};

/* Opens what is there, which may be nothing. One that is all zeros has nothing to close. */
void cgroup_watch_open(const char *root, struct cgroup_watch *watch);
void cgroup_watch_close(struct cgroup_watch *watch);

/* What the files say now. */
struct cgroup_counts cgroup_watch_read(const struct cgroup_watch *watch);

#endif
