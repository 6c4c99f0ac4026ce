/*
 * allocator - what stands behind --allocator, beside a few files that it may name.
 *
 * What is refused has a message and holds nothing. What is taken has a label, variables that are
 * not the loader's, and paths that the loader understands; it can be used, or says why not.
 */
#include <ctype.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "harness/runner/request/allocators.h"

/* The beginning of a shared library, made of our own. */
static void make_library(const char *path)
{
	FILE *self = fopen("/proc/self/exe", "r");
	ElfW(Ehdr) header;

	MUST(self != NULL && fread(&header, sizeof header, 1, self) == 1);
	(void)fclose(self);
	header.e_type = ET_DYN;
	fuzz_write(path, &header, sizeof header);
}

void fuzz_prepare(void)
{
	MUST(chdir(fuzz_folder()) == 0);
	make_library("lib.so");
	make_library("at@lib.so");
	make_library("with space.so");
	MUST(symlink("with space.so", "link.so") == 0);
	MUST(mkdir("build", 0755) == 0 && mkdir("empty", 0755) == 0);
	fuzz_write("build/growbench-worker", "#!/bin/true\n", 12);
	MUST(chmod("build/growbench-worker", 0755) == 0);
	fuzz_set_library("lib.so");
}

static void check_environment(char *const *environment)
{
	for (size_t i = 0; environment[i] != NULL; i++) {
		size_t name = strcspn(environment[i], "=");

		MUST(name > 0 && environment[i][name] == '=');
		MUST(strncmp(environment[i], "LD_", 3) != 0);
		for (size_t k = 0; k < name; k++)
			MUST(environment[i][k] == '_' ||
			     isupper((unsigned char)environment[i][k]) ||
			     isdigit((unsigned char)environment[i][k]));
		for (size_t k = 0; k < i; k++)
			MUST(strncmp(environment[k], environment[i], name + 1) != 0);
	}
}

static void check_allocator(const struct allocator *allocator, bool is_text)
{
	MUST(allocator->name != NULL && *allocator->name != '\0' && strlen(allocator->name) <= 40);
	MUST((allocator->expected_path == NULL) == (allocator->missing != NULL));
	MUST(allocator->library == NULL || allocator->missing == NULL);
	MUST(allocator->library == NULL ||
	     (*allocator->library == '/' && fuzz_is_printable(allocator->library)));
	MUST((allocator->build == NULL) == (allocator->worker == NULL));
	MUST(allocator->worker == NULL || *allocator->worker == '/');
	MUST(allocator->missing == NULL || !is_text || fuzz_is_printable(allocator->missing));
	check_environment(allocator->environment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct allocator nothing;
	char *text = fuzz_text(data, size);
	struct allocator allocator;
	struct error error = {""};

	if (allocator_parse(text, &allocator, &error)) {
		check_allocator(&allocator, fuzz_is_printable(text));
		MUST(strncmp(allocator.name, text, strcspn(text, "=")) == 0);
	} else {
		MUST(error.text[0] != '\0');
		MUST(memcmp(&allocator, &nothing, sizeof nothing) == 0);
	}
	allocator_release(&allocator);
	error.text[0] = '\0';
	if (allocator_find(text, &allocator, &error))
		check_allocator(&allocator, true);
	else
		MUST(error.text[0] != '\0');
	allocator_release(&allocator);
	free(text);
	return 0;
}
