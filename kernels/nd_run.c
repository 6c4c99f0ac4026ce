#include "nd_run.h"

#include <stdint.h>
#include <string.h>

enum {
	PAGE_BYTES = 4096,
	LINE_BYTES = 64,
	/* Below, memcpy takes no "rep movsb". */
	SLOW_BYTES = 2048,
	/* How many elements ahead of the one that is copied are asked for. */
	ELEMENTS_AHEAD = 24
};

/* Two words, in a register that every processor of the architectures in question has. */
typedef uint64_t pair __attribute__((vector_size(16)));

static void copy_lines(unsigned char *to, const unsigned char *from, size_t bytes)
{
	size_t i = 0;

	for (; bytes - i >= LINE_BYTES; i += LINE_BYTES) {
		pair line[4];

		memcpy(line, from + i, sizeof line);
		memcpy(to + i, line, sizeof line);
	}
	memcpy(to + i, from + i, bytes - i);
}

void nd_bytes_copy(unsigned char *to, const unsigned char *from, size_t bytes)
{
	const size_t behind = ((uintptr_t)to - (uintptr_t)from) % PAGE_BYTES;

	/* A word is common, and the call would cost more than the copy. */
	if (bytes == sizeof(uint64_t))
		memcpy(to, from, sizeof(uint64_t));
	else if (bytes < SLOW_BYTES || behind == 0 || behind >= LINE_BYTES)
		memcpy(to, from, bytes);
	else
		copy_lines(to, from, bytes);
}

/* One element at a time; inlined where itemsize is a constant, so that memcpy is one move. */
static inline void copy_elements(unsigned char *to, const unsigned char *from, size_t length,
				 size_t itemsize, ptrdiff_t to_stride, ptrdiff_t from_stride)
{
	for (size_t i = 0; i < length; i++) {
		memcpy(to, from, itemsize);
		to += to_stride;
		from += from_stride;
	}
}

/*
 * Words from anywhere into a row. Four at a time, since the loads do not depend on each other. If
 * the next element lies in another page, the processor does not foresee it, and it is asked for in
 * time.
 */
static void gather_words(unsigned char *to, const unsigned char *from, size_t length,
			 ptrdiff_t stride)
{
	const ptrdiff_t ahead = (ptrdiff_t)ELEMENTS_AHEAD * stride;
	size_t i = 0;

	for (; length - i >= 4; i += 4) {
		uint64_t words[4];

		__builtin_prefetch((const void *)((uintptr_t)from + (uintptr_t)ahead));
		memcpy(&words[0], from, 8);
		memcpy(&words[1], from + stride, 8);
		memcpy(&words[2], from + 2 * stride, 8);
		memcpy(&words[3], from + 3 * stride, 8);
		memcpy(to + 8 * i, words, sizeof words);
		from += 4 * stride;
	}
	copy_elements(to + 8 * i, from, length - i, 8, 8, stride);
}

void nd_run_copy(const struct nd_run *run, unsigned char *to, const unsigned char *from)
{
	const ptrdiff_t itemsize = (ptrdiff_t)run->itemsize;

	if (run->to_stride == itemsize && run->from_stride == itemsize) {
		nd_bytes_copy(to, from, run->length * run->itemsize);
		return;
	}
	if (run->itemsize == 8 && run->to_stride == 8) {
		gather_words(to, from, run->length, run->from_stride);
		return;
	}
	switch (run->itemsize) {
	case 1:
		copy_elements(to, from, run->length, 1, run->to_stride, run->from_stride);
		break;
	case 2:
		copy_elements(to, from, run->length, 2, run->to_stride, run->from_stride);
		break;
	case 4:
		copy_elements(to, from, run->length, 4, run->to_stride, run->from_stride);
		break;
	case 8:
		copy_elements(to, from, run->length, 8, run->to_stride, run->from_stride);
		break;
	case 16:
		copy_elements(to, from, run->length, 16, run->to_stride, run->from_stride);
		break;
	default:
		copy_elements(to, from, run->length, run->itemsize, run->to_stride,
			      run->from_stride);
		break;
	}
}
