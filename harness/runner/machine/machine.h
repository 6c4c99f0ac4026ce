/*
 * machine.h - what the machine, the system and the build are, for machine.json.
 *
 * Looks and records; changes nothing. A source that is absent gives null, and its reason stands
 * under "absent". No host name, user name or path of the user's is recorded; of the kernel's
 * command line only the parameters that change timing are, since the others may name hosts.
 *
 * machine.c describes, noise.c says what cannot be seen here and what makes figures noisy.
 */
#ifndef GROWBENCH_HARNESS_MACHINE_H
#define GROWBENCH_HARNESS_MACHINE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/error.h"
#include "harness/runner/machine/topology.h"

/* A stable label of the machine: processor, CPUs, memory, and a hash of what identifies the model.
 * It depends on no measured speed, no kernel version and no name. */
void machine_id(const struct topology *topology, char *text, size_t size);

/* The objects "machine", "system", "build" and "absent". Owned by the caller. */
json_t *machine_describe(const struct topology *topology);

/* What changes while a run goes on: load, pressure, stolen time, available memory. */
json_t *machine_state(void);

/* Bytes that a worker may use: of what is available now, within the limits of cgroup and
 * RLIMIT_AS. */
uint64_t machine_memory_bytes(void);

/* What can be looked at here, each through `each` with whether it can, and why not if it cannot. */
void machine_probes(void (*each)(const char *what, const char *why_not, void *data), void *data);

/* What will make figures noisy here, each as a sentence with its remedy; for g_strfreev. */
char **machine_warnings(const struct topology *topology);

#endif
