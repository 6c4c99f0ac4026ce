/* Facts of a CPU, out of a folder that stands for a system, and of the loader, out of texts. */
#include "harness/runner/machine/cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "harness/runner/machine/loader.h"
#include "kernels/tests/cmocka_headers.h"
#include "support.h"

/* Frees what was found; NULL: there is nothing. */
static void assert_text(char *found, const char *expected)
{
	assert_string_equal(found == NULL ? "nothing" : found,
			    expected == NULL ? "nothing" : expected);
	free(found);
}

/* What is null has a reason, and nothing else has. */
static void assert_reason(const json_t *facts, const json_t *absent, const char *name)
{
	const char *reason = json_string_value(json_object_get(absent, name));

	assert_int_equal(json_is_null(json_object_get(facts, name)), reason != NULL);
	assert_true(reason == NULL || strlen(reason) > 20);
}

/* The fact as JSON text; one that is null has to have a reason. */
static void assert_fact(unsigned cpu, const char *name, const char *expected)
{
	json_t *machine = json_object();
	json_t *absent = json_object();

	cpu_facts(temporary, cpu, machine, absent);
	assert_text(json_dumps(json_object_get(machine, name), JSON_ENCODE_ANY), expected);
	assert_reason(machine, absent, name);
	json_decref(machine);
	json_decref(absent);
}

/* Of CPU 3, when a file of its folder says that. */
static void assert_fact_of(const char *file, const char *text, const char *name,
			   const char *expected)
{
	g_autofree char *path = g_strconcat("sys/devices/system/cpu/cpu3/", file, NULL);

	put(path, text);
	assert_fact(3, name, expected);
}

