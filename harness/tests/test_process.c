#include "kernels/tests/cmocka_headers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/runner/process/process.h"
#include "support.h"

/* Long enough for any machine; only a test that is to fail waits so long. */
static const uint64_t long_ns = UINT64_C(60) * 1000000000;
static const uint64_t short_ns = UINT64_C(200) * 1000000;

static char own_path[PATH_MAX];
static volatile sig_atomic_t no_interrupts;

/* ---- What the child does: this program again, with a part to play as its argument. ---- */

static void say(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t written = write(fd, text, left);

		if (written <= 0)
			_exit(99);
		text += written;
		left -= (size_t)written;
	}
}

static void report(const char *text)
{
	say(PROCESS_REPORT_FD, text);
}

static int sleep_for_ever(void)
{
	while (pause() == -1)
		;
	return 94;
}

static int play_report(void)
{
	report("hello");
	return 0;
}

static int play_exit_7(void)
{
	return 7;
}

static int play_signal(void)
{
	(void)signal(SIGSEGV, SIG_DFL);
	(void)raise(SIGSEGV);
	return 0;
}

static int play_noise(void)
{
	for (int i = 0; i < 10000; i++)
		say(STDOUT_FILENO, "noise on standard output, and a lot of it\n");
	report("quiet");
	return 0;
}

static int play_message(void)
{
	say(STDERR_FILENO, "what went wrong");
	return 1;
}

static int play_long_message(void)
{
	for (int i = 0; i < 20000; i++)
		say(STDERR_FILENO, "0123456789");
	report("done");
	return 0;
}

static int play_report_of(size_t bytes)
{
	char block[1024];

	for (size_t i = 0; i < sizeof block; i++)
		block[i] = (char)('a' + i % 26);
	for (; bytes > 0; bytes -= bytes < 1000 ? bytes : 1000) {
		block[bytes < 1000 ? bytes : 1000] = '\0';
		report(block);
		block[bytes < 1000 ? bytes : 1000] = 'x';
	}
	return 0;
}

static int play_longest_report(void)
{
	return play_report_of(REPORT_MAX_BYTES);
}

static int play_too_long_report(void)
{
	return play_report_of(REPORT_MAX_BYTES + 1);
}

static int play_much_too_long_report(void)
{
	return play_report_of(50 * REPORT_MAX_BYTES);
}

static int play_flood(void)
{
	static char block[256 * 1024];

	memset(block, 'x', sizeof block - 1);
	while (no_interrupts == 0)
		say(STDERR_FILENO, block);
	return 93;
}

static int play_closed_pipes(void)
{
	(void)close(STDERR_FILENO);
	(void)close(PROCESS_REPORT_FD);
	return sleep_for_ever();
}

/* Leaves a child that holds the pipes; tells its number. */
static int play_grandchild(void)
{
	pid_t pid = fork();

	if (pid == 0)
		return sleep_for_ever();
	(void)dprintf(PROCESS_REPORT_FD, "%ld", (long)pid);
	return 0;
}

/* The same in a session of its own, where nobody looks for it. */
static int play_escaped_grandchild(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) != 0)
		return 98;
	pid = fork();
	if (pid == 0) {
		(void)setsid();
		say(ready[1], "x");
		(void)close(ready[1]);
		return sleep_for_ever();
	}
	if (read(ready[0], &byte, 1) != 1)
		return 97;
	(void)dprintf(PROCESS_REPORT_FD, "%ld", (long)pid);
	return 0;
}

/* Joins its parent's group, out of its own. */
static int play_other_group(void)
{
	if (setpgid(0, getpgid(getppid())) != 0)
		return 96;
	report("moved");
	return sleep_for_ever();
}

static int play_environment(void)
{
	extern char **environ;

	for (char **entry = environ; *entry != NULL; entry++) {
		report(*entry);
		report("\n");
	}
	return 0;
}

static int play_stdin(void)
{
	struct stat in;
	struct stat null;
	char byte;

	if (fstat(STDIN_FILENO, &in) != 0 || stat("/dev/null", &null) != 0)
		return 95;
	report(in.st_rdev == null.st_rdev && S_ISCHR(in.st_mode) ? "null," : "other,");
	report(read(STDIN_FILENO, &byte, 1) == 0 ? "empty" : "not empty");
	return 0;
}

static int play_descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			(void)dprintf(PROCESS_REPORT_FD, "%d ", fd);
	return 0;
}

