#include "harness/runner/request/library.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

/* This program's own ELF header, placed here by the linker under a name of its choice. */
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static const char *const library_folders[] = {
	"/usr/local/lib",
	"/usr/lib/" GROWBENCH_LIBRARY_ARCHITECTURE,
	"/usr/lib64",
	"/usr/lib",
	NULL,
};

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

char *library_find(const char *const *patterns)
{
	char *path = NULL;

	for (const char *const *pattern = patterns; path == NULL && *pattern != NULL; pattern++) {
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

const char *library_why_not(const char *path)
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
