#include "harness/runner/process/verbs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PACKAGE GROWBENCH_SCRIPTS "/growbench"

const char *verb_python(void)
{
	const char *python = getenv("PYTHON");

	return python == NULL || *python == '\0' ? GROWBENCH_PYTHON : python;
}

bool verb_execute(char **argv, struct error *error)
{
	const char *python = verb_python();
	size_t count = 0;
	char **words;

	while (argv[count] != NULL)
		count++;
	words = calloc(count + 3, sizeof *words);
	if (words == NULL)
		return error_set(error, "no memory to start %s", python);
	words[0] = (char *)python;
	words[1] = (char *)PACKAGE;
	memcpy(words + 2, argv, count * sizeof *words);
	(void)execvp(python, words);
	free(words);
	return error_set(error,
			 "%s is done by Python, and %s cannot be started: %s; make setup "
			 "installs it",
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
		(void)execlp(python, python, PACKAGE, name, path, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