static int play_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGPIPE};
	sigset_t blocked;

	(void)sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int i = 1; i < 32; i++)
		if (sigismember(&blocked, i) == 1)
			(void)dprintf(PROCESS_REPORT_FD, "blocked %d ", i);
	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		struct sigaction action;

		(void)sigaction(signals[i], NULL, &action);
		report(action.sa_handler == SIG_DFL ? "default " : "ignored ");
	}
	return 0;
}

static int play_cpus(void)
{
	cpu_set_t cpus;

	(void)sched_getaffinity(0, sizeof cpus, &cpus);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus))
			(void)dprintf(PROCESS_REPORT_FD, "%d ", cpu);
	return 0;
}

static int play_group(void)
{
	report(getpgid(0) == getpid() ? "own" : "not its own");
	return 0;
}

static const struct {
	const char *name;
	int (*play)(void);
} parts[] = {
	{"report", play_report},
	{"exit-7", play_exit_7},
	{"signal", play_signal},
	{"noise", play_noise},
	{"message", play_message},
	{"long-message", play_long_message},
	{"longest-report", play_longest_report},
	{"too-long-report", play_too_long_report},
	{"much-too-long-report", play_much_too_long_report},
	{"flood", play_flood},
	{"closed-pipes", play_closed_pipes},
	{"sleep", sleep_for_ever},
	{"grandchild", play_grandchild},
	{"escaped-grandchild", play_escaped_grandchild},
	{"other-group", play_other_group},
	{"environment", play_environment},
	{"stdin", play_stdin},
	{"descriptors", play_descriptors},
	{"signals", play_signals},
	{"cpus", play_cpus},
	{"group", play_group},
};

/* ---- The tests. ---- */

static struct process_result result;

static struct process_request request_for(const char *const *arguments)
{
	static const char *const environment[] = {NULL};

	return (struct process_request){
		.arguments = arguments,
		.environment = environment,
		.timeout_ns = long_ns,
		.interrupts = &no_interrupts,
		.kill_at = 2,
	};
}

#define ARGUMENTS(part) ((const char *const[]){own_path, part, NULL})

static void run_request(const struct process_request *request)
{
	struct error error = {""};

	memset(&result, 0x55, sizeof result);
	/* As a run before it may have left it. */
	result.report_too_long = true;
	if (!process_run(request, &result, &error))
		fail_msg("%s", error.text);
	/* Behind which it may not be read. */
	assert_true(result.report_length <= sizeof result.report);
	assert_true(result.message_length <= sizeof result.message);
}

static void run_part(const char *part)
{
	const struct process_request request = request_for(ARGUMENTS(part));

	run_request(&request);
}

static void assert_exited(int code)
{
	if (result.end != PROCESS_EXITED || result.code != code)
		fail_msg("end %d, code %d: %.*s", (int)result.end, result.code,
			 (int)result.message_length, result.message);
}

static void assert_reported(const char *expected)
{
	char text[REPORT_MAX_BYTES + 1];

	memcpy(text, result.report, result.report_length);
	text[result.report_length] = '\0';
	assert_string_equal(text, expected);
	assert_false(result.report_too_long);
}

/* In any order: an emulator turns it round. */
static void assert_entries(const char *const *entries)
{
	char text[REPORT_MAX_BYTES + 2] = "\n";
	size_t length = 0;

	memcpy(text + 1, result.report, result.report_length);
	text[1 + result.report_length] = '\0';
	for (; *entries != NULL; entries++) {
		char line[64];

		(void)snprintf(line, sizeof line, "\n%s\n", *entries);
		assert_contains(text, line);
		length += strlen(*entries) + 1;
	}
	assert_int_equal(result.report_length, length);
}

static size_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	(void)closedir(folder);
	return count;
}

static void assert_no_child(void)
{
	errno = 0;
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
}

/* Runs a part that never ends with a time limit that is long enough for it to say something. */
static void run_until_it_spoke(struct process_request *request)
{
	request->timeout_ns = short_ns;
	do {
		run_request(request);
		assert_int_equal(result.end, PROCESS_TIMED_OUT);
		request->timeout_ns *= 2;
	} while (result.report_length + result.message_length == 0 &&
		 request->timeout_ns < long_ns);
}

/* Its report, its exit status and what it wrote to standard error come back; standard output is no
 * report, standard input is empty, and the group is its own. */
