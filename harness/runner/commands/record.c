#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <glib.h>

#include "harness/record/convert.h"
#include "harness/record/raw_file.h"
#include "harness/runner/commands/command.h"
#include "harness/runner/process/foreground.h"
#include "harness/runner/process/interrupts.h"
#include "harness/runner/process/preload.h"
#include "harness/runner/process/program.h"
#include "harness/runner/process/recordable.h"

#define RECORDER "libgrowbench-record.so"
#define USUAL_LIMIT ((uint64_t)4 << 30)

struct recording_request {
	const struct arguments *given;
	char program[PATH_MAX];
	char out[PATH_MAX]; /* the profile */
	char *folder;       /* while it is recorded, beside the profile */
	char *made;         /* the profile, in that folder */
	struct preload preload;
	char **environment; /* of the program */
};

/* ---- before ---- */

static bool name_profile(struct recording_request *record, struct error *error)
{
	const struct arguments *given = record->given;
	g_autofree char *name = g_path_get_basename(given->words[0]);
	g_autofree char *parent = NULL;
	const int length = given->out != NULL ? snprintf(record->out, PATH_MAX, "%s", given->out)
					      : snprintf(record->out, PATH_MAX, "%s.profile", name);
	struct stat status;

	if (length >= PATH_MAX)
		return error_set(error, "--out: the name is too long");
	parent = g_path_get_dirname(record->out);
	if (stat(parent, &status) != 0 || !S_ISDIR(status.st_mode))
		return error_set(error, "%s: there is no folder %s; make it, or give another --out",
				 record->out, parent);
	if (lstat(record->out, &status) != 0)
		return true;
	if (!S_ISREG(status.st_mode))
		return error_set(error, "%s is there and is no file; give another --out",
				 record->out);
	return given->overwrite ||
	       error_set(error, "%s is there already; give another --out, or --overwrite",
			 record->out);
}

/* A quarter of what is free is left to the program. */
static uint64_t limit_of(const struct recording_request *record)
{
	const uint64_t wanted =
		record->given->limit_bytes > 0 ? record->given->limit_bytes : USUAL_LIMIT;
	struct statvfs disk;
	uint64_t most;

	if (statvfs(record->folder, &disk) != 0)
		return wanted;
	most = (uint64_t)disk.f_bavail * disk.f_frsize / 4 * 3;
	return wanted < most ? wanted : most;
}

