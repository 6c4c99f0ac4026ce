/*
 * read.h - from the words of a command line to a request.
 */
#ifndef GROWBENCH_HARNESS_READ_H
#define GROWBENCH_HARNESS_READ_H

#include <stdbool.h>

#include "harness/common/error.h"
#include "harness/runner/request/request.h"

/*
 * Reads the words from the verb on: argv[0] is the verb. False with a message that names the valid
 * or the nearest choice; nothing has been written then. With --help or --resume nothing but `given`
 * is read. The request points into argv, and must be released either way.
 */
bool request_read(int argc, char **argv, struct request *request, struct error *error);

#endif
