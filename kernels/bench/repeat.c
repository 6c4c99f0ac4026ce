#include "repeat.h"

#include <stdlib.h>
#include <string.h>

struct repeat {
	const struct strategy *pattern;
	struct row_source source;
	size_t rows;
	alignas(8) unsigned char buffer[];
};

/* Keeps the compiler from leaving out all but the last. */
static void use(const void *memory)
{
	__asm__ volatile("" : : "g"(memory) : "memory");
}

void repeat_memcpy(void *to, const void *from, size_t bytes, size_t count)
{
	while (count-- > 0) {
		memcpy(to, from, bytes);
		use(to);
	}
}

void repeat_copy_into(const struct ndarray *to, const struct ndarray *from, size_t count)
{
	while (count-- > 0) {
		(void)nd_copy_into(to, from);
		use(to->data);
	}
}

void repeat_make(enum nd_status (*make)(struct ndarray *result, const struct ndarray *array),
		 const struct ndarray *array, size_t count)
{
	while (count-- > 0) {
		struct ndarray result;

		(void)make(&result, array);
		use(result.data);
		nd_release(&result);
	}
}

void repeat_reshape(const struct ndarray *array, size_t count)
{
	const ptrdiff_t all = -1;

	while (count-- > 0) {
		struct ndarray result;

		(void)nd_reshape(&result, array, 1, &all);
		use(result.data);
		nd_release(&result);
	}
}

struct repeat *repeat_open(const char *pattern, size_t rows, size_t row_bytes)
{
	const struct strategy *const found = strategy_find("c", pattern);
	struct repeat *repeat;

	if (found == NULL || !found->is_pattern || !strategy_supports(found, row_bytes))
		return NULL;
	repeat = malloc(sizeof *repeat + row_source_buffer_bytes(row_bytes));
	if (repeat == NULL)
		return NULL;
	repeat->pattern = found;
	repeat->rows = rows;
	row_source_init(&repeat->source, repeat->buffer, row_bytes, ROW_WORK_CHEAP);
	if (found->prepare(&repeat->source, rows) == BUILD_OK)
		return repeat;
	free(repeat);
	return NULL;
}

void repeat_close(struct repeat *repeat)
{
	if (repeat == NULL)
		return;
	repeat->pattern->dispose(&repeat->source);
	free(repeat);
}

void repeat_pattern(struct repeat *repeat, size_t count)
{
	while (count-- > 0) {
		struct array array = array_init(repeat->source.row_bytes);

		(void)repeat->pattern->build(&array, repeat->rows, &repeat->source);
		use(array.data);
		repeat->pattern->release(&array);
	}
}