static bool make_folder(struct recording_request *record, struct error *error)
{
	const struct raw_settings settings = {
		.version = RAW_VERSION,
		.flags = (record->given->stacks ? RAW_STACKS : 0) |
			 (record->given->names ? RAW_NAMES : 0),
	};
	g_autofree char *path = NULL;
	struct raw_settings filled = settings;
	g_autofree char *template = g_strconcat(record->out, ".recording-XXXXXX", NULL);
	char real[PATH_MAX];
	int fd;
	bool ok;

	if (mkdtemp(template) == NULL || realpath(template, real) == NULL)
		return error_set(error, "no folder can be made beside %s: %s", record->out,
				 strerror(errno));
	record->folder = g_strdup(real);
	record->made = g_build_filename(real, "profile", NULL);
	filled.limit_bytes = limit_of(record);
	path = g_build_filename(real, RAW_SETTINGS, NULL);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ok = fd >= 0 && write(fd, &filled, sizeof filled) == (ssize_t)sizeof filled;
	if (!ok)
		(void)error_set(error, "%s cannot be written: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool preload_recorder(struct recording_request *record, struct error *error)
{
	char own[PATH_MAX];
	g_autofree char *path = NULL;

	if (!program_own_folder(own, error))
		return false;
	path = g_build_filename(own, RECORDER, NULL);
	if (access(path, R_OK) != 0)
		return error_set(error, "%s is not there: build it with cmake --build", path);
	return preload_add(&record->preload, path, error);
}

/* The same but for the two variables; what is preloaded anyway comes behind the recorder. */
static void fill_environment(struct recording_request *record)
{
	const char *preloaded = getenv("LD_PRELOAD");
	GPtrArray *variables = g_ptr_array_new();

	for (char **variable = environ; *variable != NULL; variable++)
		if (!g_str_has_prefix(*variable, "LD_PRELOAD=") &&
		    !g_str_has_prefix(*variable, RAW_FOLDER_VARIABLE "="))
			g_ptr_array_add(variables, g_strdup(*variable));
	g_ptr_array_add(variables,
			g_strdup_printf("LD_PRELOAD=%s%s%s", record->preload.list,
					preloaded == NULL || *preloaded == '\0' ? "" : ":",
					preloaded == NULL ? "" : preloaded));
	g_ptr_array_add(variables, g_strdup_printf(RAW_FOLDER_VARIABLE "=%s", record->folder));
	g_ptr_array_add(variables, NULL);
	record->environment = (char **)g_ptr_array_free(variables, FALSE);
}

/* ---- afterwards ---- */

static void remove_folder(const struct recording_request *record)
{
	GDir *entries = record->folder == NULL ? NULL : g_dir_open(record->folder, 0, NULL);
	const char *name;

	if (entries == NULL)
		return;
	while ((name = g_dir_read_name(entries)) != NULL) {
		g_autofree char *path = g_build_filename(record->folder, name, NULL);

		(void)unlink(path);
	}
	g_dir_close(entries);
	(void)rmdir(record->folder);
}

static void release(struct recording_request *record)
{
	remove_folder(record);
	preload_release(&record->preload);
	g_strfreev(record->environment);
	g_free(record->folder);
	g_free(record->made);
}

/* Puts the profile in its place: whole, or not at all. */
static bool place(const struct recording_request *record, struct error *error)
{
	struct stat status;

	if (!record->given->overwrite && lstat(record->out, &status) == 0)
		return error_set(error,
				 "%s has come there meanwhile; nothing was kept: give another "
				 "--out, or --overwrite",
				 record->out);
	return rename(record->made, record->out) == 0 ||
	       error_set(error, "%s cannot be written: %s", record->out, strerror(errno));
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void print_end(const struct recording_request *record, const struct foreground_end *end)
{
	if (end->signalled)
		(void)fprintf(stderr, "%s was ended by signal %d (%s)\n", record->given->words[0],
			      end->code, strsignal(end->code));
	else
		(void)fprintf(stderr, "%s ended with status %d\n", record->given->words[0],
			      end->code);
}

static void print_recorded(const struct recording_request *record,
			   const struct convert_result *result)
{
	const struct profile_facts *facts = &result->facts;
	const struct profile_process *most = &result->most;
	const double bytes = (double)facts->file_bytes;
	const double events = facts->event_count == 0 ? 1 : (double)facts->event_count;

	(void)fprintf(stderr, "recorded %" PRIu64 " call%s of %" PRIu32 " process%s",
		      facts->event_count, plural(facts->event_count), facts->process_count,
		      facts->process_count == 1 ? "" : "es");
	(void)fprintf(stderr,
		      "; in the largest %" PRIu32 " thread%s, at most %" PRIu32
		      " block%s and %.1f MiB live at once\n",
		      most->thread_count, plural(most->thread_count), most->most_blocks,
		      plural(most->most_blocks), (double)most->most_bytes / (1 << 20));
	(void)fprintf(stderr, "%s: %" PRIu64 " bytes, %.2f a call; %.1f before compression\n",
		      record->out, facts->file_bytes, bytes / events,
		      (double)result->raw_bytes / events);
}

/* What is missing in it. */
static bool print_missing(const struct convert_result *result)
{
	const uint64_t failed = result->limited + result->no_space;

	if (result->limited > 0)
		(void)fprintf(stderr,
			      "growbench: the disk space of --limit was used up: the profile ends "
			      "there; give more, such as --limit 16GiB\n");
	if (result->no_space > 0)
		(void)fprintf(stderr,
			      "growbench: the disk or the memory was full: the profile ends there; "
			      "give an --out on another disk\n");
	if (result->running > 0)
		(void)fprintf(stderr, "growbench: %u process%s still run%s: recorded up to now\n",
			      (unsigned)result->running, result->running == 1 ? "" : "es",
			      result->running == 1 ? "s" : "");
	return failed > 0;
}

static void print_next(const struct recording_request *record)
{
	(void)fprintf(stderr,
		      "next:  growbench advise %s    which allocator to take for it\n"
		      "       growbench replay %s    measure it under each allocator\n",
		      record->out, record->out);
}

static int told_failure(const struct error *error, int status)
{
	(void)fprintf(stderr, "growbench: %s\n", error->text);
	return status;
}

static int finish(const struct recording_request *record, const struct foreground_end *end)
{
	const struct convert_request request = {
		.folder = record->folder,
		.path = record->made,
		.has_stacks = record->given->stacks,
		.has_names = record->given->names,
		.interrupts = &interrupts,
	};
	const bool interrupted = interrupts > 0;
	const bool says = !record->given->quiet;
	struct convert_result result;
	struct error error;
	bool is_part;

	if (says)
		print_end(record, end);
	if (!convert(&request, &result, &error))
		return *error.text == '\0' ? EXIT_INTERRUPTED : told_failure(&error, EXIT_FAILED);
	if (result.facts.process_count == 0) {
		(void)error_set(&error,
				"nothing was recorded: %s did not load the recorder, or no file "
				"could be made in the folder of %s",
				record->given->words[0], record->out);
		return told_failure(&error, EXIT_FAILED);
	}
	if (!place(record, &error))
		return told_failure(&error, EXIT_FAILED);
	if (says)
		print_recorded(record, &result);
	is_part = print_missing(&result);
	if (says)
		print_next(record);
	if (interrupted)
		return EXIT_INTERRUPTED;
	return is_part || end->signalled || end->code != 0 ? EXIT_WORKERS : EXIT_DONE;
}

static bool prepare(struct recording_request *record, struct error *error)
{
	const struct arguments *given = record->given;

	if (given->words[0] == NULL)
		return error_set(error,
				 "no command to record; give one: growbench record -- COMMAND...");
	if (!recordable_find(given->words[0], record->program, error) ||
	    !recordable_check(record->program, error) || !name_profile(record, error) ||
	    !make_folder(record, error) || !preload_recorder(record, error))
		return false;
	fill_environment(record);
	return true;
}

static int run(const struct request *request)
{
	struct recording_request record = {.given = &request->given, .preload = preload_init()};
	struct foreground_end end;
	struct error error;
	int status;

	if (!prepare(&record, &error) || !foreground_run(record.program, record.given->words,
							 record.environment, &end, &error)) {
		status = usage_error(&error);
	} else {
		interrupts_ignore_write_signals();
		status = finish(&record, &end);
	}
	release(&record);
	return status;
}

const struct command command_record = {
	.name = "record",
	.run = run,
	.help = "run a program and record what it asks of its allocator",
	.examples = "  growbench record -- sqlite3 my.db 'SELECT count(*) FROM t'\n"
		    "  growbench record -o sort.profile --stacks -- sort --parallel=4 big.txt\n"
		    "  growbench record --limit 16GiB -- python3 program.py\n",
};
