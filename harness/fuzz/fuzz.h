/*
 * fuzz.h - what the fuzz targets have in common.
 *
 * A target is one file: what it reads, and what must be true of whatever comes out. libFuzzer, or
 * replay.c where there is none, hands it one input after the other; it ends the process where
 * something is not as it must be.
 */
#ifndef GROWBENCH_HARNESS_FUZZ_H
#define GROWBENCH_HARNESS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/common/columns.h"
#include "harness/runner/process/process.h"
#include "harness/runner/record/record.h"

/* What a target defines: what is to be done before the first input, if anything, and what is done
 * with each, by libFuzzer's name. */
void fuzz_prepare(void) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with the condition and its place unless it holds, in every kind of build. */
#define MUST(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *condition, const char *file, int line);

/* The bytes as a string, in a malloc'ed block without a byte to spare, so that reading on behind
 * its end is seen. A zero byte among them ends the string. */
char *fuzz_text(const void *data, size_t size);

/* Cuts the first line off: returns it, and moves *text behind its newline, or to the end. */
char *fuzz_line(char **text);

/* Valid UTF-8 without control characters, by GLib's reading of it? */
bool fuzz_is_printable(const char *text);

/* May a column of this type hold the text? */
bool fuzz_is_value(enum column_type type, const char *text);

/* Ends the process unless all that is in the record may stand in runs.csv, and comes out of its row
 * as it went in. */
void fuzz_check_record(const struct record *record);

/* A new folder in memory or under $TMPDIR, which is removed when the process ends. */
const char *fuzz_folder(void);

/* Makes the file anew with these bytes, and reads it: a malloc'ed block with a '\0' behind. */
void fuzz_write(const char *path, const void *data, size_t size);
char *fuzz_read(const char *path, size_t *size);

/* ---- fake_system.c: in place of what would start programs, or look at this machine ---- */

/* How the next programs end, and what they say. Nothing is started. */
void fuzz_set_answer(enum process_end end, int code, const char *message, const void *report,
		     size_t size);

/* The file that every allocator which growbench knows by name is found as, but for some that are
 * not there; NULL: none is. */
void fuzz_set_library(const char *path);

#endif
