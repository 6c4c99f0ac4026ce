#include "harness/runner/request/allocators.h"

#include <ctype.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "harness/common/columns.h"
#include "harness/common/text.h"
#include "harness/common/utf8.h"
#include "harness/runner/process/program.h"

/* This program's own ELF header, placed here by the linker under a name of its choice. */
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

#define SCUDO_BELOW(folder) \
	folder "/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-" GROWBENCH_MACHINE ".so"

const struct known_allocator known_allocators[] = {
	{"glibc", "libc6", {NULL}, NULL},
	{"jemalloc", "libjemalloc2", {"libjemalloc.so.2", NULL}, NULL},
	{"mimalloc", "libmimalloc3 or libmimalloc2.0", {"libmimalloc.so*", NULL}, NULL},
	{"tcmalloc",
	 "libtcmalloc-minimal4",
	 {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4", NULL},
	 NULL},
	{"tbbmalloc", "libtbbmalloc2", {"libtbbmalloc_proxy.so.2", NULL}, NULL},
	// NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one pattern in two pieces
	/* Scudo has a sampling error detector in it (GWP-ASan), which takes a backtrace of one
	 * allocation in 5,000. glibc's backtrace() loads libgcc_s when it is first called; inside
	 * of dlopen that breaks the loader's lists: Python dies of it once in some 700 starts. */
	{"scudo",
	 "libclang-rt-14-dev",
	 {SCUDO_BELOW("/usr/lib/llvm-*"), SCUDO_BELOW("/usr"), NULL},
	 "SCUDO_OPTIONS=GWP_ASAN_Enabled=false"},
	{NULL, NULL, {NULL}, NULL},
};

static const char *const library_folders[] = {
	"/usr/local/lib",
	"/usr/lib/" GROWBENCH_LIBRARY_ARCHITECTURE,
	"/usr/lib64",
	"/usr/lib",
	NULL,
};

static const struct known_allocator *find_known(const char *name)
{
	for (const struct known_allocator *known = known_allocators; known->name != NULL; known++)
		if (strcmp(known->name, name) == 0)
			return known;
	return NULL;
}

/* The match of the pattern with the highest version, links resolved, or NULL. */
static char *best_match(const char *pattern)
{
	glob_t matches;
	const char *best = NULL;
	char *path = NULL;

	if (glob(pattern, GLOB_NOSORT, NULL, &matches) == 0) {
		for (size_t i = 0; i < matches.gl_pathc; i++)
			if (best == NULL || strverscmp(matches.gl_pathv[i], best) > 0)
				best = matches.gl_pathv[i];
		path = best == NULL ? NULL : realpath(best, NULL);
	}
	globfree(&matches);
	return path;
}

static char *find_library(const struct known_allocator *known)
{
	char *path = NULL;

	for (const char *const *pattern = known->patterns; path == NULL && *pattern != NULL;
	     pattern++) {
		if (strchr(*pattern, '/') != NULL) {
			path = best_match(*pattern);
			continue;
		}
		for (size_t i = 0; path == NULL && library_folders[i] != NULL; i++) {
			g_autofree char *full =
				g_build_filename(library_folders[i], *pattern, NULL);

			path = best_match(full);
		}
	}
	return path;
}

/* The file of the C library that this process runs on, or NULL. */
static char *libc_path(void)
{
	Dl_info info;
	void *symbol = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");

	if (symbol == NULL || dladdr(symbol, &info) == 0)
		return NULL;
	return realpath(info.dli_fname, NULL);
}

/* Is a library of this class, byte order and machine for the processor that this program was built
 * for? */
static bool same_processor(const ElfW(Ehdr) * header)
{
	return header->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
	       header->e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA] &&
	       header->e_machine == __ehdr_start.e_machine;
}

/* The value of DT_FLAGS_1 in the dynamic section, or 0. */
static uint64_t dynamic_flags(int fd, const ElfW(Phdr) * dynamic)
{
	ElfW(Dyn) entry;

	for (uint64_t at = 0; at + sizeof entry <= dynamic->p_filesz; at += sizeof entry) {
		if (pread(fd, &entry, sizeof entry, (off_t)(dynamic->p_offset + at)) !=
			    (ssize_t)sizeof entry ||
		    entry.d_tag == DT_NULL)
			return 0;
		if (entry.d_tag == DT_FLAGS_1)
			return entry.d_un.d_val;
	}
	return 0;
}

/* Is it a program that may lie anywhere? It is of a library's type, but the loader does not take it
 * for one. */
