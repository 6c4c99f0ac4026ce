#include "harness/runner/process/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/runner/process/interrupts.h"

/* Does the terminal send its signals to our group, and so to the program? */
static bool is_in_front(void)
{
	const int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const bool is = fd >= 0 && tcgetpgrp(fd) == getpgrp();

	if (fd >= 0)
		(void)close(fd);
	return is;
}

static void pass_on(pid_t pid, int count)
{
	if (count == 1 && !is_in_front())
		(void)kill(pid, SIGINT);
	else if (count > 1)
		(void)kill(pid, count == 2 ? SIGTERM : SIGKILL);
}

/* Interrupts are let in while we wait, and at no other time: none is missed. */
static void wait_for_end(pid_t pid, int pid_fd)
{
	int told = interrupts;
	sigset_t held;
	sigset_t before;

	(void)sigemptyset(&held);
	(void)sigaddset(&held, SIGINT);
	(void)sigaddset(&held, SIGTERM);
	(void)sigaddset(&held, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &held, &before);
	for (;;) {
		struct pollfd fd = {.fd = pid_fd, .events = POLLIN};

		if (interrupts > told)
			pass_on(pid, ++told);
		else if (ppoll(&fd, 1, NULL, &before) > 0)
			break;
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

bool foreground_run(const char *path, char *const *words, char *const *environment,
		    struct foreground_end *end, struct error *error)
{
	int pid_fd;
	int status;
	pid_t pid;
	const int failed = posix_spawn(&pid, path, NULL, NULL, words, environment);

	if (failed != 0)
		return error_set(error, "%s could not be started: %s", path, strerror(failed));
	/* The C library has a function for it from glibc 2.36 on. */
	pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pid_fd >= 0) {
		wait_for_end(pid, pid_fd);
		(void)close(pid_fd);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	end->pid = pid;
	end->signalled = WIFSIGNALED(status);
	end->code = end->signalled ? WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}