static void a_system_that_says_nothing_has_reasons(void **state)
{
	static const char *const names[] = {"worker_cpu_siblings", "worker_cpu_numa_node",
					    "worker_cpu_kind", "worker_cpu_capacity"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_fact(3, names[i], "null");
	assert_fact(3, "worker_cpu", "3");
	assert_true(cpu_mhz(temporary, 3) <= 0);
	assert_true(cpu_load(temporary) < 0);
}

static void siblings_are_a_list_with_the_cpu_in_it(void **state)
{
	static const struct {
		const char *text;
		const char *fact;
	} cases[] = {
		{"3\n", "\"3\""},     {"1,3\n", "\"1,3\""},
		{"2-5\n", "\"2-5\""}, {"0-1,3,8-9\n", "\"0-1,3,8-9\""},
		{"1\n", "null"},      {"4-2\n", "null"},
		{"all\n", "null"},    {"3 x\n", "null"},
		{"", "null"},         {"\xff\xfe\n", "null"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_fact_of("topology/thread_siblings_list", cases[i].text,
			       "worker_cpu_siblings", cases[i].fact);
}

static void the_node_is_the_link_in_the_cpus_folder(void **state)
{
	(void)state;
	assert_fact_of("nodes", "", "worker_cpu_numa_node", "null");
	assert_fact_of("node", "", "worker_cpu_numa_node", "null");
	assert_fact_of("node12", "", "worker_cpu_numa_node", "12");
}

static void a_machine_with_two_kinds_of_cores_has_a_list_of_each(void **state)
{
	(void)state;
	put("sys/devices/cpu_core/cpus", "0-7\n");
	put("sys/devices/cpu_atom/cpus", "8-15\n");
	assert_fact(7, "worker_cpu_kind", "\"performance\"");
	assert_fact(8, "worker_cpu_kind", "\"efficiency\"");
	assert_fact(16, "worker_cpu_kind", "null");
	put("sys/devices/cpu_atom/cpus", "rubbish\n");
	assert_fact(8, "worker_cpu_kind", "null");
}

static void a_capacity_is_a_number(void **state)
{
	(void)state;
	assert_fact_of("cpu_capacity", "446\n", "worker_cpu_capacity", "446");
	assert_fact_of("cpu_capacity", "-1\n", "worker_cpu_capacity", "null");
	assert_fact_of("cpu_capacity", "99999999999999999999\n", "worker_cpu_capacity", "null");
}

static void assert_near(double value, double expected)
{
	assert_true(fabs(value - expected) < 1e-9);
}

static void the_frequency_is_that_of_the_cpu(void **state)
{
	(void)state;
	put("proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 800.5\n\nprocessor\t: 3\n"
			    "model name\t: x\ncpu MHz\t\t: 2445.424\n");
	assert_near(cpu_mhz(temporary, 3), 2445.424);
	assert_near(cpu_mhz(temporary, 0), 800.5);
	assert_near(cpu_mhz(temporary, 1), 0);
	put("sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "3200000\n");
	assert_near(cpu_mhz(temporary, 3), 3200);
	put("sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "<unknown>\n");
	assert_near(cpu_mhz(temporary, 3), 2445.424);
	put("proc/cpuinfo", "processor : 3\ncpu MHz : nan\n");
	assert_near(cpu_mhz(temporary, 3), 0);
	put("proc/cpuinfo", "cpu MHz : 7\nprocessor\nprocessor : x\ncpu MHz : 7\n");
	assert_near(cpu_mhz(temporary, 3), 0);
}

static void the_load_is_the_first_number(void **state)
{
	(void)state;
	put("proc/loadavg", "0.25 0.50 0.75 1/99 12345\n");
	assert_near(cpu_load(temporary), 0.25);
	put("proc/loadavg", "rubbish\n");
	assert_near(cpu_load(temporary), -1);
	put("proc/loadavg", "-3 0 0\n");
	assert_near(cpu_load(temporary), -1);
}

static void assert_signature(const char letters[12], const char *expected)
{
	uint32_t registers[3];
	char text[13];

	memcpy(registers, letters, sizeof registers);
	assert_int_equal(cpu_signature_text(registers, text), *expected != '\0');
	assert_string_equal(text, expected);
}

static void a_signature_is_what_of_it_can_be_printed(void **state)
{
	(void)state;
	assert_signature("KVMKVMKVM\0\0\0", "KVMKVMKVM");
	assert_signature("Microsoft Hv", "Microsoft Hv");
	assert_signature(" lrpepyh  vr", "lrpepyh  vr");
	assert_signature("\0\0\0\0\0\0\0\0\0\0\0\0", "");
	assert_signature("\xff\x01ggggggggg", "");
}

static void assert_policy(int policy, unsigned long low, unsigned long high, const char *expected)
{
	const unsigned long nodes[] = {low, high};

	assert_text(cpu_policy_text(policy, nodes, COUNT_OF(nodes)), expected);
}

static void a_memory_policy_has_a_name_and_nodes(void **state)
{
	(void)state;
	assert_policy(0, 0, 0, "default");
	assert_policy(2, 1, 0, "bind 0");
	if (sizeof(unsigned long) == 8)
		assert_policy(3, 6, 1, "interleave 1 2 64");
	assert_policy(7, 0, 0, NULL);
	assert_policy(-1, 0, 0, NULL);
}

static void the_policy_of_this_process_is_known_or_refused_with_a_reason(void **state)
{
	json_t *system = json_object();
	json_t *absent = json_object();

	(void)state;
	cpu_memory_policy(system, absent);
	assert_reason(system, absent, "memory_policy");
	json_decref(system);
	json_decref(absent);
}

static void assert_tunables(const char *text, const char *expected)
{
	json_t *tunables = loader_read_tunables(text);

	assert_text(tunables == NULL ? NULL : json_dumps(tunables, JSON_COMPACT), expected);
	json_decref(tunables);
}

static void tunables_are_those_of_copies_malloc_and_memory(void **state)
{
	(void)state;
	assert_tunables("glibc.rtld.nns: 0x4 (min: 0x1, max: 0x10)\n"
			"glibc.cpu.x86_non_temporal_threshold: 0xc000000 (min: 0x4040, max: 0xf)\n"
			"glibc.cpu.hwcaps:\n"
			"glibc.cpu.x86_shstk: \n"
			"glibc.malloc.arena_max: 0x2 (min: 0x1, max: 0xf)\n"
			"glibc.mem.tagging: 0 (min: 0, max: 255)\n",
			"{\"cpu.x86_non_temporal_threshold\":\"0xc000000\","
			"\"malloc.arena_max\":\"0x2\",\"mem.tagging\":\"0\"}");
	assert_tunables("", NULL);
	assert_tunables("ld.so: unrecognized option '--list-tunables'\n", NULL);
	assert_tunables("glibc.cpu.x: (min: 1, max: 2\nglibc.cpu.y 1 (min: ", NULL);
	/* What is no UTF-8 is no string. */
	assert_tunables("glibc.cpu.x: \xff (min: 0, max: 1)\n", NULL);
}

static void the_level_is_the_highest_that_is_supported(void **state)
{
	static const char heading[] =
		"Subdirectories of glibc-hwcaps directories, in priority order:\n";
	g_autofree char *third = g_strconcat(heading,
					     "  x86-64-v4\n  x86-64-v3 (supported, searched)\n"
					     "  x86-64-v2 (supported, searched)\n\nLegacy\n",
					     NULL);
	g_autofree char *none = g_strconcat(heading, "  x86-64-v4\n\n  tls (supported)\n", NULL);
	g_autofree char *unsearched = g_strconcat(heading, "  power10 (supported, masked)\n", NULL);

	(void)state;
	assert_text(loader_read_level(third), "x86-64-v3");
	assert_text(loader_read_level(none), NULL);
	assert_text(loader_read_level(unsearched), NULL);
	assert_text(loader_read_level(heading), NULL);
	assert_text(loader_read_level("Usage: ld.so\n  x86-64-v3 (supported, searched)\n"), NULL);
	assert_text(loader_read_level(""), NULL);
}

static void this_systems_loader_is_asked_with_the_tunables_that_are_given(void **state)
{
	json_t *system = json_object();
	json_t *absent = json_object();
	const json_t *tunables;

	(void)state;
	loader_facts("GLIBC_TUNABLES=glibc.malloc.arena_max=3", system, absent);
	tunables = json_object_get(system, "glibc_tunables");
	assert_reason(system, absent, "glibc_tunables");
	if (!json_is_null(tunables))
		assert_string_equal(
			json_string_value(json_object_get(tunables, "malloc.arena_max")), "0x3");
	assert_reason(system, absent, "isa_level");
	json_decref(system);
	json_decref(absent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(a_system_that_says_nothing_has_reasons),
		IN_A_FOLDER(siblings_are_a_list_with_the_cpu_in_it),
		IN_A_FOLDER(the_node_is_the_link_in_the_cpus_folder),
		IN_A_FOLDER(a_machine_with_two_kinds_of_cores_has_a_list_of_each),
		IN_A_FOLDER(a_capacity_is_a_number),
		IN_A_FOLDER(the_frequency_is_that_of_the_cpu),
		IN_A_FOLDER(the_load_is_the_first_number),
		cmocka_unit_test(a_signature_is_what_of_it_can_be_printed),
		cmocka_unit_test(a_memory_policy_has_a_name_and_nodes),
		cmocka_unit_test(the_policy_of_this_process_is_known_or_refused_with_a_reason),
		cmocka_unit_test(tunables_are_those_of_copies_malloc_and_memory),
		cmocka_unit_test(the_level_is_the_highest_that_is_supported),
		cmocka_unit_test(this_systems_loader_is_asked_with_the_tunables_that_are_given),
	};

	return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
