#include "harness/common/emulator.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Both show the program under /proc/self/exe, but not under another name of it. */
bool emulator_find(char *path, size_t size)
{
	int shown = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int run = open("/proc/thread-self/exe", O_RDONLY | O_CLOEXEC);
	struct stat of_shown;
	struct stat of_run;
	ssize_t length = 0;

	if (shown >= 0 && run >= 0 && fstat(shown, &of_shown) == 0 && fstat(run, &of_run) == 0 &&
	    (of_shown.st_dev != of_run.st_dev || of_shown.st_ino != of_run.st_ino))
		length = readlink("/proc/thread-self/exe", path, size - 1);
	path[length > 0 ? length : 0] = '\0';
	if (shown >= 0)
		(void)close(shown);
	if (run >= 0)
		(void)close(run);
	return length > 0;
}
