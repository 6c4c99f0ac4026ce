/*
 * constants.h - the numbers of constants.def, which says what each of them is.
 */
#ifndef GROWBENCH_HARNESS_CONSTANTS_H
#define GROWBENCH_HARNESS_CONSTANTS_H

enum {
#define CONSTANT(name, value, meaning) name = (value),
#define SUFFIX(letter, power)
#include "harness/common/constants.def"
#undef SUFFIX
#undef CONSTANT
};

#endif
