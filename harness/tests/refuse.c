/*
 * Runs a program in a sandbox that refuses some system calls, as containers do: by seccomp, which
 * needs no rights.
 *
 * usage: growbench-refuse WHAT[,WHAT...] PROGRAM [ARGUMENT...]
 *
 * Ends with 77 if no sandbox can be made here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

enum {
	EXIT_NO_WAY = 77,
	ANY = -1
};

/* Refused if the argument of that index has this value; ANY: always. */
static const struct refusal {
	const char *name;
	long number;
	int argument;
	uint32_t value;
	int error;
} refusals[] = {
	{"mremap", SYS_mremap, ANY, 0, EPERM},
	{"perf_event_open", SYS_perf_event_open, ANY, 0, EACCES},
	{"dispatch", SYS_prctl, 0, PR_SET_SYSCALL_USER_DISPATCH, EPERM},
	{"seccomp", SYS_seccomp, ANY, 0, EPERM},
	{"populate", SYS_madvise, 2, MADV_POPULATE_READ, EINVAL},
	/* A filter sees no path. What is there, and is only to be written, is opened like that. */
	{"clear_refs", SYS_openat, 2, O_WRONLY | O_CLOEXEC, EACCES},
	{"pidfd_open", SYS_pidfd_open, ANY, 0, ENOSYS},
};

enum {
	REFUSAL_COUNT = sizeof refusals / sizeof *refusals
};

static const struct refusal *find(const char *name)
{
	for (size_t i = 0; i < REFUSAL_COUNT; i++)
		if (strcmp(refusals[i].name, name) == 0)
			return &refusals[i];
	return NULL;
}

static void add(struct sock_fprog *program, uint16_t code, uint32_t k, uint8_t if_not)
{
	program->filter[program->len++] = (struct sock_filter){code, 0, if_not, k};
}

/* Where the lower half of an argument lies. */
static uint32_t argument_offset(int argument)
{
	const uint32_t low = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 4;

	return (uint32_t)offsetof(struct seccomp_data, args) + 8 * (uint32_t)argument + low;
}

static void add_refusal(struct sock_fprog *program, const struct refusal *refusal)
{
	const uint16_t load = BPF_LD | BPF_W | BPF_ABS;
	const uint16_t equals = BPF_JMP | BPF_JEQ | BPF_K;
	const uint8_t rest = refusal->argument == ANY ? 1 : 3;

	add(program, load, (uint32_t)offsetof(struct seccomp_data, nr), 0);
	add(program, equals, (uint32_t)refusal->number, rest);
	if (refusal->argument != ANY) {
		add(program, load, argument_offset(refusal->argument), 0);
		add(program, equals, refusal->value, 1);
	}
	add(program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)refusal->error, 0);
}

int main(int argc, char **argv)
{
	struct sock_filter instructions[5 * REFUSAL_COUNT + 1];
	struct sock_fprog program = {.filter = instructions};

	if (argc < 3)
		return EXIT_FAILURE;
	for (char *name = strtok(argv[1], ","); name != NULL; name = strtok(NULL, ",")) {
		const struct refusal *refusal = find(name);

		if (refusal == NULL || program.len + 5 > 5 * REFUSAL_COUNT) {
			(void)fprintf(stderr, "refuse: what is '%s'?\n", name);
			return EXIT_FAILURE;
		}
		add_refusal(&program, refusal);
	}
	add(&program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		perror("refuse: no seccomp filter can be set here");
		return EXIT_NO_WAY;
	}
	(void)execv(argv[2], argv + 2);
	perror(argv[2]);
	return EXIT_FAILURE;
}
