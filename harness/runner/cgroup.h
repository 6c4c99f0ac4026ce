/*
 * cgroup.h - what the control groups of this process limit.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_CGROUP_H
#define GROWBENCH_HARNESS_RUNNER_CGROUP_H

#include <stdint.h>

/*
 * The least limit in bytes that the control groups of this process, and the groups around them, set
 * on memory; UINT64_MAX: none can be seen. Both versions are looked at: cgroups(7), memory.max of
 * version 2 and memory.limit_in_bytes of version 1, from the group named in /proc/self/cgroup up to
 * the root. In a container the group's path may be of the host, and not be there: then the root
 * tells. `root` stands before all paths: "", or a folder for tests.
 */
uint64_t cgroup_memory_bytes(const char *root);

#endif