static void what_it_says_comes_back(void **state)
{
	static const struct {
		const char *part;
		int code;
		const char *report;
		const char *message;
	} cases[] = {
		{"report", 0, "hello", ""},     {"exit-7", 7, "", ""},
		{"noise", 0, "quiet", ""},      {"message", 1, "", "what went wrong"},
		{"stdin", 0, "null,empty", ""}, {"group", 0, "own", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		run_part(cases[i].part);
		assert_exited(cases[i].code);
		assert_reported(cases[i].report);
		assert_int_equal(result.message_length, strlen(cases[i].message));
		assert_memory_equal(result.message, cases[i].message, result.message_length);
		assert_true(result.wall_ns > 0);
	}
}

static void the_first_line_of_the_message_is_told(void **state)
{
	static const char message[] = "what went wrong\nand more";
	char text[20];

	(void)state;
	result.message_length = 0;
	assert_string_equal(process_first_message(&result, text, sizeof text), "");
	memcpy(result.message, message, sizeof message);
	result.message_length = 4;
	assert_string_equal(process_first_message(&result, text, sizeof text), ": what");
	result.message_length = strlen(message);
	assert_string_equal(process_first_message(&result, text, sizeof text), ": what went wrong");
	/* As much as there is room for. */
	assert_string_equal(process_first_message(&result, text, 8), ": what ");
}

/* Closed pipes are no end: it still runs, and would go on running. */
static void a_worker_that_hangs_is_killed_after_the_time_limit(void **state)
{
	static const char *const hanging[] = {"sleep", "closed-pipes"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hanging); i++) {
		struct process_request request = request_for(ARGUMENTS(hanging[i]));

		request.timeout_ns = short_ns;
		run_request(&request);
		assert_int_equal(result.end, PROCESS_TIMED_OUT);
		assert_true(result.wall_ns >= short_ns);
		assert_no_child();
	}
}

static void a_signal_is_told_by_its_number(void **state)
{
	(void)state;
	run_part("signal");
	assert_int_equal(result.end, PROCESS_SIGNALLED);
	assert_int_equal(result.code, SIGSEGV);
}

/* Reading as fast as it writes is no reason not to look at the clock. */
static void a_worker_that_never_stops_writing_is_killed_too(void **state)
{
	struct process_request request = request_for(ARGUMENTS("flood"));

	(void)state;
	run_until_it_spoke(&request);
	assert_int_equal(result.message_length, sizeof result.message);
	assert_no_child();
}

static void a_worker_that_moved_to_our_group_is_killed_and_we_are_not(void **state)
{
	struct process_request request = request_for(ARGUMENTS("other-group"));

	(void)state;
	run_until_it_spoke(&request);
	assert_reported("moved");
	assert_no_child();
}

static void of_a_long_message_the_beginning_is_kept(void **state)
{
	(void)state;
	run_part("long-message");
	assert_exited(0);
	assert_reported("done");
	assert_int_equal(result.message_length, sizeof result.message);
	for (size_t i = 0; i < sizeof result.message; i++)
		assert_int_equal(result.message[i], '0' + (int)(i % 10));
}

static void the_longest_report_is_whole_and_a_longer_one_flagged(void **state)
{
	(void)state;
	run_part("longest-report");
	assert_exited(0);
	assert_int_equal(result.report_length, REPORT_MAX_BYTES);
	assert_false(result.report_too_long);
	run_part("too-long-report");
	assert_exited(0);
	assert_true(result.report_too_long);
	run_part("much-too-long-report");
	assert_exited(0);
	assert_true(result.report_too_long);
	/* And the next one is not blamed for it. */
	run_part("report");
	assert_reported("hello");
}

