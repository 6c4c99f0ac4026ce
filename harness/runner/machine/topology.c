#include "harness/runner/machine/topology.h"

#include <hwloc.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

static unsigned count_of(hwloc_topology_t topology, hwloc_obj_type_t type)
{
	int count = hwloc_get_nbobjs_by_type(topology, type);

	return count < 0 ? 0 : (unsigned)count;
}

static char type_letter(hwloc_obj_cache_type_t type)
{
	if (type == HWLOC_OBJ_CACHE_UNIFIED)
		return 'u';
	return type == HWLOC_OBJ_CACHE_DATA ? 'd' : 'i';
}

static void add_caches(hwloc_topology_t loaded, struct topology *topology)
{
	static const hwloc_obj_type_t types[] = {
		HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE,
		HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE,
	};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		hwloc_obj_t cache = hwloc_get_obj_by_type(loaded, types[i], 0);
		struct topology_cache *row = &topology->caches[topology->cache_count];

		if (cache == NULL || topology->cache_count == TOPOLOGY_MAX_CACHES)
			continue;
		row->level = cache->attr->cache.depth;
		row->type = type_letter(cache->attr->cache.type);
		row->bytes = cache->attr->cache.size;
		row->line_bytes = cache->attr->cache.linesize;
		row->shared_by = (unsigned)hwloc_bitmap_weight(cache->cpuset);
		topology->cache_count++;
	}
}

static void add_worker_cpu(struct topology *topology, unsigned cpu)
{
	for (size_t i = 0; i < topology->worker_cpu_count; i++)
		if (topology->worker_cpus[i] == cpu)
			return;
	if (topology->worker_cpu_count < TOPOLOGY_MAX_WORKER_CPUS)
		topology->worker_cpus[topology->worker_cpu_count++] = cpu;
}

/* The allowed CPUs of the machine: the first of each core from the last core to the first, then the
 * second of each, and so on. */
static void add_worker_cpus(hwloc_topology_t loaded, hwloc_const_cpuset_t allowed,
			    struct topology *topology)
{
	unsigned cores = count_of(loaded, HWLOC_OBJ_CORE);

	for (unsigned place = 0; place < 8; place++) {
		for (unsigned i = cores; i > 0; i--) {
			hwloc_obj_t core = hwloc_get_obj_by_type(loaded, HWLOC_OBJ_CORE, i - 1);
			int cpu = -1;

			for (unsigned skip = 0; skip <= place; skip++) {
				cpu = hwloc_bitmap_next(core->cpuset, cpu);
				if (cpu < 0)
					break;
			}
			if (cpu >= 0 && hwloc_bitmap_isset(allowed, (unsigned)cpu))
				add_worker_cpu(topology, (unsigned)cpu);
		}
	}
	/* Machines on which no cores can be told. */
	for (int cpu = hwloc_bitmap_first(allowed); cpu >= 0; cpu = hwloc_bitmap_next(allowed, cpu))
		add_worker_cpu(topology, (unsigned)cpu);
}

/* Performance and efficiency cores are of different kinds; 0 where all are alike, or unknown. */
static int kind_of(hwloc_topology_t loaded, unsigned cpu)
{
	const struct hwloc_obj *found = hwloc_get_pu_obj_by_os_index(loaded, cpu);
	int kind = found == NULL ? 0 : hwloc_cpukinds_get_by_cpuset(loaded, found->cpuset, 0);

	return kind < 0 ? 0 : kind;
}

/* Moves those of the first one's kind to the front; the order stays what it is else. */
static void sort_by_kind(hwloc_topology_t loaded, struct topology *topology)
{
	unsigned *cpus = topology->worker_cpus;
	size_t same = 0;

	for (size_t i = 0; i < topology->worker_cpu_count; i++) {
		const unsigned cpu = cpus[i];

		if (kind_of(loaded, cpu) != kind_of(loaded, cpus[0]))
			continue;
		memmove(&cpus[same + 1], &cpus[same], (i - same) * sizeof *cpus);
		cpus[same++] = cpu;
	}
}

