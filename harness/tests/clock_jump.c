/*
 * clock_jump.c - a clock that is set again and again: preloaded into the runner, its time of day
 * jumps back and forth by years. The monotonic clock cannot be set, and is left as it is.
 */
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

static const time_t jump_s = 100000000;

static time_t next_jump(void)
{
	static unsigned calls;

	return calls++ % 2 == 0 ? jump_s : -jump_s;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	int status;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	status = real(clock, now);
	if (status == 0 && clock == CLOCK_REALTIME)
		now->tv_sec += next_jump();
	return status;
}

time_t time(time_t *place)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (place != NULL)
		*place = now.tv_sec;
	return now.tv_sec;
}

/* As GLib asks for it. */
int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise;
	const int status = clock_gettime(CLOCK_REALTIME, &precise);

	(void)zone;
	now->tv_sec = precise.tv_sec;
	now->tv_usec = precise.tv_nsec / 1000;
	return status;
}
