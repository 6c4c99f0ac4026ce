/*
 * emulator.h - whether the processor itself runs this program.
 */
#ifndef GROWBENCH_HARNESS_EMULATOR_H
#define GROWBENCH_HARNESS_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>

/* The file that the kernel really runs, where that is an emulator of another processor, or a tool
 * that rewrites the program, such as Valgrind. False, with an empty text, if it runs the program.
 */
bool emulator_find(char *path, size_t size);

#endif
