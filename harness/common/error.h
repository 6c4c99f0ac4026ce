/*
 * error.h - one complete message, made where the fact is known and printed by main.
 *
 * A function that can fail takes a struct error and returns false (or NULL, or a status) after
 * filling it. A message says what was wrong, where, and what to do; it has no trailing newline, and
 * whatever it quotes, nothing in it that a terminal takes for a command.
 */
#ifndef GROWBENCH_HARNESS_ERROR_H
#define GROWBENCH_HARNESS_ERROR_H

#include <stdbool.h>

struct error {
	char text[1024];
};

/* Fills *error like printf and returns false, so that `return error_set(...)` reads well. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
