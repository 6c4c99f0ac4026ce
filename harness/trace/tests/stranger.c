/*
 * libtrace-stranger.so: preloaded behind the interposer, has functions of mimalloc's and jemalloc's
 * names whose blocks are not those of the allocator that supplies malloc.
 */
#include <stddef.h>

unsigned stranger_calls;
void *mi_malloc(size_t bytes);
void mi_free(void *block);
size_t xallocx(void *block, size_t bytes, size_t extra, int flags);

static _Alignas(16) unsigned char block_of_its_own[4096];

void *mi_malloc(size_t bytes)
{
	stranger_calls++;
	/* Nothing before it that an allocator could take for its notes. */
	return bytes <= 1024 ? block_of_its_own + 2048 : NULL;
}

void mi_free(void *block)
{
	(void)block;
	stranger_calls++;
}

size_t xallocx(void *block, size_t bytes, size_t extra, int flags)
{
	(void)block;
	(void)extra;
	(void)flags;
	stranger_calls++;
	return bytes <= 2048 ? 2048 : 0;
}