/* Waits until no process has that number. Zombies are gone once init or we have reaped them. */
static bool is_gone(pid_t pid)
{
	for (int i = 0; i < 1000; i++) {
		char path[64];
		char *text;
		bool dead;
		FILE *file;

		(void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
		file = fopen(path, "r");
		if (file == NULL)
			return true;
		(void)fclose(file);
		text = read_file(path, NULL);
		dead = strstr(text, "State:\tZ") != NULL || strstr(text, "State:\tX") != NULL ||
		       *text == '\0';
		free(text);
		if (dead)
			return true;
		(void)usleep(10000);
	}
	return false;
}

static pid_t reported_pid(void)
{
	char text[32];

	assert_in_range(result.report_length, 1, sizeof text - 1);
	memcpy(text, result.report, result.report_length);
	text[result.report_length] = '\0';
	return (pid_t)strtol(text, NULL, 10);
}

static void a_grandchild_that_holds_the_pipes_is_killed_and_not_waited_for(void **state)
{
	pid_t pid;

	(void)state;
	run_part("grandchild");
	assert_exited(0);
	pid = reported_pid();
	assert_true(pid > 1);
	assert_true(is_gone(pid));
}

static void a_grandchild_that_left_the_group_is_killed_too(void **state)
{
	pid_t pid;

	(void)state;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		SKIP_BECAUSE("this system does not let a process adopt orphans");
	run_part("escaped-grandchild");
	assert_exited(0);
	pid = reported_pid();
	assert_true(pid > 1);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_no_child();
}

static void two_hundred_runs_leave_no_descriptor_and_no_zombie(void **state)
{
	size_t before = open_descriptors();
	const char *const missing[] = {"/nonexistent/program", NULL};
	const struct process_request absent = request_for(missing);

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct error error;

		run_part(i % 2 == 0 ? "exit-7" : "report");
		assert_exited(i % 2 == 0 ? 7 : 0);
		/* What it says is tested below. */
		(void)process_run(&absent, &result, &error);
	}
	assert_int_equal(open_descriptors(), before);
	assert_no_child();
}

static void a_program_that_cannot_be_started_is_told_by_its_path(void **state)
{
	const char *const none[] = {"/nonexistent/program", NULL};
	const char *const no_program[] = {"/", NULL};
	struct process_request request = request_for(none);
	struct error error = {""};
	cpu_set_t before;
	cpu_set_t after;
	cpu_set_t one;
	int cpu = 0;

	(void)state;
	if (!spawn_tells_what_is_missing())
		SKIP_BECAUSE("posix_spawn does not tell here that there is no such program");
	assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	request.cpus = &one;
	assert_false(process_run(&request, &result, &error));
	/* And we are where we were. */
	assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
	assert_contains(error.text, "/nonexistent/program could not be started: ");
	assert_contains(error.text, strerror(ENOENT));
	request.arguments = no_program;
	assert_false(process_run(&request, &result, &error));
	assert_contains(error.text, strerror(EACCES));
	assert_no_child();
}

static void the_environment_is_what_was_given_and_nothing_else(void **state)
{
	static const char *const environment[] = {"B=2", "A=1 and more", "EMPTY=", NULL};
	struct process_request request = request_for(ARGUMENTS("environment"));

	(void)state;
	assert_int_equal(setenv("GROWBENCH_TEST_OURS", "1", 1), 0);
	request.environment = environment;
	run_request(&request);
	assert_exited(0);
	assert_entries(environment);
	run_part("environment");
	assert_exited(0);
	assert_reported("");
}

static void no_descriptor_but_the_four_is_open(void **state)
{
	int open_fds[20];

	(void)state;
	/* Neither low nor high ones, although these are not closed on exec. */
	for (size_t i = 0; i < COUNT_OF(open_fds); i++)
		open_fds[i] = open("/dev/null", O_RDONLY);
	assert_int_equal(dup2(open_fds[0], 900), 900);
	run_part("descriptors");
	assert_int_equal(close(900), 0);
	for (size_t i = 0; i < COUNT_OF(open_fds); i++)
		assert_int_equal(close(open_fds[i]), 0);
	assert_exited(0);
	assert_reported("0 1 2 3 ");
}

/* And it is open there alone: the partner has to see it close. */
static void a_partners_descriptor_is_the_fifth_and_no_longer_ours(void **state)
{
	struct process_request request = request_for(ARGUMENTS("descriptors"));
	int ends[2];
	int given;
	char byte;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	given = fcntl(ends[0], F_DUPFD_CLOEXEC, 100);
	assert_true(given >= 100);
	assert_int_equal(close(ends[0]), 0);
	request.partner_fd = &given;
	run_request(&request);
	assert_reported("0 1 2 3 4 ");
	assert_int_equal(given, -1);
	assert_int_equal(read(ends[1], &byte, 1), 0);
	assert_int_equal(close(ends[1]), 0);
}

