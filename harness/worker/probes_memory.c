/* Writing, copying and reading memory that is there. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/worker/probe_values.h"
#include "kernels/build.h"
#include "kernels/contiguous.h"

/* The widest that the compiler may use on every processor of its architecture. */
typedef uint64_t vector __attribute__((vector_size(16)));

struct working_set {
	unsigned char *memory;
	unsigned char *copy;
	size_t bytes;
	uint64_t content;
};

/* Not memset: for large sizes that has ways of writing past the caches which no row can take. */
void probe_store_lines(unsigned char *memory, size_t bytes, uint64_t number)
{
	const vector content = {number, number};
	unsigned char *end = memory + bytes;

	for (unsigned char *place = memory; place < end; place += PROBE_LINE_BYTES) {
		vector *line = (vector *)(void *)place;

		line[0] = content;
		line[1] = content;
		line[2] = content;
		line[3] = content;
	}
	probe_use(memory);
}

static void store_all(void *context, uint64_t count)
{
	struct working_set *set = context;

	while (count-- > 0)
		probe_store_lines(set->memory, set->bytes, ++set->content);
}

/* Too small for a line, or what is left over by whole lines, would be another operation. */
static enum probe_status refuse_parts_of_lines(size_t bytes, struct error *error)
{
	if (bytes >= PROBE_LINE_BYTES && bytes % PROBE_LINE_BYTES == 0)
		return PROBE_OK;
	(void)error_set(error, "%zu bytes are no whole number of cache lines of %d bytes", bytes,
			PROBE_LINE_BYTES);
	return PROBE_FAILED;
}

enum probe_status probe_store(size_t bytes, struct probe_result *result, struct error *error)
{
	struct working_set set = {.bytes = bytes};
	enum probe_status status = refuse_parts_of_lines(bytes, error);

	if (status != PROBE_OK)
		return status;
	set.memory = probe_map(bytes, error);
	if (set.memory == NULL)
		return PROBE_FAILED;
	status = probe_repeat(store_all, &set, result, error);
	(void)munmap(set.memory, bytes);
	return status;
}

static void copy_all(void *context, uint64_t count)
{
	const struct working_set *set = context;

	while (count-- > 0) {
		memcpy(set->copy, set->memory, set->bytes);
		probe_use(set->copy);
	}
}

enum probe_status probe_copy(size_t bytes, struct probe_result *result, struct error *error)
{
	struct working_set set = {.bytes = bytes};
	enum probe_status status;

	set.memory = probe_map(bytes, error);
	if (set.memory == NULL)
		return PROBE_FAILED;
	set.copy = probe_map(bytes, error);
	if (set.copy == NULL) {
		(void)munmap(set.memory, bytes);
		return PROBE_FAILED;
	}
	status = probe_repeat(copy_all, &set, result, error);
	(void)munmap(set.memory, bytes);
	(void)munmap(set.copy, bytes);
	return status;
}

/* splitmix64 (kernels/row_source.c), for an order that no prefetcher sees through. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

static void **line_at(unsigned char *memory, size_t line)
{
	return (void **)(void *)(memory + line * PROBE_LINE_BYTES);
}

/* S. Sattolo, "An algorithm to generate a random cyclic permutation", Information Processing
 * Letters 22 (1986): each line is swapped with one before it, never with itself, which leaves one
 * cycle through all. */
void probe_link_lines(unsigned char *memory, size_t lines)
{
	uint64_t state = lines;

	for (size_t line = 0; line < lines; line++)
		*line_at(memory, line) = line_at(memory, line);
	for (size_t line = lines - 1; line > 0; line--) {
		void **here = line_at(memory, line);
		void **other = line_at(memory, next_random(&state) % line);
		void *next = *here;

		*here = *other;
		*other = next;
	}
}

struct chase {
	void **place;
};

static void follow(void *context, uint64_t count)
{
	struct chase *chase = context;
	void **place = chase->place;

	while (count-- > 0)
		place = *place;
	chase->place = place;
	probe_use(place);
}

enum probe_status probe_chase(size_t bytes, struct probe_result *result, struct error *error)
{
	struct chase chase;
	enum probe_status status = refuse_parts_of_lines(bytes, error);
	unsigned char *memory;

	if (status != PROBE_OK)
		return status;
	memory = probe_map(bytes, error);
	if (memory == NULL)
		return PROBE_FAILED;
	probe_link_lines(memory, bytes / PROBE_LINE_BYTES);
	chase.place = line_at(memory, 0);
	status = probe_repeat(follow, &chase, result, error);
	(void)munmap(memory, bytes);
	return status;
}

enum {
	/* Half of the smallest first level in use. */
	APPEND_ARRAY_BYTES = 16 << 10
};

struct appending {
	struct array array;
	struct row_source source;
};

/* That of preallocate_then_fill. */
static inline enum build_status append(struct array *array, const void *row)
{
	if (array->rows == array->capacity)
		return BUILD_OUT_OF_MEMORY;
	contiguous_write(array, row);
	return BUILD_OK;
}

static void append_rows(void *context, uint64_t count)
{
	struct appending *appending = context;

	while (count > 0) {
		const size_t capacity = appending->array.capacity;
		const size_t rows = count < capacity ? (size_t)count : capacity;

		appending->array.rows = 0;
		(void)build_with(&appending->array, rows, &appending->source, NULL, append, NULL);
		probe_use(appending->array.data);
		count -= rows;
	}
}

enum probe_status probe_append(size_t bytes, struct probe_result *result, struct error *error)
{
	const size_t rows = bytes < APPEND_ARRAY_BYTES ? APPEND_ARRAY_BYTES / bytes : 1;
	const size_t buffer_bytes = (row_source_buffer_bytes(bytes) + PROBE_LINE_BYTES - 1) /
				    PROBE_LINE_BYTES * PROBE_LINE_BYTES;
	struct appending appending = {.array = array_init(bytes)};
	unsigned char *memory = probe_map(buffer_bytes + rows * bytes, error);
	enum probe_status status;

	if (memory == NULL)
		return PROBE_FAILED;
	appending.array.data = memory + buffer_bytes;
	appending.array.capacity = rows;
	row_source_init(&appending.source, memory, bytes, ROW_WORK_CHEAP);
	status = probe_repeat(append_rows, &appending, result, error);
	(void)munmap(memory, buffer_bytes + rows * bytes);
	return status;
}
