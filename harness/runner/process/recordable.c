#include "harness/runner/process/recordable.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <glib.h>

#include "harness/runner/process/program.h"

/* This program's own ELF header, placed here by the linker under a name of its choice. */
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

enum {
	/* That name each other as interpreters; the kernel follows five. */
	MOST_SCRIPTS = 5
};

static bool find_in_path(const char *word, char *path)
{
	const char *folders = getenv("PATH");
	g_auto(GStrv) items = g_strsplit(folders == NULL ? "/usr/bin:/bin" : folders, ":", -1);

	for (char **folder = items; *folder != NULL; folder++) {
		if (snprintf(path, PATH_MAX, "%s/%s", **folder == '\0' ? "." : *folder, word) <
			    PATH_MAX &&
		    program_why_not(path) == NULL)
			return true;
	}
	return false;
}

bool recordable_find(const char *word, char *path, struct error *error)
{
	const char *reason;

	if (*word == '\0')
		return error_set(error, "the command's name is empty");
	if (strchr(word, '/') == NULL)
		return find_in_path(word, path) ||
		       error_set(error, "%s: no such program in the folders of PATH", word);
	if (strlen(word) >= PATH_MAX)
		return error_set(error, "%s: the name is too long", word);
	(void)strcpy(path, word);
	reason = program_why_not(path);
	return reason == NULL || error_set(error, "%s cannot be executed: %s", word, reason);
}

/* ---- files ---- */

/* The segment of that type. */
static bool find_segment(int fd, const ElfW(Ehdr) * header, uint32_t type, ElfW(Phdr) * segment)
{
	for (unsigned i = 0; i < header->e_phnum; i++)
		if (pread(fd, segment, sizeof *segment,
			  (off_t)(header->e_phoff + i * sizeof *segment)) ==
			    (ssize_t)sizeof *segment &&
		    segment->p_type == type)
			return true;
	return false;
}

/* The dynamic linker that a program names: only its file name, as folders differ. */
static bool read_linker(int fd, const ElfW(Ehdr) * header, char *name, size_t size)
{
	char text[PATH_MAX] = "";
	ElfW(Phdr) segment;
	ssize_t got;

	if (!find_segment(fd, header, PT_INTERP, &segment))
		return false;
	got = pread(fd, text, segment.p_filesz < sizeof text ? segment.p_filesz : sizeof text - 1,
		    (off_t)segment.p_offset);
	if (got <= 0)
		return false;
	text[sizeof text - 1] = '\0';
	(void)snprintf(name, size, "%s",
		       strrchr(text, '/') == NULL ? text : strrchr(text, '/') + 1);
	return true;
}

/* That of this program; "" if it cannot be told. */
static const char *own_linker(void)
{
	static char name[NAME_MAX];
	const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (!read_linker(fd, &__ehdr_start, name, sizeof name))
			name[0] = '\0';
		(void)close(fd);
	}
	return name;
}

static const char *why_not_program(int fd, const ElfW(Ehdr) * header)
{
	static char reason[2 * NAME_MAX + 100];
	char linker[NAME_MAX];
	const char *own;

	if (header->e_ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] ||
	    header->e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
	    header->e_machine != __ehdr_start.e_machine)
		return "it is for another kind of processor than this growbench";
	if (!read_linker(fd, header, linker, sizeof linker))
		return "it is linked statically, so no library can stand in front of its "
		       "allocator; link it dynamically";
	own = own_linker();
	if (*own == '\0' || strcmp(linker, own) == 0)
		return NULL;
	(void)snprintf(reason, sizeof reason,
		       "it is for another C library (%s), and the recorder is for %s", linker, own);
	return reason;
}

/* It would run without the rights that it has got, as growbench gives nobody any. */
static bool has_rights(const char *path, int fd)
{
	struct stat status;

	return fstat(fd, &status) != 0 || (status.st_mode & S_ISUID) != 0 ||
	       (status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ||
	       getxattr(path, "security.capability", NULL, 0) > 0;
}

/* The interpreter that the first line names, for g_free. */
static char *interpreter_of(int fd)
{
	char line[256] = "";
	const ssize_t got = pread(fd, line, sizeof line - 1, 2);
	char *start = line + strspn(line, " \t");

	if (got <= 0)
		return g_strdup("");
	start[strcspn(start, " \t\n")] = '\0';
	return g_strdup(start);
}

/* Looks at one file: *interpreter, for g_free, is what is to be looked at next, or NULL. */
static bool check_file(const char *path, char **interpreter, struct error *error)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ElfW(Ehdr) header = {.e_type = ET_NONE};
	const char *reason = NULL;
	ssize_t got;

	*interpreter = NULL;
	if (fd < 0)
		return error_set(error,
				 "%s cannot be read, so it is not known whether it can be "
				 "recorded: %s",
				 path, strerror(errno));
	got = pread(fd, &header, sizeof header, 0);
	if (got >= 2 && memcmp(&header, "#!", 2) == 0)
		*interpreter = interpreter_of(fd);
	else if (got != (ssize_t)sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		reason = "it is neither a program nor a script that names its interpreter";
	else if (has_rights(path, fd))
		reason = "it is set-user-ID, set-group-ID or has capabilities, and would run "
			 "without these rights; record a copy of it";
	else
		reason = why_not_program(fd, &header);
	(void)close(fd);
	return reason == NULL || error_set(error, "%s cannot be recorded: %s", path, reason);
}

bool recordable_check(const char *path, struct error *error)
{
	g_autofree char *next = g_strdup(path);

	for (int i = 0; next != NULL; i++) {
		char *interpreter;

		if (i > MOST_SCRIPTS)
			return error_set(error, "%s: too many scripts that name each other", path);
		if (!check_file(next, &interpreter, error))
			return false;
		g_free(next);
		next = interpreter;
	}
	return true;
}