static bool is_program(int fd, const ElfW(Ehdr) * header)
{
	for (unsigned i = 0; i < header->e_phnum; i++) {
		ElfW(Phdr) segment;

		if (pread(fd, &segment, sizeof segment,
			  (off_t)(header->e_phoff + i * sizeof segment)) != (ssize_t)sizeof segment)
			return false;
		if (segment.p_type == PT_DYNAMIC)
			return (dynamic_flags(fd, &segment) & DF_1_PIE) != 0;
	}
	return false;
}

/* Why what this descriptor is of cannot be preloaded, or NULL. */
static const char *why_not_a_library(int fd)
{
	ElfW(Ehdr) header;
	struct stat status;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return "it is not a regular file";
	if (read(fd, &header, sizeof header) != (ssize_t)sizeof header ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return "it is not an ELF file";
	if (!same_processor(&header))
		return "it is for another kind of processor";
	if (header.e_type != ET_DYN || is_program(fd, &header))
		return "it is not a shared library";
	return NULL;
}

/* Why the file cannot be preloaded, or NULL if nothing speaks against it. */
static const char *why_not_loadable(const char *path)
{
	/* Not to be kept waiting by a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *reason;

	if (fd < 0)
		return strerror(errno);
	reason = why_not_a_library(fd);
	(void)close(fd);
	return reason;
}

/* Says why it cannot be used, whatever is in the names. */
static void set_missing(struct allocator *allocator, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void set_missing(struct allocator *allocator, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	allocator->missing = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	make_printable(allocator->missing);
}

/* Gives the allocator's workers the variable "NAME=value" of `length` characters, instead of one of
 * that name that they had. */
static void set_variable(struct allocator *allocator, const char *entry, size_t length)
{
	g_autofree char *name = g_strndup(entry, length);
	char *value = strchr(name, '=');

	*value++ = '\0';
	allocator->environment = g_environ_setenv(allocator->environment, name, value, TRUE);
}

/* Is the variable of this entry, "NAME=value", set in our own environment? */
static bool is_set(const char *entry)
{
	g_autofree char *name = g_strndup(entry, strcspn(entry, "="));

	return getenv(name) != NULL;
}

static void use_known(const struct known_allocator *known, struct allocator *allocator)
{
	if (known->environment != NULL && !is_set(known->environment))
		set_variable(allocator, known->environment, strlen(known->environment));
	if (known->patterns[0] == NULL) {
		allocator->expected_path = libc_path();
		if (allocator->expected_path == NULL)
			set_missing(allocator, "the C library's file cannot be told");
		return;
	}
	allocator->library = find_library(known);
	if (allocator->library == NULL) {
		set_missing(allocator, "%s is not installed; make setup does it (package %s)",
			    known->name, known->package);
		return;
	}
	allocator->expected_path = g_strdup(allocator->library);
}

static void use_file(const char *path, struct allocator *allocator)
{
	const char *reason = why_not_loadable(path);
	char *real = reason == NULL ? realpath(path, NULL) : NULL;

	if (reason == NULL && real == NULL)
		reason = strerror(errno);
	if (real == NULL) {
		set_missing(allocator, "%s cannot be preloaded: %s", path, reason);
	} else if (!column_accepts(COLUMN_TEXT, real)) {
		set_missing(allocator,
			    "%s cannot be measured: its path, '%s', is not printable UTF-8, so "
			    "that no file of a run can name it; copy it to another place",
			    path, real);
		free(real);
	} else {
		allocator->library = real;
		allocator->expected_path = g_strdup(real);
	}
}

bool allocator_find(const char *name, struct allocator *allocator, struct error *error)
{
	const struct known_allocator *known = find_known(name);

	memset(allocator, 0, sizeof *allocator);
	if (known == NULL) {
		const char *names[sizeof known_allocators / sizeof *known_allocators];

		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			names[i] = known_allocators[i].name;
		return unknown_name("allocator", name, names, error);
	}
	allocator->name = g_strdup(name);
	allocator->environment = g_new0(char *, 1);
	use_known(known, allocator);
	return true;
}

static bool is_label(const char *text, size_t length)
{
	if (length == 0 || length > 40 || !isalnum((unsigned char)*text))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && strchr("_.-+", text[i]) == NULL)
			return false;
	return true;
}

/* The length of a variable's name if `text` begins with "NAME=", else 0. */
static size_t variable_length(const char *text)
{
	size_t length = 0;

	if (!isupper((unsigned char)*text) && *text != '_')
		return 0;
	while (isupper((unsigned char)text[length]) || isdigit((unsigned char)text[length]) ||
	       text[length] == '_')
		length++;
	return text[length] == '=' ? length : 0;
}

/* Where the next ",VARIABLE=" is, or the end. */
static const char *end_of_part(const char *text)
{
	while (*text != '\0' && !(*text == ',' && variable_length(text + 1) > 0))
		text++;
	return text;
}

/* Reads VARIABLE=VALUE[,VARIABLE=VALUE]... */
static bool parse_environment(const char *text, struct allocator *allocator, struct error *error)
{
	while (*text != '\0') {
		const char *end = end_of_part(text);

		if (variable_length(text) == 0)
			return error_set(error,
					 "--allocator %s: '%s' is not VARIABLE=VALUE; for example "
					 "--allocator lazy=jemalloc,MALLOC_CONF=dirty_decay_ms:-1",
					 allocator->name, text);
		if (g_str_has_prefix(text, "LD_"))
			return error_set(error,
					 "--allocator %s: %.*s is not for you to set; give the "
					 "library's path instead: --allocator %s=/path/lib.so",
					 allocator->name, (int)variable_length(text), text,
					 allocator->name);
		set_variable(allocator, text, (size_t)(end - text));
		text = *end == ',' ? end + 1 : end;
	}
	return true;
}

/* Is it a known allocator, or a file that is there? */
static bool is_base(const char *name)
{
	struct stat status;

	return find_known(name) != NULL ||
	       (strchr(name, '/') != NULL && stat(name, &status) == 0 && !S_ISDIR(status.st_mode));
}

/* Cuts "BASE@BUILD" behind BASE, and returns BUILD; NULL if there is none. A path may hold '@':
 * what is a known allocator or a file is BASE, the whole before its parts; if nothing is, BASE ends
 * at the first '@'. */
static const char *cut_build(char *base)
{
	char *first = strchr(base, '@');

	if (first == NULL || is_base(base))
		return NULL;
	for (char *at = first; at != NULL; at = strchr(at + 1, '@')) {
		*at = '\0';
		if (is_base(base))
			return at + 1;
		*at = '@';
	}
	*first = '\0';
	return first + 1;
}

static bool use_build(const char *build, struct allocator *allocator, struct error *error)
{
	char path[PATH_MAX];
	struct error reason;

	if (!program_of_build(build, path, &reason))
		return error_set(error, "--allocator %s: %s", allocator->name, reason.text);
	allocator->build = g_strdup(build);
	allocator->worker = g_strdup(path);
	return true;
}

/* Reads BASE[@BUILD]; cuts it in two. */
static bool parse_base(char *base, struct allocator *allocator, struct error *error)
{
	const char *build = cut_build(base);
	const struct known_allocator *known = find_known(base);

	if (known == NULL && strchr(base, '/') == NULL) {
		struct allocator unused;

		if (allocator_find(base, &unused, error))
			allocator_release(&unused);
		return false;
	}
	if (build != NULL && !use_build(build, allocator, error))
		return false;
	if (known != NULL)
		use_known(known, allocator);
	else
		use_file(base, allocator);
	return true;
}

bool allocator_parse(const char *text, struct allocator *allocator, struct error *error)
{
	const char *equals = strchr(text, '=');
	g_autofree char *base_and_build = NULL;
	const char *end;
	bool ok;

	memset(allocator, 0, sizeof *allocator);
	if (equals == NULL || !is_label(text, (size_t)(equals - text)))
		return error_set(error,
				 "--allocator '%s': give NAME=BASE or NAME=BASE@BUILD, NAME of "
				 "letters, digits and _.-+ (at most 40), BASE a known allocator or "
				 "the path of a library, such as my=/opt/lib/libmy.so",
				 text);
	allocator->name = g_strndup(text, (size_t)(equals - text));
	allocator->environment = g_new0(char *, 1);
	end = end_of_part(equals + 1);
	base_and_build = g_strndup(equals + 1, (size_t)(end - equals - 1));
	ok = parse_base(base_and_build, allocator, error) &&
	     (*end == '\0' || parse_environment(end + 1, allocator, error));
	if (!ok)
		allocator_release(allocator);
	return ok;
}

void allocator_release(struct allocator *allocator)
{
	g_strfreev(allocator->environment);
	free(allocator->name);
	free(allocator->library);
	free(allocator->expected_path);
	free(allocator->build);
	free(allocator->worker);
	free(allocator->missing);
	memset(allocator, 0, sizeof *allocator);
}

bool allocator_variable(const char *entry)
{
	static const char *const prefixes[] = {
		"MALLOC_",     "GLIBC_TUNABLES=", "MIMALLOC_", "TCMALLOC_", "SCUDO_",
		"TBB_MALLOC_", "_RJEM_MALLOC_",   "JEMALLOC_", NULL,
	};

	for (const char *const *prefix = prefixes; *prefix != NULL; prefix++)
		if (g_str_has_prefix(entry, *prefix))
			return true;
	return false;
}
