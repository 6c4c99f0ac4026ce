/*
 * replay.c - runs a fuzz target without libFuzzer: each file of its corpus, then mutations of them,
 * which are the same every time.
 *
 *     fuzz-TARGET-replay CORPUS [RUNS]
 *
 * CORPUS is a folder or a single file. An input that ends the process is left in the present folder
 * as finding-TARGET, and given as CORPUS that file alone is run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "harness/common/random.h"

enum {
	MOST_SEEDS = 512,
	MOST_BYTES = 8192
};

struct input {
	size_t size;
	uint8_t bytes[MOST_BYTES];
};

static struct input seeds[MOST_SEEDS];
static size_t seed_count;
static struct input input; /* the one in hand */
static uint64_t random_state = 1;
static char finding[PATH_MAX];

static size_t below(size_t bound)
{
	MUST(bound > 0);
	return (size_t)random_below(&random_state, bound);
}

/* Leaves the input that did it; uses only what a signal handler may. */
static void keep_input(int number)
{
	int fd = open(finding, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	(void)!write(fd, input.bytes, input.size);
	(void)!write(STDERR_FILENO, finding, strlen(finding));
	(void)!write(STDERR_FILENO, ": the input that did it\n", 24);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static void catch_signals(const char *program)
{
	static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	const char *name = strrchr(program, '/');
	char here[PATH_MAX - 100];

	MUST(getcwd(here, sizeof here) != NULL);
	(void)snprintf(finding, sizeof finding, "%s/finding-%.80s", here,
		       name == NULL ? program : name + 1);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		(void)signal(signals[i], keep_input);
}

static void read_seed(const char *path)
{
	struct input *seed = &seeds[seed_count];
	FILE *file = fopen(path, "r");

	MUST(file != NULL && seed_count < MOST_SEEDS);
	seed->size = fread(seed->bytes, 1, sizeof seed->bytes, file);
	MUST(feof(file) != 0 && fclose(file) == 0);
	seed_count++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the order of their names, so that the runs are the same everywhere. */
static void read_seeds(const char *corpus)
{
	struct dirent **entries;
	int count = scandir(corpus, &entries, is_visible, alphasort);

	if (count < 0 && errno == ENOTDIR) {
		read_seed(corpus);
		return;
	}
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof path, "%s/%s", corpus, entries[i]->d_name);
		read_seed(path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* Puts `size` bytes in place of `old` of them. */
static void replace(size_t place, size_t old, const void *bytes, size_t size)
{
	if (input.size - old + size > sizeof input.bytes)
		return;
	memmove(input.bytes + place + size, input.bytes + place + old, input.size - place - old);
	memcpy(input.bytes + place, bytes, size);
	input.size = input.size - old + size;
}

/* A piece of some seed: between two characters that are no letters or digits, or any. */
static void insert_piece(bool whole_words)
{
	const struct input *from = &seeds[below(seed_count)];
	size_t begin = below(from->size + 1);
	size_t end = begin;

	while (end < from->size && (whole_words ? from->bytes[end] >= '-' : below(16) != 0))
		end++;
	replace(below(input.size + 1), 0, from->bytes + begin, end - begin);
}

/* The empty one stands for a zero byte. */
static const char *const tokens[] = {"\"",
				     "\"\"",
				     ",",
				     "\n",
				     "\r",
				     "",
				     "=",
				     "-",
				     "@",
				     "'",
				     "0",
				     "1e9",
				     "%s",
				     "\xc2\x9b",
				     "\xed\xa0\x80",
				     "\xf4\x90\x80\x80",
				     "\xe2\x82",
				     "18446744073709551615",
				     "18446744073709551616",
				     "9223372036854775808",
				     "{",
				     "}",
				     "[]",
				     "null",
				     "1e400"};

static void put_token(size_t place, size_t left)
{
	const char *token = tokens[below(sizeof tokens / sizeof *tokens)];

	replace(place, left > 0 && below(2) == 0, token, *token == '\0' ? 1 : strlen(token));
}

static void repeat(size_t place, size_t left)
{
	uint8_t copy[64];
	size_t size = left < sizeof copy ? left : sizeof copy;

	memcpy(copy, input.bytes + place, size);
	replace(place, 0, copy, size);
}

static void mutate(void)
{
	size_t place = below(input.size + 1);
	size_t left = input.size - place;
	uint8_t byte = (uint8_t)below(256);

	switch (below(8)) {
	case 0:
		if (left > 0)
			input.bytes[place] ^= (uint8_t)(1U << below(8));
		break;
	case 1:
		replace(place, left > 0, &byte, 1);
		break;
	case 2: /* cut out a few bytes, */
		replace(place, left == 0 ? 0 : below(left < 16 ? left : 16), "", 0);
		break;
	case 3: /* or all behind */
		if (below(4) == 0)
			input.size = place;
		break;
	case 4:
		repeat(place, left);
		break;
	case 5:
		insert_piece(true);
		break;
	case 6:
		insert_piece(false);
		break;
	case 7:
		put_token(place, left);
		break;
	}
}

static void run(void)
{
	/* Of exactly its size, so that a sanitizer sees what reads behind its end. */
	uint8_t *copy = malloc(input.size);

	MUST(copy != NULL || input.size == 0);
	if (input.size > 0)
		memcpy(copy, input.bytes, input.size);
	(void)LLVMFuzzerTestOneInput(copy, input.size);
	free(copy);
}

int main(int argc, char **argv)
{
	unsigned long runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: %s CORPUS [RUNS]\n", argv[0]);
		return 2;
	}
	catch_signals(argv[0]);
	read_seeds(argv[1]);
	if (seed_count == 0) {
		(void)fprintf(stderr, "%s: %s has no input\n", argv[0], argv[1]);
		return 2;
	}
	if (fuzz_prepare != NULL)
		fuzz_prepare();
	for (size_t i = 0; i < seed_count; i++) {
		input = seeds[i];
		run();
	}
	for (unsigned long i = 0; i < runs; i++) {
		input = seeds[below(seed_count)];
		for (size_t changes = 1 + below(6); changes > 0; changes--)
			mutate();
		run();
	}
	(void)printf("%zu seeds and %lu mutations: nothing found\n", seed_count, runs);
	return 0;
}
