#include "harness/profile/memory.h"

#include <stdint.h>
#include <sys/mman.h>

bool memory_reserve(struct memory *memory, size_t bytes)
{
	size_t more = memory->bytes == 0 ? 65536 : memory->bytes;
	void *start;

	if (bytes <= memory->bytes)
		return true;
	while (more < bytes) {
		if (more > SIZE_MAX / 4)
			return false;
		more *= 2;
	}
	if (memory->start == NULL)
		start = mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);
	else
		start = mremap(memory->start, memory->bytes, more, MREMAP_MAYMOVE);
	if (start == MAP_FAILED)
		return false;
	memory->start = start;
	memory->bytes = more;
	return true;
}

void memory_release(struct memory *memory)
{
	if (memory->start != NULL)
		(void)munmap(memory->start, memory->bytes);
	*memory = (struct memory){NULL, 0};
}
