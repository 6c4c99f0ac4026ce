#include "nd_program.h"

#include <stdbool.h>
#include <string.h>

#include "../ndarray.h"

enum {
	MOST_STEPS = 64,
	MOST_ARGUMENTS = 256,
	/* All but shape and strides. */
	FACTS_OF_A_RESULT = 6
};

struct program {
	const int64_t *words;
	size_t left;
	int64_t *facts;
	size_t facts_left;
	/* The first wraps memory; each operation that is not refused adds one. */
	struct ndarray arrays[MOST_STEPS];
	size_t array_count;
};

static bool next_word(struct program *program, int64_t *word)
{
	if (program->left == 0)
		return false;
	program->left--;
	*word = *program->words++;
	return true;
}

/* `factor` words for each of as many as the next word says. */
static bool next_words(struct program *program, size_t factor, ptrdiff_t *words, size_t *count)
{
	int64_t word;

	if (!next_word(program, &word) || word < 0 || (uint64_t)word > MOST_ARGUMENTS / factor)
		return false;
	*count = (size_t)word;
	for (size_t i = 0; i < *count * factor; i++) {
		if (!next_word(program, &word))
			return false;
		words[i] = (ptrdiff_t)word;
	}
	return true;
}

static void add_fact(struct program *program, int64_t fact)
{
	if (program->facts_left == 0)
		return;
	program->facts_left--;
	*program->facts++ = fact;
}

/* That of zlib, bit by bit. */
static uint32_t crc_of_bytes(uint32_t crc, const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return crc;
}

static uint32_t crc_of_elements(const struct ndarray *array)
{
	uint32_t crc = UINT32_MAX;
	struct nd_walk walk;

	for (nd_walk_start(&walk, array); walk.left > 0; nd_walk_next(&walk))
		crc = crc_of_bytes(crc, walk.place, array->itemsize);
	return ~crc;
}

static void describe(struct program *program, const struct ndarray *array, bool is_copy)
{
	const struct ndarray *base = array->base != NULL ? array->base : array;

	add_fact(program, ND_OK);
	add_fact(program, is_copy);
	add_fact(program, nd_size(array) == 0 ? 0 : array->data - base->data);
	add_fact(program, array->flags);
	add_fact(program, crc_of_elements(array));
	add_fact(program, (int64_t)array->ndim);
	for (size_t axis = 0; axis < array->ndim; axis++)
		add_fact(program, (int64_t)array->shape[axis]);
	for (size_t axis = 0; axis < array->ndim; axis++)
		add_fact(program, array->strides[axis]);
}

static void forget_arrays(struct program *program)
{
	while (program->array_count > 0)
		nd_release(&program->arrays[--program->array_count]);
}

static bool wrap(struct program *program)
{
	ptrdiff_t shape[MOST_ARGUMENTS];
	int64_t address;
	int64_t itemsize;
	size_t ndim;

	if (!next_word(program, &address) || !next_word(program, &itemsize) ||
	    !next_words(program, 1, shape, &ndim))
		return false;
	forget_arrays(program);
	program->array_count = 1;
	return nd_wrap(&program->arrays[0], (void *)(uintptr_t)address, (size_t)itemsize, ndim,
		       (const size_t *)shape) == ND_OK;
}

static bool transpose(struct program *program, const struct ndarray *array, struct ndarray *result,
		      enum nd_status *status)
{
	ptrdiff_t axes[MOST_ARGUMENTS];
	size_t count;

	if (!next_words(program, array->ndim > 0 ? array->ndim : 1, axes, &count))
		return false;
	*status = nd_transpose(result, array, count > 0 ? axes : NULL);
	return true;
}

static bool slice(struct program *program, const struct ndarray *array, struct ndarray *result,
		  enum nd_status *status)
{
	ptrdiff_t words[MOST_ARGUMENTS];
	struct nd_slice slices[MOST_ARGUMENTS / 3];
	size_t count;

	if (!next_words(program, 3, words, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		slices[i] = (struct nd_slice){words[3 * i], words[3 * i + 1], words[3 * i + 2]};
	*status = nd_slice(result, array, count, slices);
	return true;
}

/* Those that take one list. */
static bool run_with_list(struct program *program, enum nd_operation operation,
			  const struct ndarray *array, struct ndarray *result,
			  enum nd_status *status)
{
	ptrdiff_t list[MOST_ARGUMENTS];
	size_t count;

	if (!next_words(program, 1, list, &count))
		return false;
	if (operation == ND_PROGRAM_INDEX)
		*status = nd_index(result, array, count, list);
	else if (operation == ND_PROGRAM_BROADCAST)
		*status = nd_broadcast_to(result, array, count, (const size_t *)list);
	else if (operation == ND_PROGRAM_RESHAPE)
		*status = nd_reshape(result, array, count, list);
	else
		*status = nd_take_rows(result, array, count, list);
	return true;
}

static bool run_operation(struct program *program, enum nd_operation operation,
			  const struct ndarray *array, struct ndarray *result,
			  enum nd_status *status)
{
	switch (operation) {
	case ND_PROGRAM_TRANSPOSE:
		return transpose(program, array, result, status);
	case ND_PROGRAM_SLICE:
		return slice(program, array, result, status);
	case ND_PROGRAM_INDEX:
	case ND_PROGRAM_BROADCAST:
	case ND_PROGRAM_RESHAPE:
	case ND_PROGRAM_TAKE:
		return run_with_list(program, operation, array, result, status);
	case ND_PROGRAM_RAVEL:
		*status = nd_ravel(result, array);
		return true;
	case ND_PROGRAM_AS_CONTIGUOUS:
		*status = nd_as_contiguous(result, array);
		return true;
	case ND_PROGRAM_COPY:
		*status = nd_copy(result, array);
		return true;
	case ND_PROGRAM_WRAP:
		break;
	}
	return false;
}

static bool step(struct program *program)
{
	enum nd_status status = ND_OK;
	struct ndarray *result;
	int64_t operation;

	if (!next_word(program, &operation))
		return false;
	if (operation == ND_PROGRAM_WRAP)
		return wrap(program);
	if (program->array_count == 0 || program->array_count == MOST_STEPS)
		return false;
	result = &program->arrays[program->array_count];
	if (!run_operation(program, (enum nd_operation)operation, result - 1, result, &status) ||
	    status == ND_OUT_OF_MEMORY)
		return false;
	if (status != ND_OK) {
		add_fact(program, status);
		return true;
	}
	program->array_count++;
	describe(program, result, result->base == NULL);
	return true;
}

size_t nd_program_run(const int64_t *words, size_t count, int64_t *facts, size_t most)
{
	struct program program = {
		.words = words, .left = count, .facts = facts, .facts_left = most};
	bool runs = true;

	while (runs && program.left > 0)
		runs = step(&program);
	forget_arrays(&program);
	return runs ? most - program.facts_left : 0;
}
