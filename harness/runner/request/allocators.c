#include "harness/runner/request/allocators.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <glib.h>

#include "harness/common/columns.h"
#include "harness/common/text.h"
#include "harness/common/utf8.h"
#include "harness/runner/process/program.h"
#include "harness/runner/request/library.h"
#include "harness/worker/aged.h"

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

static const struct known_allocator *find_known(const char *name)
{
	for (const struct known_allocator *known = known_allocators; known->name != NULL; known++)
		if (strcmp(known->name, name) == 0)
			return known;
	return NULL;
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
	allocator->library = library_find(known->patterns);
	if (allocator->library == NULL) {
		set_missing(allocator, "%s is not installed; make setup does it (package %s)",
			    known->name, known->package);
		return;
	}
	allocator->expected_path = g_strdup(allocator->library);
}

static void use_file(const char *path, struct allocator *allocator)
{
	const char *reason = library_why_not(path);
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
	allocator->environment = g_strdupv((char *[]){NULL});
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

/* A heap is aged by a seed; the other variables are for the library to read. */
static bool check_variable(const struct allocator *allocator, const char *text, size_t length,
			   struct error *error)
{
	const size_t name_length = strlen(AGED_VARIABLE "=");
	g_autofree char *value = NULL;
	g_autofree char *what = NULL;
	uint64_t seed;

	if (strncmp(text, AGED_VARIABLE "=", name_length) != 0)
		return true;
	value = g_strndup(text + name_length, length - name_length);
	what = g_strdup_printf("--allocator %s: " AGED_VARIABLE, allocator->name);
	return parse_seed(value, what, &seed, error);
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
		if (!check_variable(allocator, text, (size_t)(end - text), error))
			return false;
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
	allocator->environment = g_strdupv((char *[]){NULL});
	end = end_of_part(equals + 1);
	base_and_build = g_strndup(equals + 1, (size_t)(end - equals - 1));
	ok = parse_base(base_and_build, allocator, error) &&
	     (*end == '\0' || parse_environment(end + 1, allocator, error));
	if (!ok)
		allocator_release(allocator);
	return ok;
}

void allocator_age(const struct allocator *allocator, uint64_t seed, struct allocator *aged)
{
	g_autofree char *number = g_strdup_printf("%" PRIu64, seed);

	*aged = (struct allocator){
		.name = g_strdup_printf("%s-aged", allocator->name),
		.library = g_strdup(allocator->library),
		.expected_path = g_strdup(allocator->expected_path),
		.environment = g_environ_setenv(g_strdupv(allocator->environment), AGED_VARIABLE,
						number, TRUE),
		.build = g_strdup(allocator->build),
		.worker = g_strdup(allocator->worker),
		.missing = g_strdup(allocator->missing),
	};
}

uint64_t allocator_aged_seed(const struct allocator *allocator)
{
	const char *text = g_environ_getenv(allocator->environment, AGED_VARIABLE);

	return text == NULL ? 0 : strtoull(text, NULL, 10);
}

void allocator_release(struct allocator *allocator)
{
	g_strfreev(allocator->environment);
	g_free(allocator->name);
	g_free(allocator->library);
	g_free(allocator->expected_path);
	g_free(allocator->build);
	g_free(allocator->worker);
	g_free(allocator->missing);
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
