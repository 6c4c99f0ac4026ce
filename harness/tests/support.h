/*
 * support.h - what several tests of the harness need.
 */
#ifndef GROWBENCH_HARNESS_TESTS_SUPPORT_H
#define GROWBENCH_HARNESS_TESTS_SUPPORT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Built with a sanitizer that supplies malloc and reserves address space? */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* The thread sanitizer maps several bytes of its own for each that is touched, which the kernel
 * counts as the program's. */
#if defined(__SANITIZE_THREAD__)
#define SHADOWED 1
#else
#define SHADOWED 0
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* cmocka's skip, with the reason in the output. */
#define SKIP_BECAUSE(reason)                            \
	do {                                            \
		print_message("skipped: " reason "\n"); \
		skip();                                 \
	} while (0)

/* Fails the test unless `text` contains `part`; shows both. */
void assert_contains(const char *text, const char *part);
void assert_contains_not(const char *text, const char *part);

/* A new empty folder below $TMPDIR or /tmp, by its name without links: the setup of a group or of a
 * test, and the teardown that removes it with all that is in it. */
extern char temporary[PATH_MAX - 256];
int make_temporary(void **state);
int remove_temporary(void **state);

/* A test with a folder of its own. */
#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_temporary, remove_temporary)

/* A path in that folder; valid until the next call but one. */
const char *below(const char *name);

/* Writes a file in that folder, with the folders on its way. */
void put(const char *name, const char *text);

/* Writes a file of `length` bytes. */
void write_file(const char *path, const void *bytes, size_t length);

/* What is in the file, malloc'ed and ended by '\0'; its length to *length if that is not NULL. */
char *read_file(const char *path, size_t *length);

/* A file's build-id as readelf prints it, "" if it has none. False if there is no readelf. */
bool readelf_build_id(const char *path, char *id, size_t size);

/* An emulator runs this program, as qemu-user does: it needs memory and takes faults of its own,
 * which the kernel counts with the program's. */
bool is_emulated(void);

/* Does RLIMIT_AS hold? An emulator takes no notice of it. */
bool address_space_can_be_limited(void);

/* Does posix_spawn tell that there is no such program? An emulator forks for it, and the child's
 * errno is lost. */
bool spawn_tells_what_is_missing(void);

/* Runs `body` in a forked child without standard error, and returns its status as of waitpid. The
 * child exits with what the body returns. */
int status_of_child(int (*body)(void *data), void *data);

#endif
