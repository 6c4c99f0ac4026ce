/*
 * known.c - a program that allocates in a known way, for the tests of what is recorded of it:
 *
 *     known MODE [NUMBER]
 *
 * What it asks for by itself has sizes of MARK and more, so that a test can tell it from what the C
 * library asks for. It says nothing: output would need a buffer.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK ((size_t)70000)
#define LARGE ((size_t)1 << 20)

/* Keeps the compiler from leaving out a pair of malloc and free. */
static void *volatile sink;

static void *kept(void *block)
{
	sink = block;
	return block;
}

/* Each kind once, and each way to free. */
static void kinds(void)
{
	void *block = NULL;
	char *first = kept(malloc(MARK));
	void *second = kept(calloc(10, MARK / 10 + 1));

	if (posix_memalign(&block, 4096, MARK + 2) != 0)
		abort();
	free(first);
	first = kept(aligned_alloc(64, MARK + 64 - MARK % 64));
	second = kept(realloc(second, MARK + 4));
	free(kept(memalign(256, MARK + 5)));
	free(second);
	second = kept(realloc(NULL, MARK + 6));
	(void)kept(reallocarray(second, 2, MARK));
	/* Refused, and the block is as it was. */
	if (kept(malloc(PTRDIFF_MAX)) != NULL)
		abort();
	free(block);
	free(first);
	first = kept(malloc(MARK + 7));
	(void)kept(realloc(first, 0));
}

/* A block that grows by a step until it has so many steps. */
static void grow(unsigned long steps)
{
	char *block = NULL;

	for (unsigned long i = 1; i <= steps; i++)
		block = kept(realloc(block, i * MARK));
	free(block);
}

/* Large blocks of which a part is touched: a quarter, nothing, all by calloc's user. */
static void touch(void)
{
	char *quarter = kept(malloc(64 * LARGE));
	char *none = kept(malloc(64 * LARGE + 1));
	char *all = kept(calloc(1, 64 * LARGE + 2));
	char *at_end = kept(malloc(64 * LARGE + 3));

	memset(quarter, 1, 16 * LARGE);
	memset(all, 1, 64 * LARGE + 2);
	memset(at_end, 1, LARGE);
	free(quarter);
	all = kept(realloc(all, 96 * LARGE));
	free(none);
	memset(all + 64 * LARGE, 1, 8 * LARGE);
	free(all);
}

enum {
	THREADS = 8,
	ROUNDS = 20000
};

static void *volatile handed[THREADS];

/* Frees what the thread before made: a block's address comes back in another thread. */
static void *work(void *data)
{
	const size_t number = (size_t)(uintptr_t)data;

	for (size_t i = 0; i < ROUNDS; i++) {
		void *mine = malloc(MARK + number);

		mine = __atomic_exchange_n(&handed[(number + i) % THREADS], mine, __ATOMIC_ACQ_REL);
		free(mine);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t ids[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&ids[i], NULL, work, (void *)(uintptr_t)i) != 0)
			abort();
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(ids[i], NULL);
	for (size_t i = 0; i < THREADS; i++)
		free(handed[i]);
}

/* The child resizes and frees what it has from its parent, and makes blocks of its own. */
static void child(char *inherited, char *resized)
{
	char *own = kept(malloc(MARK + 20));

	free(inherited);
	resized = kept(realloc(resized, MARK + 21));
	free(resized);
	free(own);
	(void)kept(malloc(MARK + 22));
	_exit(0);
}

static void forks(void)
{
	char *inherited = kept(malloc(MARK + 10));
	char *resized = kept(malloc(MARK + 11));
	pid_t pid;
	int status;

	for (int i = 0; i < 3; i++) {
		pid = fork();
		if (pid == 0)
			child(inherited, resized);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			abort();
	}
	free(inherited);
	(void)kept(realloc(resized, MARK + 12));
}

/* A child that shares our memory until it is another program. */
static void spawns(const char *self)
{
	char *block = kept(malloc(MARK + 30));
	const pid_t pid = vfork();
	int status;

	if (pid == 0) {
		(void)execl(self, self, "kinds", (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		abort();
	free(block);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	const unsigned long number = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (strcmp(mode, "kinds") == 0) {
		kinds();
	} else if (strcmp(mode, "grow") == 0) {
		grow(number);
	} else if (strcmp(mode, "touch") == 0) {
		touch();
	} else if (strcmp(mode, "threads") == 0) {
		threads();
	} else if (strcmp(mode, "fork") == 0) {
		forks();
	} else if (strcmp(mode, "spawn") == 0) {
		spawns(argv[0]);
	} else if (strcmp(mode, "exec") == 0) {
		(void)kept(malloc(MARK + 40));
		(void)execl(argv[0], argv[0], "kinds", (char *)NULL);
	} else if (strcmp(mode, "kill") == 0) {
		grow(number);
		(void)kept(malloc(MARK + 50));
		(void)raise(SIGKILL);
	} else if (strcmp(mode, "status") == 0) {
		return (int)number;
	} else if (strcmp(mode, "wait") == 0) {
		(void)kept(malloc(MARK + 60));
		(void)pause();
	} else if (strcmp(mode, "many") == 0) {
		for (unsigned long i = 0; i < number; i++)
			free(kept(malloc(MARK % 100 + i % 1000)));
	} else {
		return 2;
	}
	return 0;
}
