/*
 * library.h - files that can be preloaded: where they are, and whether they are such.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_LIBRARY_H
#define GROWBENCH_HARNESS_RUNNER_LIBRARY_H

/* The file that the first pattern with a match means, links resolved, to be freed; NULL if none
 * has. Patterns are as for glob(7), NULL-terminated; one without '/' is looked for in the system's
 * library folders; of its matches the highest version counts. */
char *library_find(const char *const *patterns);

/* Why the file cannot be preloaded, or NULL if nothing speaks against it. */
const char *library_why_not(const char *path);

#endif
