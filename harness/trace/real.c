#include "harness/trace/real.h"

#include <dlfcn.h>
#include <string.h>

#include "harness/trace/raw.h"

struct real real;
atomic_bool real_found;

/* A function pointer is copied out of dlsym's void *, without the cast that ISO C does not allow.
 */
#define MEMBER(name)                                   \
	{                                              \
#name, offsetof(struct real, name), 0, \
	}

static struct {
	const char *name;
	size_t offset;
	bool of_allocator;
} members[] = {
	MEMBER(malloc),
	MEMBER(calloc),
	MEMBER(realloc),
	MEMBER(reallocarray),
	MEMBER(free),
	MEMBER(aligned_alloc),
	MEMBER(memalign),
	MEMBER(valloc),
	MEMBER(pvalloc),
	MEMBER(posix_memalign),
	MEMBER(malloc_usable_size),
	MEMBER(mallocx),
	MEMBER(rallocx),
	MEMBER(xallocx),
	MEMBER(dallocx),
	MEMBER(sdallocx),
	MEMBER(mi_malloc),
	MEMBER(mi_calloc),
	MEMBER(mi_zalloc),
	MEMBER(mi_realloc),
	MEMBER(mi_expand),
	MEMBER(mi_free),
};

#define MEMBER_COUNT (sizeof members / sizeof *members)

/* volatile: dlsym is declared a leaf, which never comes back to here. */
static _Thread_local volatile bool finding __attribute__((tls_model("initial-exec")));

static void *object_of(void *address)
{
	Dl_info info;

	return address != NULL && dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

/* Several threads may do it at the same time; they find the same. None waits for another, which
 * might wait for a lock of the dynamic linker's that this one holds. */
bool real_find(void)
{
	struct real found;
	void *allocator;

	if (finding)
		return false;
	finding = true;
	allocator = object_of(dlsym(RTLD_NEXT, "malloc"));
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		void *address = dlsym(RTLD_NEXT, members[i].name);

		memcpy((char *)&found + members[i].offset, &address, sizeof address);
		members[i].of_allocator = address != NULL && object_of(address) == allocator;
	}
	if (found.malloc == NULL || found.calloc == NULL || found.realloc == NULL ||
	    found.free == NULL)
		raw_die("growbench: there is no malloc behind this library");
	/* A stranger's would be asked about blocks that it does not know. */
	if (!real_is_of_allocator("malloc_usable_size"))
		found.malloc_usable_size = NULL;
	real = found;
	atomic_store_explicit(&real_found, true, memory_order_release);
	finding = false;
	return true;
}

void *real_function(const char *name)
{
	if (!real_ready())
		return NULL;
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		void *address;

		if (strcmp(members[i].name, name) != 0)
			continue;
		memcpy(&address, (char *)&real + members[i].offset, sizeof address);
		return address;
	}
	return NULL;
}

bool real_is_of_allocator(const char *name)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (strcmp(members[i].name, name) == 0)
			return members[i].of_allocator;
	return false;
}
