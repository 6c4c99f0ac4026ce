#include "harness/runner/request/environment.h"

#include <limits.h>
#include <unistd.h>

#include <glib.h>

#include "harness/runner/process/program.h"
#include "harness/runner/request/allocators.h"

#define WORKER_KIT "libgrowbench-worker.so"

/* Variables of ours that a worker gets as they are; allocator_variable() names the others. QEMU's
 * say what machine it emulates, which has to be ours. */
static bool passes_to_worker(const char *entry)
{
	static const char *const names[] = {
		"PATH=",
		"LD_LIBRARY_PATH=",
		"ASAN_OPTIONS=",
		"UBSAN_OPTIONS=",
		"LSAN_OPTIONS=",
		"TSAN_OPTIONS=",
		"GROWBENCH_TRACE_",
		"QEMU_",
		NULL,
	};

	for (const char *const *name = names; *name != NULL; name++)
		if (g_str_has_prefix(entry, *name))
			return true;
	return allocator_variable(entry);
}

char **environment_for_workers(void)
{
	GPtrArray *entries = g_ptr_array_new();
	char own[PATH_MAX] = "";
	struct error ignored;

	for (char **entry = environ; *entry != NULL; entry++)
		if (passes_to_worker(*entry))
			g_ptr_array_add(entries, g_strdup(*entry));
	g_ptr_array_add(entries, g_strdup("LC_ALL=C"));
	/* GLib before 2.76 has an allocator of its own for small structures, which would stand
	 * between its arrays and malloc. */
	g_ptr_array_add(entries, g_strdup("G_SLICE=always-malloc"));
	/* The library for workers in other languages lies beside this program. */
	(void)program_own_folder(own, &ignored);
	g_ptr_array_add(entries, g_strdup_printf("GROWBENCH_WORKER_KIT=%s/" WORKER_KIT, own));
	g_ptr_array_add(entries, NULL);
	return (char **)g_ptr_array_free(entries, FALSE);
}
