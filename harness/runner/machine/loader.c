#include "harness/runner/machine/loader.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "harness/runner/machine/facts.h"

enum {
	MOST_BYTES = 32 << 10 /* of what is printed; the rest is not read */
};

/* The file of the loader that started this program; NULL if another did. */
static const char *loader_path(void)
{
	const void *base = (const void *)getauxval(AT_BASE); // NOLINT(performance-no-int-to-ptr)
	Dl_info info;

	return base != NULL && dladdr(base, &info) != 0 ? info.dli_fname : NULL;
}

/* Fills text[MOST_BYTES] with what can be read, as a string. */
static void read_all(int fd, char *text)
{
	size_t length = 0;
	ssize_t got;

	while (length < MOST_BYTES - 1 &&
	       (got = TEMP_FAILURE_RETRY(read(fd, text + length, MOST_BYTES - 1 - length))) > 0)
		length += (size_t)got;
	text[length] = '\0';
}

/* Starts the loader with its standard output in the pipe; 0 if that is not possible. */
static pid_t start(const char *path, const char *option, const char *tunables, const int pipe[2])
{
	const char *const arguments[] = {path, option, NULL};
	const char *const environment[] = {"LC_ALL=C", tunables, NULL};
	posix_spawn_file_actions_t actions;
	pid_t child;
	int failed;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return 0;
	failed = posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO) != 0 ||
		 posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY,
						  0) != 0 ||
		 posix_spawn(&child, path, &actions, NULL, (char *const *)arguments,
			     (char *const *)environment) != 0;
	(void)posix_spawn_file_actions_destroy(&actions);
	return failed ? 0 : child;
}

/* Puts what the loader prints into text[MOST_BYTES]; false, with an empty text, if it cannot be
 * run, or does not know the option. Allocates nothing: this program ends where there is no memory,
 * and would leave the loader. */
static bool ask(const char *path, const char *option, const char *tunables, char *text)
{
	int status = -1;
	int pipe[2];
	pid_t child;

	text[0] = '\0';
	if (path == NULL || pipe2(pipe, O_CLOEXEC) != 0)
		return false;
	child = start(path, option, tunables, pipe);
	(void)close(pipe[1]);
	if (child > 0)
		read_all(pipe[0], text);
	/* One that has more to say cannot write it, and ends. */
	(void)close(pipe[0]);
	if (child > 0 && TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) != child)
		status = -1;
	if (status != 0)
		text[0] = '\0';
	return status == 0;
}

json_t *loader_read_tunables(const char *text)
{
	static const char *const groups[] = {"glibc.cpu.", "glibc.malloc.", "glibc.mem."};
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	json_t *tunables = json_object();

	for (char **line = lines; *line != NULL; line++) {
		/* "NAME: VALUE (min: LEAST, max: MOST)"; what has no limits may have no value. */
		const char *value = strstr(*line, ": ");
		const char *limits = value == NULL ? NULL : strstr(value + 2, " (min: ");
		g_autofree char *name = NULL;
		g_autofree char *told = NULL;

		if (limits == NULL)
			continue;
		name = g_strndup(*line, (size_t)(value - *line));
		told = g_strndup(value + 2, (size_t)(limits - value - 2));
		for (size_t i = 0; i < G_N_ELEMENTS(groups); i++)
			if (g_str_has_prefix(name, groups[i]))
				(void)json_object_set_new(tunables, name + strlen("glibc."),
							  json_string(told));
	}
	if (json_object_size(tunables) > 0)
		return tunables;
	json_decref(tunables);
	return NULL;
}

char *loader_read_level(const char *text)
{
	static const char heading[] = "Subdirectories of glibc-hwcaps directories";
	const char *part = strstr(text, heading);
	g_auto(GStrv) lines = g_strsplit(part == NULL ? "" : part, "\n", -1);

	/* "  x86-64-v3 (supported, searched)", and an empty line behind the last. */
	for (char **line = lines; *line != NULL && **line != '\0'; line++) {
		const size_t indent = strspn(*line, " ");
		const size_t length = strcspn(*line + indent, " ");

		if (g_str_has_prefix(*line + indent + length, " (supported, searched)") &&
		    g_utf8_validate(*line, -1, NULL))
			return g_strndup(*line + indent, length);
	}
	return NULL;
}

void loader_facts(const char *tunables, json_t *system, json_t *absent)
{
	const char *const path = loader_path();
	char text[MOST_BYTES];
	g_autofree char *level = NULL;

	facts_set(system, absent, "glibc_tunables",
		  ask(path, "--list-tunables", tunables, text) ? loader_read_tunables(text) : NULL,
		  "the loader does not list its tunables (ld.so --list-tunables)");
	if (ask(path, "--help", tunables, text))
		level = loader_read_level(text);
	facts_set(system, absent, "isa_level", level == NULL ? NULL : json_string(level),
		  "the loader knows no levels of this architecture (ld.so --help)");
}
