/*
 * power_of_two.h - the parameter of strategies that find a row by a shift and a mask.
 */
#ifndef GROWBENCH_KERNELS_POWER_OF_TWO_H
#define GROWBENCH_KERNELS_POWER_OF_TWO_H

#include "parameter.h"

/* `range` of struct strategy_parameter. */
#define POWER_OF_TWO_RANGE "a power of two from 1 to 65536"

/* Its `read`. What parameter_write_count writes can be read. */
static inline bool power_of_two_read(const char *text, uint64_t *value)
{
	return parameter_read_count(text, value) && *value <= 65536 && (*value & (*value - 1)) == 0;
}

#endif
