#include "harness/worker/identity.h"

#include <ctype.h>
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnu/libc-version.h>

#include "harness/trace/trace.h"

static void *object_of(const void *address)
{
	Dl_info info;

	return dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

/* Is that the place in a program that stands for a function of a library? A program that lies at a
 * fixed address (as some builds of Python do) and takes a function's address has a stub of its own,
 * which every object then takes for the function, and the dynamic linker finds first. The program's
 * table of symbols says that it does not define it. */
static bool is_stub(const void *symbol)
{
	const ElfW(Sym) *entry = NULL;
	void *extra = NULL;
	Dl_info info;

	if (dladdr1(symbol, &info, &extra, RTLD_DL_SYMENT) == 0 || extra == NULL)
		return false;
	entry = extra;
	return entry->st_shndx == SHN_UNDEF;
}

/* The first definition in the order of the dynamic linker that is none of the program itself. */
static void *find_in_libraries(const char *name)
{
	struct link_map *object = NULL;
	void *program = dlopen(NULL, RTLD_LAZY);
	void *found = NULL;

	if (program == NULL || dlinfo(program, RTLD_DI_LINKMAP, &object) != 0)
		return NULL;
	for (object = object->l_next; object != NULL && found == NULL; object = object->l_next) {
		void *handle = dlopen(object->l_name, RTLD_LAZY | RTLD_NOLOAD);
		void *symbol = handle == NULL ? NULL : dlsym(handle, name);

		/* dlsym looks into what the object needs, too. */
		if (symbol != NULL && object_of(symbol) == object_of(object->l_ld))
			found = symbol;
		if (handle != NULL)
			(void)dlclose(handle);
	}
	(void)dlclose(program);
	return found;
}

/* The function that calls of that name end up in, or NULL. */
static void *find_function(const char *name)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);

	return symbol != NULL && is_stub(symbol) ? find_in_libraries(name) : symbol;
}

/* A function of that name if the object at `base` defines it, or NULL. */
static void *own_symbol(const char *name, const void *base)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);

	return symbol != NULL && object_of(symbol) == base ? symbol : NULL;
}

/* A function's address out of dlsym's void *, without the cast that ISO C does not allow. */
#define AS_FUNCTION(function, symbol)                             \
	do {                                                      \
		void *address_ = (symbol);                        \
		memcpy(&(function), &address_, sizeof(function)); \
	} while (0)

static void glibc_version(void *symbol, char *text, size_t size)
{
	const char *(*version)(void);

	AS_FUNCTION(version, symbol);
	(void)snprintf(text, size, "%s", version());
}

static void jemalloc_version(void *symbol, char *text, size_t size)
{
	int (*mallctl)(const char *, void *, size_t *, void *, size_t);
	const char *version = NULL;
	size_t length = sizeof version;

	AS_FUNCTION(mallctl, symbol);
	if (mallctl("version", &version, &length, NULL, 0) == 0 && version != NULL)
		(void)snprintf(text, size, "%s", version);
}

static void mimalloc_version(void *symbol, char *text, size_t size)
{
	int (*mi_version)(void);
	int version;
	int base;

	AS_FUNCTION(mi_version, symbol);
	version = mi_version();
	/* 209 is 2.0.9; later versions have two digits for each: 30600 is 3.6.0. */
	base = version < 10000 ? 10 : 100;
	(void)snprintf(text, size, "%d.%d.%d", version / base / base, version / base % base,
		       version % base);
}

static void tcmalloc_version(void *symbol, char *text, size_t size)
{
	const char *(*tc_version)(int *, int *, const char **);
	const char *patch = "";
	int major;
	int minor;

	AS_FUNCTION(tc_version, symbol);
	(void)tc_version(&major, &minor, &patch);
	(void)snprintf(text, size, "%d.%d%s", major, minor, patch == NULL ? "" : patch);
}

/* How a library is asked for its version. One that is not here has the version of its path. */
static const struct {
	const char *symbol;
	void (*version)(void *symbol, char *text, size_t size);
} version_probes[] = {
	{"gnu_get_libc_version", glibc_version},
	{"mallctl", jemalloc_version},
	{"mi_version", mimalloc_version},
	{"tc_version", tcmalloc_version},
};

/* The length of a version such as 2.8 or 14.0.6 at the start of the text, or 0. A whole folder's
 * name, as in clang/19/, is one without dots too. */
