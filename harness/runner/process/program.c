#include "harness/runner/process/program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#define INTERPOSER "libgrowbench-trace.so"
#define CLOCK "libgrowbench-clock.so"

const char *program_why_not(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return strerror(errno);
	/* A folder's X is another right. */
	if (!S_ISREG(status.st_mode))
		return "it is not a file";
	return access(path, X_OK) == 0 ? NULL : strerror(errno);
}

bool program_of_build(const char *build, char *path, struct error *error)
{
	char program[PATH_MAX + sizeof WORKER_PROGRAM + 1];
	struct stat status;
	const char *reason;
	bool is_folder;

	if (*build == '\0')
		return error_set(error, "the build's name is empty; give the folder of a build, or "
					"the path of its " WORKER_PROGRAM);
	if (stat(build, &status) != 0)
		return error_set(error,
				 "there is no build %s: %s; give the folder of a build, or the "
				 "path of its " WORKER_PROGRAM,
				 build, strerror(errno));
	is_folder = S_ISDIR(status.st_mode);
	(void)snprintf(program, sizeof program, "%s%s", build, is_folder ? "/" WORKER_PROGRAM : "");
	if (is_folder && access(program, F_OK) != 0)
		return error_set(error,
				 "the folder %s has no " WORKER_PROGRAM
				 "; build it there with cmake --build, or give the folder of "
				 "another build",
				 build);
	reason = program_why_not(program);
	if (reason == NULL && realpath(program, path) == NULL)
		reason = strerror(errno);
	return reason == NULL ||
	       error_set(error,
			 "%s cannot be executed: %s; build it anew, or give the folder of another "
			 "build",
			 program, reason);
}

static char *beside(const char *program, const char *name)
{
	g_autofree char *folder = g_path_get_dirname(program);

	return g_build_filename(folder, name, NULL);
}

char *program_interposer(const char *program)
{
	return beside(program, INTERPOSER);
}

char *program_clock(const char *program)
{
	return beside(program, CLOCK);
}

bool program_own_folder(char *path, struct error *error)
{
	const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (length <= 0)
		return error_set(error, "/proc/self/exe cannot be read: %s", strerror(errno));
	path[length] = '\0';
	*strrchr(path, '/') = '\0';
	return true;
}

bool program_worker(const char *named, char *path, struct error *error)
{
	if (named != NULL) {
		const char *reason = program_why_not(named);

		if (reason == NULL && realpath(named, path) == NULL)
			reason = strerror(errno);
		return reason == NULL ||
		       error_set(error, "--worker: %s cannot be executed: %s", named, reason);
	}
	if (!program_own_folder(path, error))
		return false;
	if (strlen(path) + sizeof WORKER_PROGRAM + 1 > PATH_MAX)
		return error_set(error, "%s: the folder's name is too long", path);
	(void)strcat(path, "/" WORKER_PROGRAM);
	return access(path, X_OK) == 0 ||
	       error_set(error,
			 "%s is not there; build it with cmake --build, or name one with --worker",
			 path);
}

const char *program_scripts(void)
{
	static char path[PATH_MAX + 64];
	char own[PATH_MAX];
	struct error ignored;

	if (program_own_folder(own, &ignored)) {
		(void)snprintf(path, sizeof path, "%s/../scripts/growbench/__main__.py", own);
		if (access(path, R_OK) == 0) {
			(void)snprintf(path, sizeof path, "%s/../scripts", own);
			return path;
		}
	}
	return GROWBENCH_SCRIPTS;
}
