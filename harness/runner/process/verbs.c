#include "harness/runner/process/verbs.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "harness/runner/process/program.h"

/* The package, as a path that Python can be given. Static. */
static const char *package(void)
{
	static char path[PATH_MAX + 64];

	(void)snprintf(path, sizeof path, "%s/growbench", program_scripts());
	return path;
}

/* For verbs that measure: with this program, wherever they are called. */
static void name_runner(void)
{
	char path[PATH_MAX + 16];
	struct error ignored;

	if (program_own_folder(path, &ignored)) {
		(void)strcat(path, "/growbench");
		(void)setenv("GROWBENCH_RUNNER", path, 0);
	}
}

const char *verb_python(void)
{
	const char *python = getenv("PYTHON");

	return python == NULL || *python == '\0' ? GROWBENCH_PYTHON : python;
}

bool verb_execute(char **argv, struct error *error)
{
	const char *python = verb_python();
	g_autoptr(GPtrArray) words = g_ptr_array_new();

	g_ptr_array_add(words, (char *)python);
	g_ptr_array_add(words, (char *)package());
	for (char **word = argv; *word != NULL; word++)
		g_ptr_array_add(words, *word);
	g_ptr_array_add(words, NULL);
	name_runner();
	(void)execvp(python, (char **)words->pdata);
	return error_set(error,
			 "%s is done by Python, and %s cannot be started: %s; install "
			 "python3 (in a checkout: make setup)",
			 argv[0], python, strerror(errno));
}

bool verb_run(const char *name, const char *path)
{
	const char *python = verb_python();
	int status = -1;
	const pid_t pid = fork();

	if (pid == 0) {
		/* Standard output is the caller's; and Ctrl-C was for what came before. */
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)signal(SIGINT, SIG_IGN);
		(void)execlp(python, python, package(), name, path, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