static size_t version_length(const char *text, bool after_slash)
{
	size_t length = strspn(text, "0123456789");
	bool dotted = false;

	if (after_slash && text[length] == '/')
		return length;
	while (length > 0 && text[length] == '.' && isdigit((unsigned char)text[length + 1])) {
		dotted = true;
		length += 1 + strspn(text + length + 1, "0123456789");
	}
	return dotted ? length : 0;
}

/* The last version in the path: ".../libfoo.so.2.8" is 2.8, and
 * ".../clang/14.0.6/lib/linux/libbar-x86_64.so" is 14.0.6. */
static void version_of_path(const char *path, char *text, size_t size)
{
	bool after_slash = false;

	*text = '\0';
	while (*path != '\0') {
		size_t length = version_length(path, after_slash);

		if (length > 0)
			(void)snprintf(text, size, "%.*s", (int)length, path);
		path += length > 0 ? length : 1;
		after_slash = path[-1] == '/';
	}
}

static void find_version(const void *base, struct identity *identity)
{
	identity->version[0] = '\0';
	for (size_t i = 0; i < sizeof version_probes / sizeof *version_probes; i++) {
		void *symbol = own_symbol(version_probes[i].symbol, base);

		if (symbol != NULL) {
			version_probes[i].version(symbol, identity->version,
						  sizeof identity->version);
			return;
		}
	}
	version_of_path(identity->path, identity->version, sizeof identity->version);
}

struct build_id_search {
	const void *base;
	struct identity *identity;
};

static int find_build_id(struct dl_phdr_info *object, size_t size, void *data)
{
	struct build_id_search *search = data;
	bool found = false;

	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &object->dlpi_phdr[i];
		uintptr_t start = object->dlpi_addr + header->p_vaddr;

		found |= header->p_type == PT_LOAD && (uintptr_t)search->base >= start &&
			 (uintptr_t)search->base < start + header->p_memsz;
	}
	if (!found)
		return 0;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &object->dlpi_phdr[i];

		if (header->p_type == PT_NOTE)
			(void)build_id_of_notes(
				(const unsigned char *)(object->dlpi_addr + header->p_vaddr),
				header->p_memsz, search->identity->build_id);
	}
	return 1;
}

/*
 * The table of the interposer (trace.h) in *trace, or NULL if it is not preloaded. False if it is
 * of another version, or not the first to be called: what it counts would not be what the program
 * does.
 */
static bool find_trace(const struct trace **trace, struct error *error)
{
	void *symbol = find_function("malloc");
	Dl_info info;

	*trace = dlsym(RTLD_DEFAULT, TRACE_SYMBOL);
	if (*trace == NULL)
		return true;
	if ((*trace)->version != TRACE_VERSION)
		return error_set(error,
				 "the interposer that is preloaded has version %u, but this is for "
				 "version %u; build both anew",
				 (*trace)->version, (unsigned)TRACE_VERSION);
	if (symbol == NULL || object_of(symbol) != object_of(*trace))
		return error_set(
			error,
			"malloc comes from %s, not from the interposer, which has to stand "
			"first in LD_PRELOAD",
			symbol != NULL && dladdr(symbol, &info) != 0 ? info.dli_fname : "nowhere");
	return true;
}

/* The function that does the work: with the interposer, the one behind it. NULL if there is none,
 * or the call does not pass by the interposer. */
static void *working_function(const char *name, const struct trace *trace)
{
	void *symbol = find_function(name);

	if (trace == NULL || symbol == NULL)
		return symbol;
	return object_of(symbol) == object_of(trace) ? trace->real(name) : NULL;
}

bool identity_find(struct identity *identity, struct error *error)
{
	static const char *const functions[] = {"malloc", "calloc", "realloc", "free"};
	struct build_id_search search = {.identity = identity};
	const struct trace *trace;
	Dl_info info;

	memset(identity, 0, sizeof *identity);
	if (!find_trace(&trace, error))
		return false;
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		void *symbol = working_function(functions[i], trace);

		if (symbol == NULL || dladdr(symbol, &info) == 0)
			return error_set(error, "cannot tell which object supplies %s",
					 functions[i]);
		if (search.base != NULL && search.base != info.dli_fbase)
			return error_set(error, "%s comes from %s, but malloc from elsewhere",
					 functions[i], info.dli_fname);
		search.base = info.dli_fbase;
	}
	if (realpath(info.dli_fname, identity->path) == NULL)
		(void)snprintf(identity->path, sizeof identity->path, "%s", info.dli_fname);
	find_version(search.base, identity);
	(void)dl_iterate_phdr(find_build_id, &search);
	return true;
}
