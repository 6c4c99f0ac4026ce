#include "support.h"

#include "kernels/tests/cmocka_headers.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/common/emulator.h"

void assert_contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' does not contain '%s'", text, part);
}

void assert_contains_not(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("'%s' contains '%s'", text, part);
}

char temporary[PATH_MAX - 256];

int make_temporary(void **state)
{
	const char *folder = getenv("TMPDIR");
	char path[PATH_MAX];
	char resolved[PATH_MAX];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/growbench-test-XXXXXX",
		       folder == NULL || *folder != '/' ? "/tmp" : folder);
	assert_non_null(mkdtemp(path));
	assert_non_null(realpath(path, resolved));
	assert_true(strlen(resolved) < sizeof temporary);
	(void)strcpy(temporary, resolved);
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

int remove_temporary(void **state)
{
	(void)state;
	(void)nftw(temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

const char *below(const char *name)
{
	static char paths[2][PATH_MAX];
	static unsigned calls;
	char *path = paths[calls++ % 2];

	(void)snprintf(path, PATH_MAX, "%s/%s", temporary, name);
	return path;
}

void put(const char *name, const char *text)
{
	char path[PATH_MAX];

	(void)strcpy(path, below(name));
	for (char *slash = path + strlen(temporary) + 1; (slash = strchr(slash, '/')) != NULL;
	     slash++) {
		*slash = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	write_file(path, text, strlen(text));
}

void write_file(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

char *read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t used = 0;
	size_t got = 1;

	assert_non_null(file);
	while (got > 0) {
		text = realloc(text, used + 4096 + 1);
		assert_non_null(text);
		got = fread(text + used, 1, 4096, file);
		used += got;
	}
	(void)fclose(file);
	text[used] = '\0';
	if (length != NULL)
		*length = used;
	return text;
}

bool is_emulated(void)
{
	char path[PATH_MAX];

	return emulator_find(path, sizeof path);
}

static int map_more_than_the_limit(void *data)
{
	const struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};

	(void)data;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		return 0;
	return mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

bool address_space_can_be_limited(void)
{
	return WEXITSTATUS(status_of_child(map_more_than_the_limit, NULL)) == 1;
}

bool spawn_tells_what_is_missing(void)
{
	char path[] = "/nonexistent/program";
	char *arguments[] = {path, NULL};
	pid_t pid;

	if (posix_spawn(&pid, path, NULL, NULL, arguments, NULL) != 0)
		return true;
	(void)waitpid(pid, NULL, 0);
	return false;
}

int status_of_child(int (*body)(void *data), void *data)
{
	int status = -1;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		(void)dup2(null, STDERR_FILENO);
		_exit(body(data));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

bool readelf_build_id(const char *path, char *id, size_t size)
{
	static const char key[] = "Build ID: ";
	char command[PATH_MAX + 64];
	char line[1024];
	FILE *output;

	*id = '\0';
	if (system("readelf --version >/dev/null 2>&1") != 0)
		return false;
	assert_null(strchr(path, '\''));
	(void)snprintf(command, sizeof command, "LC_ALL=C readelf -n '%s' 2>/dev/null", path);
	output = popen(command, "r");
	assert_non_null(output);
	while (fgets(line, sizeof line, output) != NULL) {
		char *start = strstr(line, key);

		if (start == NULL)
			continue;
		start += strlen(key);
		start[strcspn(start, " \n")] = '\0';
		(void)snprintf(id, size, "%s", start);
	}
	(void)pclose(output);
	return true;
}
