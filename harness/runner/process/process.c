#include "harness/runner/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t process_now_ns(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

const char *process_first_message(const struct process_result *result, char *text, size_t size)
{
	size_t length = 0;

	while (length < result->message_length && length < size - 3 &&
	       result->message[length] != '\n')
		length++;
	(void)snprintf(text, size, "%s%.*s", length == 0 ? "" : ": ", (int)length, result->message);
	return text;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static bool open_pipe(int ends[2])
{
	/* Only our end: the worker's writes may block. */
	return pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

/* Spawns the program where it is to run; returns an errno. There is no way to give posix_spawn an
 * affinity, and a worker that changes its own is too late: the kernel's counters of its memory have
 * been split over two CPUs by then. So we go there ourselves for the moment. */
static int spawn(pid_t *pid, const struct process_request *request,
		 const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes)
{
	cpu_set_t ours;
	bool moved = request->cpus != NULL && sched_getaffinity(0, sizeof ours, &ours) == 0 &&
		     sched_setaffinity(0, sizeof *request->cpus, request->cpus) == 0;
	int status =
		posix_spawn(pid, request->arguments[0], actions, attributes,
			    (char *const *)request->arguments, (char *const *)request->environment);

	if (moved)
		(void)sched_setaffinity(0, sizeof ours, &ours);
	return status;
}

/* The partner's descriptor, if it has one, and then none; returns an errno. */
static int give_partner(const struct process_request *request, posix_spawn_file_actions_t *actions)
{
	int last = PROCESS_REPORT_FD;
	int status = 0;

	if (request->partner_fd != NULL) {
		last = PROCESS_PARTNER_FD;
		status = posix_spawn_file_actions_adddup2(actions, *request->partner_fd, last);
	}
	if (status == 0)
		status = posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
	return status;
}

/* Starts the program; returns an errno. */
static int start(const struct process_request *request, int report_fd, int message_fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigset_t defaults;
	int status;

	(void)sigemptyset(&none);
	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGINT);
	(void)sigaddset(&defaults, SIGTERM);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)sigaddset(&defaults, SIGXFSZ);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	/* A group of its own keeps the terminal's Ctrl-C from it, and lets us kill what it left. */
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
							    POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setpgroup(&attributes, 0);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &defaults);
	status = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (status == 0)
		status = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (status == 0)
		status = posix_spawn_file_actions_adddup2(&actions, message_fd, 2);
	if (status == 0)
		status = posix_spawn_file_actions_adddup2(&actions, report_fd, PROCESS_REPORT_FD);
	if (status == 0)
		status = give_partner(request, &actions);
	if (status == 0)
		status = spawn(pid, request, &actions, &attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return status;
}

/* Where memory runs out, the worker is to be what the kernel kills, and not us (proc(5)). */
static void offer_to_oom_killer(pid_t pid)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1000", 4) < 0) {
		/* Then the largest is killed, which the worker is likely to be. */
	}
	(void)close(fd);
}

/* Reads at once at most, so that who writes as fast as we read does not keep us from the clock;
 * together they are more than a pipe holds. */
enum {
	MOST_READS = 64
};

/* Reads what is there now. Past `size` it is thrown away and *too_long set. Closes *fd at its end
 * or on an error. */
static void drain(int *fd, char *buffer, size_t size, size_t *length, bool *too_long)
{
	for (int i = 0; i < MOST_READS; i++) {
		char scrap[4096];
		bool full = *length == size;
		ssize_t got = full ? read(*fd, scrap, sizeof scrap)
				   : read(*fd, buffer + *length, size - *length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			close_end(fd);
			return;
		}
		if (full)
			*too_long = true;
		else
			*length += (size_t)got;
	}
}

struct wait {
	const struct process_request *request;
	struct process_result *result;
	uint64_t deadline_ns;
	int report_fd;
	int message_fd;
	int pid_fd;
};

static void drain_both(struct wait *wait)
{
	struct process_result *result = wait->result;
	bool ignored;

	if (wait->report_fd >= 0)
		drain(&wait->report_fd, result->report, sizeof result->report,
		      &result->report_length, &result->report_too_long);
	if (wait->message_fd >= 0)
		drain(&wait->message_fd, result->message, sizeof result->message,
		      &result->message_length, &ignored);
}

/* An interrupt that comes between the look at the count and the wait would be missed: so the
 * signals are let in while we wait, and at no other time. */
static void hold_interrupts(sigset_t *before)
{
	sigset_t held;

	(void)sigemptyset(&held);
	(void)sigaddset(&held, SIGINT);
	(void)sigaddset(&held, SIGTERM);
	(void)sigaddset(&held, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &held, before);
}

