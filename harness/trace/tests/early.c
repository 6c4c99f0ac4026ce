/*
 * libtrace-early.so: preloaded behind the interposer, makes what the interposer has to be ready for
 * happen for certain: that dlsym calls malloc, while the interposer looks for the real functions.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "harness/trace/tests/early.h"

struct early early_blocks;

void *dlsym(void *restrict handle, const char *restrict name)
{
	static void *(*real)(void *, const char *);

	if (real == NULL) {
		static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5"};

		for (size_t i = 0; i < 3 && real == NULL; i++) {
			void *address = dlvsym(RTLD_NEXT, "dlsym", versions[i]);

			memcpy(&real, &address, sizeof real);
		}
	}
	if (early_blocks.count < EARLY_MOST) {
		const size_t i = early_blocks.count++;
		char *block = i % 2 == 0 ? malloc(EARLY_BYTES) : calloc(1, EARLY_BYTES);

		if (block != NULL)
			memset(block, (int)i + 1, EARLY_BYTES);
		/* One that is freed at once, and one that grows. */
		free(malloc(1));
		early_blocks.blocks[i] = i == 2 ? realloc(block, EARLY_BYTES + 1) : block;
	}
	return real(handle, name);
}