static void signals_are_as_in_a_fresh_process(void **state)
{
	sigset_t blocked;
	sigset_t before;

	(void)state;
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigaddset(&blocked, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	run_part("signals");
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	assert_exited(0);
	assert_reported("default default default ");
}

static void it_starts_on_the_cpus_that_were_asked_for_and_we_stay_where_we_were(void **state)
{
	struct process_request request = request_for(ARGUMENTS("cpus"));
	cpu_set_t before;
	cpu_set_t after;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		char expected[16];
		cpu_set_t one;

		if (!CPU_ISSET(cpu, &before))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		request.cpus = &one;
		run_request(&request);
		assert_exited(0);
		(void)snprintf(expected, sizeof expected, "%d ", cpu);
		assert_reported(expected);
		assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
		assert_true(CPU_EQUAL(&before, &after));
	}
}

static void enough_interrupts_kill_it_at_once(void **state)
{
	struct process_request request = request_for(ARGUMENTS("sleep"));
	volatile sig_atomic_t interrupts = 2;

	(void)state;
	request.interrupts = &interrupts;
	run_request(&request);
	assert_int_equal(result.end, PROCESS_INTERRUPTED);
	assert_no_child();
	/* One is not enough. */
	interrupts = 1;
	request.arguments = ARGUMENTS("report");
	run_request(&request);
	assert_exited(0);
	assert_reported("hello");
}

static volatile sig_atomic_t interrupts_so_far;

static void count_interrupt(int signal_number)
{
	(void)signal_number;
	interrupts_so_far++;
}

struct interrupter {
	pthread_t target;
	atomic_bool stop;
};

/* Goes on sending signals, as one that arrives just before the wait does not end it. */
static void *interrupt(void *data)
{
	struct interrupter *interrupter = data;

	while (!atomic_load(&interrupter->stop)) {
		(void)usleep(20000);
		(void)pthread_kill(interrupter->target, SIGUSR1);
	}
	return NULL;
}

static void a_signal_does_not_end_the_wait_but_enough_of_them_do(void **state)
{
	struct process_request request = request_for(ARGUMENTS("sleep"));
	struct interrupter interrupter = {.target = pthread_self()};
	const struct sigaction action = {.sa_handler = count_interrupt};
	struct sigaction before;
	pthread_t thread;

	(void)state;
	interrupts_so_far = 0;
	request.interrupts = &interrupts_so_far;
	request.kill_at = 3;
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	assert_int_equal(pthread_create(&thread, NULL, interrupt, &interrupter), 0);
	run_request(&request);
	atomic_store(&interrupter.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
	assert_int_equal(result.end, PROCESS_INTERRUPTED);
	assert_true(interrupts_so_far >= 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_says_comes_back),
		cmocka_unit_test(the_first_line_of_the_message_is_told),
		cmocka_unit_test(a_worker_that_hangs_is_killed_after_the_time_limit),
		cmocka_unit_test(a_signal_is_told_by_its_number),
		cmocka_unit_test(a_worker_that_never_stops_writing_is_killed_too),
		cmocka_unit_test(a_worker_that_moved_to_our_group_is_killed_and_we_are_not),
		cmocka_unit_test(of_a_long_message_the_beginning_is_kept),
		cmocka_unit_test(the_longest_report_is_whole_and_a_longer_one_flagged),
		cmocka_unit_test(a_grandchild_that_holds_the_pipes_is_killed_and_not_waited_for),
		cmocka_unit_test(a_grandchild_that_left_the_group_is_killed_too),
		cmocka_unit_test(two_hundred_runs_leave_no_descriptor_and_no_zombie),
		cmocka_unit_test(a_program_that_cannot_be_started_is_told_by_its_path),
		cmocka_unit_test(the_environment_is_what_was_given_and_nothing_else),
		cmocka_unit_test(no_descriptor_but_the_four_is_open),
		cmocka_unit_test(a_partners_descriptor_is_the_fifth_and_no_longer_ours),
		cmocka_unit_test(signals_are_as_in_a_fresh_process),
		cmocka_unit_test(
			it_starts_on_the_cpus_that_were_asked_for_and_we_stay_where_we_were),
		cmocka_unit_test(enough_interrupts_kill_it_at_once),
		cmocka_unit_test(a_signal_does_not_end_the_wait_but_enough_of_them_do),
	};
	ssize_t length = readlink("/proc/self/exe", own_path, sizeof own_path - 1);

	for (size_t i = 0; i < COUNT_OF(parts) && argc > 1; i++)
		if (strcmp(argv[1], parts[i].name) == 0)
			return parts[i].play();
	if (argc > 1 || length <= 0)
		return 2;
	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
