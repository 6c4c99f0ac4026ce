/* This file is compiled as for a shared library, whatever the program is: the references have to go
 * through the table that the dynamic linker fills in. */
#include "allocator.h"

#define MAYBE __attribute__((weak))

MAYBE size_t nallocx(size_t bytes, int flags);
MAYBE size_t mi_good_size(size_t bytes);
MAYBE size_t malloc_good_size(size_t bytes);
MAYBE size_t xallocx(void *block, size_t bytes, size_t extra, int flags);
MAYBE void *mi_expand(void *block, size_t bytes);

size_t allocator_good_size(size_t bytes)
{
	size_t good = bytes;

	if (nallocx != NULL)
		good = nallocx(bytes, 0);
	else if (mi_good_size != NULL)
		good = mi_good_size(bytes);
	else if (malloc_good_size != NULL)
		good = malloc_good_size(bytes);
	return good > bytes ? good : bytes;
}

/* Both are asked: a library in front of the allocator may have either without being able to. */
bool allocator_expand(void *block, size_t bytes)
{
	if (xallocx != NULL && xallocx(block, bytes, 0, 0) >= bytes)
		return true;
	return mi_expand != NULL && mi_expand(block, bytes) != NULL;
}

const char *allocator_good_size_function(void)
{
	if (nallocx != NULL)
		return "nallocx";
	if (mi_good_size != NULL)
		return "mi_good_size";
	return malloc_good_size != NULL ? "malloc_good_size" : NULL;
}

const char *allocator_expand_function(void)
{
	if (xallocx != NULL)
		return "xallocx";
	return mi_expand != NULL ? "mi_expand" : NULL;
}
