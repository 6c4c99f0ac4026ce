#include "harness/runner/execute/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/common/text.h"
#include "harness/runner/execute/detect.h"
#include "harness/runner/execute/rows.h"
#include "harness/runner/execute/session.h"
#include "harness/runner/request/read.h"

/* Marks the position of a row that is there. */
static bool mark_done(char *line, uint64_t number, void *data, struct error *error)
{
	struct run *run = data;
	struct record record = record_init();
	struct error reason = {"it is there twice, or of another run"};
	uint64_t position;
	bool ours = record_read_row(&record, line, &reason) &&
		    parse_count(record_get(&record, "position"), "position", &position, &reason) &&
		    position <= plan_row_count(&run->plan) && !run->done[position - 1] &&
		    strcmp(record_get(&record, "run_id"), run->run_id) == 0;

	if (ours) {
		run->done[position - 1] = true;
		run->rows_written++;
		rows_note(run, &run->visits[position - 1], &record);
	}
	record_release(&record);
	return ours ||
	       error_set(error, "%s/runs.csv, line %" PRIu64 ": this is no row of this run: %s",
			 run->folder.path, number, reason.text);
}

static bool has_row(uint64_t position, void *data)
{
	const struct run *run = data;

	return position > 0 && position <= plan_row_count(&run->plan) && run->done[position - 1];
}

/* The extension of a run that had one already. */
static bool load_extension(struct run *run, struct error *error)
{
	const json_t *extension = json_object_get(run->description, "extension");

	if (extension == NULL)
		return true;
	if (!extend_load(&run->plan, extension, error))
		return false;
	run_renew_visits(run, 0);
	return true;
}

static bool resume(struct run *run, struct error *error)
{
	const struct description_facts facts = run_facts(run);
	const char *id = json_string_value(json_object_get(run->description, "run_id"));
	g_autofree char *header = record_csv_header();
	bool ok;

	(void)snprintf(run->run_id, sizeof run->run_id, "%s", id == NULL ? "" : id);
	host_load(&run->host, json_object_get(run->description, "host"));
	detect_requirements(run);
	ok = description_check_same(run->description, &facts, error);
	/* It may have been killed before it knew its allocators. */
	if (ok && json_object_get(run->description, "allocators") == NULL) {
		ok = detect(run, error);
	} else if (ok) {
		detect_allocators(run);
		ok = description_check_allocators(run->description, &facts, run->checks, error) &&
		     description_check_valgrind(run->description, &run->valgrind, error);
	}
	ok = ok && load_extension(run, error) &&
	     folder_check_space(&run->folder, run_needed_bytes(run), error) &&
	     folder_read(&run->folder, header, mark_done, run, error) &&
	     folder_cut_timeline(&run->folder, timeline_csv_header(), has_row, run, error);
	return ok;
}

/* The options that the run was begun with; *argv is owned by the caller. */
static bool begun_request(const json_t *description, const struct request *now,
			  struct request *request, char ***argv, struct error *error)
{
	int argc;

	*argv = description_arguments(description, &argc, error);
	if (*argv == NULL || !request_read(argc, *argv, request, error))
		return false;
	request->seed = (uint64_t)json_integer_value(
		json_object_get(json_object_get(description, "run"), "seed"));
	request->given.quiet = now->given.quiet;
	request->given.no_summary = now->given.no_summary;
	return true;
}

/* Goes on with the run in the folder, which is open and released in the end. */
static enum exit_status resume_begun(const struct request *begun, json_t *description,
				     const struct folder *folder, struct error *error)
{
	enum exit_status status = EXIT_USAGE;
	struct run run;
	const bool ok = run_init(&run, begun, error);

	run.description = json_incref(description);
	run.folder = *folder;
	run.can_be_resumed = true;
	run_has_folder(&run);
	if (ok && resume(&run, error)) {
		progress_note(&run.progress,
			      "going on with %s: %" PRIu64 " of %" PRIu64 " rows are there",
			      run.folder.path, run.rows_written, plan_row_count(&run.plan));
		status = session(&run, error);
	}
	run_release(&run);
	return status;
}

enum exit_status run_resume(const struct request *request, struct error *error)
{
	enum exit_status status = EXIT_USAGE;
	struct folder folder;
	struct request begun = {.preset = NULL};
	json_t *description;
	g_autofree char **argv = NULL;

	error->text[0] = '\0';
	if (!folder_init(&folder, request->given.resume, error) || !folder_open(&folder, error))
		return EXIT_USAGE;
	description = description_read(&folder, error);
	if (description != NULL && begun_request(description, request, &begun, &argv, error))
		status = resume_begun(&begun, description, &folder, error);
	else
		folder_release(&folder);
	request_release(&begun);
	json_decref(description);
	return status;
}
