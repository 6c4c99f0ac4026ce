/*
 * build_id - the build-id of a file, and of notes in memory: any bytes.
 *
 * There is one, in hexadecimal, or none and a reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "harness/common/build_id.h"

static int file = -1;
static char path[64];

void fuzz_prepare(void)
{
	file = memfd_create("build-id", MFD_CLOEXEC);
	MUST(file >= 0);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
}

static void check_id(const char *text)
{
	MUST(*text != '\0' && strlen(text) % 2 == 0 && strlen(text) < BUILD_ID_SIZE);
	MUST(strspn(text, "0123456789abcdef") == strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly its size, as notes end at the end of their segment. */
	unsigned char *notes = malloc(size);
	char text[BUILD_ID_SIZE] = "?";
	struct error error = {""};

	if (size > 0)
		memcpy(notes, data, size);
	if (build_id_of_notes(notes, size, text))
		check_id(text);
	else
		MUST(strcmp(text, "?") == 0);
	MUST(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
	if (build_id_of_file(path, text, &error))
		check_id(text);
	else
		MUST(*text == '\0' && error.text[0] != '\0');
	free(notes);
	return 0;
}
