/*
 * utf8.h - text that may be of anybody: its characters, and what no terminal may see.
 */
#ifndef GROWBENCH_HARNESS_UTF8_H
#define GROWBENCH_HARNESS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the UTF-8 character at `text`, 1 to 4 bytes, or 0 if there is no valid one. */
size_t utf8_length(const char *text);

/* Does a control character stand at `text`, one that a terminal may take for a command? Those of
 * ASCII and the 32 behind it (C1), which are two bytes each. The end of a text is none. */
bool utf8_is_control(const char *text);

/* Takes what was left of a character away from the end of a text that was cut to fit. */
void utf8_trim(char *text);

/* Makes each byte that is no character, or of a control character, a '?', in place: for a terminal,
 * whoever the text is from. */
void make_printable(char *text);

#endif
