#include "kernels/tests/cmocka_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/worker/clock.h"
#include "harness/worker/partner.h"
#include "support.h"

enum {
	MEETINGS = 3,
	MARGIN_NS = 1000000
};

static void set_partner(int fd)
{
	char number[16];

	(void)snprintf(number, sizeof number, "%d", fd);
	assert_int_equal(setenv(PARTNER_VARIABLE, number, 1), 0);
}

/* Each test is a process of its own, as a partner is looked for once. */
static void in_a_child(int (*body)(void *data), void *data)
{
	assert_int_equal(status_of_child(body, data), 0);
}

static int alone(void *data)
{
	(void)data;
	(void)unsetenv(PARTNER_VARIABLE);
	if (partner_meet(MARGIN_NS) != 0)
		return 1;
	/* Not waited for. */
	partner_wait_until(0);
	return 0;
}

static int with_nonsense(void *data)
{
	const char *const *text = data;

	(void)setenv(PARTNER_VARIABLE, *text, 1);
	return partner_meet(MARGIN_NS) != 0;
}

static void without_a_partner_nobody_is_met(void **state)
{
	static const char *texts[] = {"", "x", "-1", "3x", "999999999999999999999", "1048575"};

	(void)state;
	in_a_child(alone, NULL);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		in_a_child(with_nonsense, &texts[i]);
}

/* Meets as often as that, and writes down when it was told to begin. */
static int meet(int fd, int meetings, int log)
{
	set_partner(fd);
	for (int i = 0; i < meetings; i++) {
		const uint64_t before_ns = clock_now_ns();
		const uint64_t moment_ns = partner_meet(MARGIN_NS);

		/* Later than it came, by the margin at least. */
		if (moment_ns < before_ns + MARGIN_NS ||
		    write(log, &moment_ns, sizeof moment_ns) != sizeof moment_ns)
			return 1;
		partner_wait_until(moment_ns);
		if (clock_now_ns() < moment_ns)
			return 2;
	}
	return 0;
}

struct pair {
	int logs[2][2];
	int others_meetings;
};

/* This process is one partner, and its child the other. */
static int two(void *data)
{
	struct pair *pair = data;
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return 3;
	child = fork();
	if (child == 0) {
		(void)close(ends[0]);
		_exit(meet(ends[1], pair->others_meetings, pair->logs[1][1]));
	}
	/* Nobody else may hold the other's end open. */
	(void)close(ends[1]);
	if (child < 0 || meet(ends[0], pair->others_meetings, pair->logs[0][1]) != 0)
		return 1;
	/* One that has ended is not waited for, again and again. */
	return pair->others_meetings == MEETINGS
		       ? 0
		       : partner_meet(MARGIN_NS) != 0 || partner_meet(MARGIN_NS) != 0;
}

static void run_two(struct pair *pair)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe(pair->logs[i]), 0);
	in_a_child(two, pair);
	for (int i = 0; i < 2; i++)
		(void)close(pair->logs[i][1]);
}

static void both_begin_at_the_same_moment_each_time(void **state)
{
	struct pair pair = {.others_meetings = MEETINGS};
	uint64_t last = 0;

	(void)state;
	run_two(&pair);
	for (int i = 0; i < MEETINGS; i++) {
		uint64_t moments[2];

		for (int side = 0; side < 2; side++)
			assert_int_equal(
				read(pair.logs[side][0], &moments[side], sizeof moments[side]),
				sizeof moments[side]);
		assert_true(moments[0] == moments[1]);
		assert_true(moments[0] > last);
		last = moments[0];
	}
	for (int i = 0; i < 2; i++)
		(void)close(pair.logs[i][0]);
}

static void a_partner_that_has_ended_is_not_waited_for(void **state)
{
	(void)state;
	for (int meetings = 0; meetings < MEETINGS; meetings++) {
		struct pair pair = {.others_meetings = meetings};

		run_two(&pair);
		for (int i = 0; i < 2; i++)
			(void)close(pair.logs[i][0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_partner_nobody_is_met),
		cmocka_unit_test(both_begin_at_the_same_moment_each_time),
		cmocka_unit_test(a_partner_that_has_ended_is_not_waited_for),
	};

	return cmocka_run_group_tests_name("partner", tests, NULL, NULL);
}
