/*
 * loader.h - what the loader of this program says of the C library: the same that workers get.
 *
 * ld.so(8) prints it itself: --list-tunables (since glibc 2.33) the tunables in effect, those that
 * it found out from the processor among them, and --help the levels of the architecture for which
 * it would take libraries. Both are read as text.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_LOADER_H
#define GROWBENCH_HARNESS_RUNNER_LOADER_H

#include <jansson.h>

/*
 * Sets "glibc_tunables" (an object of those that decide on copies, on malloc and on memory, each
 * with its value as the loader prints it) and "isa_level" ("x86-64-v3"), or null and a reason. The
 * loader is run with `tunables`, a GLIBC_TUNABLES=... of ours, or NULL.
 */
void loader_facts(const char *tunables, json_t *system, json_t *absent);

/* Of what --list-tunables printed: "glibc.cpu.*", "glibc.malloc.*" and "glibc.mem.*" without the
 * first word; NULL if there is none. Owned by the caller. */
json_t *loader_read_tunables(const char *text);

/* Of what --help printed: the first, and so highest, level that is supported and searched, for
 * g_free; NULL if there is none. */
char *loader_read_level(const char *text);

#endif
