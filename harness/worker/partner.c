#include "harness/worker/partner.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/worker/clock.h"

static struct {
	bool is_known; /* was it looked for? */
	int fd;        /* -1: there is none */
	int wait_ms;   /* the longest at the next meeting; -1: until it is there, or has ended */
} partner;

static void find_partner(void)
{
	const char *text = getenv(PARTNER_VARIABLE);
	char *end = NULL;
	long number = text == NULL ? -1 : strtol(text, &end, 10);

	partner.is_known = true;
	partner.fd = text == NULL || end == text || *end != '\0' || number < 0 || number > 1 << 20
			     ? -1
			     : (int)number;
	partner.wait_ms = PARTNER_LONGEST_FIRST_WAIT_MS;
}

/* The other's time, as it sends it. False if it does not come. */
static bool read_time(uint64_t *time_ns)
{
	struct pollfd socket = {.fd = partner.fd, .events = POLLIN};
	int ready;

	do
		ready = poll(&socket, 1, partner.wait_ms);
	while (ready < 0 && errno == EINTR);
	return ready > 0 &&
	       recv(partner.fd, time_ns, sizeof *time_ns, MSG_WAITALL) == sizeof *time_ns;
}

uint64_t partner_meet(uint64_t margin_ns)
{
	uint64_t own_ns;
	uint64_t other_ns;

	if (!partner.is_known)
		find_partner();
	if (partner.fd < 0)
		return 0;
	own_ns = clock_now_ns();
	if (send(partner.fd, &own_ns, sizeof own_ns, MSG_NOSIGNAL) != sizeof own_ns ||
	    !read_time(&other_ns)) {
		(void)close(partner.fd);
		partner.fd = -1;
		return 0;
	}
	/* It knows of meetings: the next takes as long as what it does until then. */
	partner.wait_ms = -1;
	return (own_ns > other_ns ? own_ns : other_ns) + margin_ns;
}

void partner_wait_until(uint64_t moment_ns)
{
	while (clock_now_ns() < moment_ns)
		;
}