/* Waits until the process has ended (true), or is to be killed (false, with result->end set). */
static bool wait_for_end(struct wait *wait, const sigset_t *while_waiting)
{
	for (;;) {
		struct pollfd fds[] = {
			{.fd = wait->pid_fd, .events = POLLIN},
			{.fd = wait->report_fd, .events = POLLIN},
			{.fd = wait->message_fd, .events = POLLIN},
		};
		uint64_t now = process_now_ns();
		struct timespec left;

		if (*wait->request->interrupts >= wait->request->kill_at) {
			wait->result->end = PROCESS_INTERRUPTED;
			return false;
		}
		if (now >= wait->deadline_ns) {
			wait->result->end = PROCESS_TIMED_OUT;
			return false;
		}
		left.tv_sec = (time_t)((wait->deadline_ns - now) / 1000000000);
		left.tv_nsec = (long)((wait->deadline_ns - now) % 1000000000);
		if (ppoll(fds, sizeof fds / sizeof *fds, &left, while_waiting) <= 0)
			continue;
		drain_both(wait);
		if (fds[0].revents != 0)
			return true;
	}
}

static void reap(pid_t pid, struct process_result *result, bool ended)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ended)
		return;
	if (WIFSIGNALED(status)) {
		result->end = PROCESS_SIGNALLED;
		result->code = WTERMSIG(status);
	} else {
		result->end = PROCESS_EXITED;
		result->code = WEXITSTATUS(status);
	}
}

/* The first child that we have, or 0. Where the kernel does not list them, 0. */
static pid_t any_child(void)
{
	char path[64];
	int pid = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%d", &pid) != 1)
		pid = 0;
	(void)fclose(file);
	return (pid_t)pid;
}

/* Kills what left the group and lost its parents: as we are the subreaper, it is our child now. */
static void kill_orphans(void)
{
	for (pid_t pid = any_child(); pid > 0; pid = any_child()) {
		(void)kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

/* Starts the program with its ends of both pipes, of which we keep ours; returns an errno. */
static int start_with_pipes(struct wait *wait, pid_t *pid)
{
	int report[2] = {-1, -1};
	int message[2] = {-1, -1};
	int status;

	if (open_pipe(report) && open_pipe(message))
		status = start(wait->request, report[1], message[1], pid);
	else
		status = errno;
	close_end(&report[1]);
	close_end(&message[1]);
	/* Its partner has to see when it ends. */
	if (wait->request->partner_fd != NULL)
		close_end(wait->request->partner_fd);
	wait->report_fd = report[0];
	wait->message_fd = message[0];
	return status;
}

/* Waits for the end, or kills it; no process is left. */
static void wait_and_clean_up(struct wait *wait, pid_t pid)
{
	const uint64_t started_ns = process_now_ns();
	sigset_t before;
	bool ended;

	hold_interrupts(&before);
	ended = wait->pid_fd >= 0 && wait_for_end(wait, &before);
	wait->result->alive_ns = process_now_ns() - started_ns;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	/* Before the reaping, while the group's number cannot belong to anybody else. */
	(void)kill(-pid, SIGKILL);
	/* It may have left its group. */
	(void)kill(pid, SIGKILL);
	reap(pid, wait->result, ended);
	kill_orphans();
}

bool process_run(const struct process_request *request, struct process_result *result,
		 struct error *error)
{
	const uint64_t start_ns = process_now_ns();
	struct wait wait = {.request = request,
			    .result = result,
			    .deadline_ns = start_ns + request->timeout_ns,
			    .pid_fd = -1};
	pid_t pid = -1;
	int status;

	result->end = PROCESS_EXITED;
	result->code = 0;
	result->report_length = 0;
	result->report_too_long = false;
	result->message_length = 0;
	result->alive_ns = 0;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	status = start_with_pipes(&wait, &pid);
	if (status == 0) {
		offer_to_oom_killer(pid);
		/* The C library has a function for it from glibc 2.36 on. */
		wait.pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
		wait_and_clean_up(&wait, pid);
		result->wall_ns = process_now_ns() - start_ns;
		drain_both(&wait);
	}
	close_end(&wait.report_fd);
	close_end(&wait.message_fd);
	if (status != 0)
		return error_set(error, "%s could not be started: %s", request->arguments[0],
				 strerror(status));
	if (wait.pid_fd < 0)
		return error_set(error, "a process cannot be watched: pidfd_open needs Linux 5.3");
	close_end(&wait.pid_fd);
	return true;
}
