/*
 * growbench - runs workers over strategies, sizes and allocators.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <glib.h>

#include "build_info.h"
#include "harness/common/text.h"
#include "harness/runner/commands/command.h"
#include "harness/runner/process/interrupts.h"
#include "harness/runner/process/verbs.h"
#include "harness/runner/request/read.h"

static const struct command *const commands[] = {
	&command_run,  &command_list,    &command_plan,   &command_doctor,
	&command_peak, &command_profile, &command_record,
};

enum {
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): the array is of pointers */
	COMMAND_COUNT = sizeof commands / sizeof *commands
};

static void print_help(void)
{
	(void)puts("growbench measures what it costs to build an array row by row: strategies x "
		   "sizes x\nallocators, in time and peak memory.\n\n"
		   "usage: growbench COMMAND [OPTION...]\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		(void)printf("  %-15s %s\n", commands[i]->name, commands[i]->help);
	(void)puts("\nOf a run, by Python:\n");
	for (const struct verb *verb = python_verbs; verb->name != NULL; verb++)
		(void)printf("  %-15s %s\n", verb->name, verb->help);
	(void)puts("\ngrowbench COMMAND --help shows the options. Exit status: 0 done, 1 failed, 2 "
		   "wrong\nusage and nothing written, 3 some workers failed, 4 something that was "
		   "named was not\n"
		   "measured, or nothing was, 130 interrupted.");
}

/* What completion and manual pages are made of: verbs with their help, and their options. */
static int list_options(void)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		(void)printf("%s\t\t%s\t%s\n", commands[i]->name,
			     arguments_words(commands[i]->name), commands[i]->help);
		arguments_list(commands[i]->name, stdout);
	}
	return finish_output();
}

static int print_command_help(size_t command)
{
	const char *words = arguments_words(commands[command]->name);

	(void)printf("usage: growbench %s [OPTION...]%s%s\n%s\n\nOptions:\n",
		     commands[command]->name, *words == '\0' ? "" : " ", words,
		     commands[command]->help);
	arguments_help(commands[command]->name, stdout);
	(void)printf("\nExamples:\n%s", commands[command]->examples);
	return finish_output();
}

static int run_command(size_t command, int argc, char **argv)
{
	struct request request;
	struct error error;
	int status;

	if (!request_read(argc, argv, &request, &error))
		status = usage_error(&error);
	else if (interrupts > 0)
		status = EXIT_INTERRUPTED;
	else if (request.given.help)
		status = print_command_help(command);
	else
		status = commands[command]->run(&request);
	request_release(&request);
	return status;
}

/* If standard error were closed, runs.csv would be opened in its place, and messages written into
 * it. What is put there instead cannot be written to, so that it is told as it would be. */
static void keep_standard_descriptors_taken(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* We run what the command line and the environment name: so nobody may lend us rights that the
 * caller has not, nor may a worker get any. */
static bool has_callers_rights_only(struct error *error)
{
	if (getauxval(AT_SECURE) != 0)
		return error_set(error,
				 "this program is set-user-ID, set-group-ID or has capabilities, "
				 "and would run its workers with rights that you do not have; "
				 "take that from it: chmod u-s,g-s, setcap -r");
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ||
	       error_set(error, "prctl(PR_SET_NO_NEW_PRIVS): %s", strerror(errno));
}

/* What is neither a command of ours nor a verb of Python's is misspelt. */
static int unknown_verb(const char *word)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	struct error error = {""};

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		g_ptr_array_add(names, (char *)commands[i]->name);
	for (const struct verb *verb = python_verbs; verb->name != NULL; verb++)
		g_ptr_array_add(names, (char *)verb->name);
	g_ptr_array_add(names, NULL);
	(void)unknown_name("command", word, (const char *const *)names->pdata, &error);
	return usage_error(&error);
}

int main(int argc, char **argv)
{
	struct error error;

	keep_standard_descriptors_taken();
	if (!has_callers_rights_only(&error))
		return usage_error(&error);
	interrupts_catch();
	if (argc < 2) {
		print_help();
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help();
		return finish_output();
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)puts("growbench " GROWBENCH_VERSION);
		return finish_output();
	}
	if (strcmp(argv[1], "--list-options") == 0)
		return list_options();
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(argv[1], commands[i]->name) == 0)
			return run_command(i, argc - 1, argv + 1);
	for (const struct verb *verb = python_verbs; verb->name != NULL; verb++)
		if (strcmp(argv[1], verb->name) == 0) {
			(void)verb_execute(argv + 1, &error);
			return usage_error(&error);
		}
	return unknown_verb(argv[1]);
}
