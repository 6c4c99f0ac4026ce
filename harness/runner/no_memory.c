/*
 * Without memory the runner ends, with a message, instead of going on with half of what it needs.
 *
 * So malloc, calloc, realloc and posix_memalign (of which GLib before 2.76 makes its small
 * structures) never fail in growbench: these stand in front of those of the C library (or of one
 * that is preloaded), as glibc provides for ("Replacing malloc" in its manual). It is done here and
 * not where they are called, since most of what allocates is not ours: without memory GLib ends by
 * SIGTRAP, the static objects of Google Benchmark by std::terminate, and hwloc crashes, hangs, or
 * leaves out what it had no memory for. Nothing of a run is lost: its rows are in the file as soon
 * as they are known, and it can be gone on with.
 *
 * Workers have nothing of this: there the allocator is what is measured.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/common/exit_status.h"
#include "harness/runner/execute/run.h"

static void say(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
}

/* Without stdio, which may be what asks for memory. */
static _Noreturn void end(void)
{
	const char *folder = run_give_up();

	say("growbench: no memory");
	if (folder != NULL) {
		say("; the rows so far are whole; go on with: growbench run --resume ");
		say(folder);
	}
	say("\n");
	_exit(EXIT_FAILED);
}

/* Finds the same function of the libraries behind this program, once. */
#define NEXT(name, next)                                          \
	do {                                                      \
		if ((next) == NULL) {                             \
			void *address_ = dlsym(RTLD_NEXT, name);  \
			memcpy(&(next), &address_, sizeof(next)); \
		}                                                 \
	} while (0)

/* The headers' parameters are called __size and the like. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

void *malloc(size_t bytes)
{
	static __typeof__(malloc) *next;
	void *block;

	NEXT("malloc", next);
	block = next(bytes);
	if (block == NULL && bytes > 0)
		end();
	return block;
}

void *calloc(size_t count, size_t bytes)
{
	static __typeof__(calloc) *next;
	void *block;

	NEXT("calloc", next);
	block = next(count, bytes);
	if (block == NULL && count > 0 && bytes > 0)
		end();
	return block;
}

void *realloc(void *block, size_t bytes)
{
	static __typeof__(realloc) *next;
	void *resized;

	NEXT("realloc", next);
	resized = next(block, bytes);
	if (resized == NULL && bytes > 0)
		end();
	return resized;
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	static __typeof__(posix_memalign) *next;
	int status;

	NEXT("posix_memalign", next);
	status = next(block, alignment, bytes);
	if (status == ENOMEM)
		end();
	return status;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
