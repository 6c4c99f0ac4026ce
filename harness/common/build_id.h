/*
 * build_id.h - the build-id (NT_GNU_BUILD_ID) that tells one build of a program or library from
 * another.
 *
 * elfutils reads it too, but out of a file by malloc, of which a worker makes no use before it
 * measures; for the runner alone it would save 40 lines, and cost four libraries (libdw, libelf,
 * liblzma, libbz2) in each place that lists packages.
 */
#ifndef GROWBENCH_HARNESS_BUILD_ID_H
#define GROWBENCH_HARNESS_BUILD_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/common/error.h"

/* Room for one in hexadecimal, of up to 64 bytes; what is longer is cut. */
enum {
	BUILD_ID_SIZE = 129
};

/* Looks for it among the notes of an ELF object, in this machine's byte order. False, with nothing
 * written, if it is not there. */
bool build_id_of_notes(const unsigned char *notes, size_t size, char text[BUILD_ID_SIZE]);

/* Reads it out of a file that is not loaded. False with an empty text and a reason, which leaves
 * out the path, if there is none: the file cannot be read, is no ELF file (a script), was linked
 * without. */
bool build_id_of_file(const char *path, char text[BUILD_ID_SIZE], struct error *error);

#endif
