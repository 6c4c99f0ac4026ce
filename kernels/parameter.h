/*
 * parameter.h - what a strategy leaves open, as the factor by which it grows.
 *
 * The value stands behind the strategy's name, as in realloc_factor:1.25: on the command line, in
 * CSV files, in plots. It is a number without a sign, whose meaning the parameter alone knows.
 */
#ifndef GROWBENCH_KERNELS_PARAMETER_H
#define GROWBENCH_KERNELS_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	PARAMETER_MOST_BYTES = 32 /* of a value's text, its end included */
};

struct strategy_parameter {
	const char *name;
	/* What may stand there, for messages and for lists: "a factor from 1.001 to 1000". */
	const char *range;
	/* Some values that people use, ascending, NULL-terminated: for help, and what tests try. */
	const char *const *examples;
	/* Reads the whole text into *value; false if it is not a value, or not in the range. */
	bool (*read)(const char *text, uint64_t *value);
	/* Writes the one text that stands for the value into `text`. */
	void (*write)(uint64_t value, char text[PARAMETER_MOST_BYTES]);
};

/* A factor in thousandths: 1125 for "1.125". From 1.001 to 1000, with three decimals at most. */
bool parameter_read_factor(const char *text, uint64_t *value);
void parameter_write_factor(uint64_t value, char text[PARAMETER_MOST_BYTES]);

/* The factor by which a capacity grows (growth_factor). */
extern const struct strategy_parameter parameter_factor;

/* A number of something: "8". From 1 to 10^6. */
bool parameter_read_count(const char *text, uint64_t *value);
void parameter_write_count(uint64_t value, char text[PARAMETER_MOST_BYTES]);

/* A step in bytes or in rows: "4144B", "64rows". From 1 to 2^40 of either. */
bool parameter_read_step(const char *text, uint64_t *value);
void parameter_write_step(uint64_t value, char text[PARAMETER_MOST_BYTES]);

/* The rows of such a step: of one in bytes as many as it has room for, at least one. */
static inline size_t parameter_step_rows(uint64_t value, size_t row_bytes)
{
	const uint64_t of_rows = UINT64_C(1) << 63;

	if ((value & of_rows) != 0)
		return (size_t)(value & ~of_rows);
	return value < row_bytes ? 1 : (size_t)(value / row_bytes);
}

#ifdef __cplusplus
}
#endif

#endif
