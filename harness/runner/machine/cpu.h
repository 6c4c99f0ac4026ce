/*
 * cpu.h - the CPU that workers run on: what it is, who shares it, and how fast it runs.
 *
 * `root` stands before all paths: "", or a folder for tests.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_CPU_H
#define GROWBENCH_HARNESS_RUNNER_CPU_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sets, each to null and a reason where the system does not say:
 *   worker_cpu             its number
 *   worker_cpu_siblings    the CPUs of its core, itself among them, as the kernel lists them: "2-3"
 *   worker_cpu_numa_node   the number of its node
 *   worker_cpu_kind        "performance" or "efficiency", where a machine has both kinds of cores
 *   worker_cpu_capacity    of 1024, which are the machine's fastest cores
 *   hypervisor_signature   what a hypervisor calls itself by CPUID: "KVMKVMKVM" (x86 only)
 */
void cpu_facts(const char *root, unsigned cpu, json_t *machine, json_t *absent);

/* Sets memory_policy, which workers inherit: "default", "bind 0", ... (set_mempolicy(2)). */
void cpu_memory_policy(json_t *system, json_t *absent);

/* The policy of that number on those nodes (`words` of a bit each, as get_mempolicy(2) fills them)
 * in words, for g_free; NULL for one that is not known. */
char *cpu_policy_text(int policy, const unsigned long *nodes, size_t words);

/* The 12 letters of EBX, ECX, EDX of CPUID's leaf 0x40000000, without what is not printable and
 * without blanks at the ends; false if nothing is left. */
bool cpu_signature_text(const uint32_t registers[3], char text[13]);

/* At what the CPU runs now, in MHz, as the kernel says: cpufreq, or "cpu MHz" of /proc/cpuinfo,
 * which virtual machines are told once and for all. 0: it does not say. */
double cpu_mhz(const char *root, unsigned cpu);

/* How many processes ran or wanted to over the last minute, ours among them; -1: not known. */
double cpu_load(const char *root);

#endif