static hwloc_obj_t core_of(hwloc_topology_t loaded, unsigned cpu)
{
	hwloc_obj_t found = hwloc_get_pu_obj_by_os_index(loaded, cpu);

	return found == NULL ? NULL : hwloc_get_ancestor_obj_by_type(loaded, HWLOC_OBJ_CORE, found);
}

/* How many of the first CPUs are of one kind, and no two of them of a core that is known. */
static size_t count_cores(hwloc_topology_t loaded, const struct topology *topology)
{
	const unsigned *cpus = topology->worker_cpus;
	size_t count = 0;

	for (; count < topology->worker_cpu_count; count++) {
		const struct hwloc_obj *core = core_of(loaded, cpus[count]);

		if (kind_of(loaded, cpus[count]) != kind_of(loaded, cpus[0]))
			return count;
		for (size_t i = 0; i < count; i++)
			if (core != NULL && core_of(loaded, cpus[i]) == core)
				return count;
	}
	return count;
}

static bool load(hwloc_topology_t *loaded, struct error *error)
{
	if (hwloc_topology_init(loaded) != 0)
		return error_set(error, "hwloc does not start");
	/* Instruction caches are filtered out by default. */
	(void)hwloc_topology_set_icache_types_filter(*loaded, HWLOC_TYPE_FILTER_KEEP_ALL);
	if (hwloc_topology_load(*loaded) == 0)
		return true;
	hwloc_topology_destroy(*loaded);
	return error_set(error, "hwloc cannot read this machine's topology");
}

bool topology_load(struct topology *topology, int first_cpu, struct error *error)
{
	hwloc_topology_t loaded;
	hwloc_cpuset_t allowed;
	bool ok = true;

	memset(topology, 0, sizeof *topology);
	if (!load(&loaded, error))
		return false;
	allowed = hwloc_bitmap_alloc();
	if (hwloc_get_cpubind(loaded, allowed, HWLOC_CPUBIND_PROCESS) != 0)
		(void)hwloc_bitmap_copy(allowed, hwloc_topology_get_allowed_cpuset(loaded));
	topology->packages = count_of(loaded, HWLOC_OBJ_PACKAGE);
	topology->numa_nodes = count_of(loaded, HWLOC_OBJ_NUMANODE);
	topology->cores = count_of(loaded, HWLOC_OBJ_CORE);
	topology->cpus = count_of(loaded, HWLOC_OBJ_PU);
	topology->allowed = (unsigned)hwloc_bitmap_weight(allowed);
	/* Not hwloc's sum over the nodes: a virtual machine's nodes may still be growing. */
	topology->memory_bytes =
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	add_caches(loaded, topology);
	if (first_cpu >= 0 && !hwloc_bitmap_isset(allowed, (unsigned)first_cpu))
		ok = error_set(error, "--cpu: CPU %d is not one that this process may use",
			       first_cpu);
	else if (first_cpu >= 0)
		add_worker_cpu(topology, (unsigned)first_cpu);
	add_worker_cpus(loaded, allowed, topology);
	if (topology->worker_cpu_count > 0) {
		sort_by_kind(loaded, topology);
		topology->worker_core_count = count_cores(loaded, topology);
	}
	hwloc_topology_destroy(loaded);
	hwloc_bitmap_free(allowed);
	return ok;
}

bool topology_avoid_cpus(const struct topology *topology, size_t count)
{
	cpu_set_t ours;

	if (sched_getaffinity(0, sizeof ours, &ours) != 0)
		return false;
	for (size_t i = 0; i < count && i < topology->worker_cpu_count; i++)
		CPU_CLR(topology->worker_cpus[i], &ours);
	return CPU_COUNT(&ours) > 0 && sched_setaffinity(0, sizeof ours, &ours) == 0;
}
