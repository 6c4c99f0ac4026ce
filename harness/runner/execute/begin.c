#include "harness/runner/execute/begin.h"

#include <inttypes.h>
#include <stdio.h>

#include <glib.h>

#include "harness/runner/execute/detect.h"
#include "harness/runner/execute/duet.h"
#include "harness/runner/execute/session.h"
#include "harness/runner/machine/machine.h"
#include "harness/runner/process/interrupts.h"

/* The run's name: the machine and the time, as in ...-20260131T235959Z. */
static void name_run(struct run *run)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");

	(void)snprintf(run->run_id, sizeof run->run_id, "%s-%s", run->machine_id, time);
}

static bool claim_folder(struct run *run, struct error *error)
{
	g_autofree char *path = NULL;

	name_run(run);
	path = g_build_filename(GROWBENCH_RESULTS, run->run_id, NULL);
	return folder_init(&run->folder,
			   run->request->given.out != NULL ? run->request->given.out : path,
			   error) &&
	       folder_check(&run->folder, run->request->given.overwrite, error);
}

static bool begin(struct run *run, struct error *error)
{
	const struct description_facts facts = run_facts(run);
	g_autofree char *header = record_csv_header();
	bool ok = folder_create(&run->folder, header, run->request->given.overwrite,
				run_needed_bytes(run), error);

	if (!ok)
		return false;
	run_has_folder(run);
	run->description = description_begin(&facts);
	/* From here on the run can be gone on with, whatever happens. */
	run->can_be_resumed = description_write(run->description, &run->folder, error);
	ok = run->can_be_resumed && detect(run, error);
	if (ok && interrupts == 0)
		return true;
	if (interrupts > 0)
		(void)error_set(error, "interrupted before anything was measured; nothing is kept");
	/* Without a description the run could not be gone on with. */
	folder_abandon(&run->folder);
	return false;
}

/* What a person should know before it begins. */
static void announce(struct run *run)
{
	g_auto(GStrv) warnings = machine_warnings(&run->topology);
	g_autofree char *duet = duet_note(run->request, &run->topology);

	for (char **warning = warnings; *warning != NULL; warning++)
		progress_note(&run->progress, "note: %s", *warning);
	progress_note(&run->progress, "%zu cells in %" PRIu64 " rounds, seed %" PRIu64 ", into %s",
		      run->plan.cell_count, run->request->rounds, run->request->seed,
		      run->folder.path);
	if (duet != NULL)
		progress_note(&run->progress, "note: %s", duet);
	detect_requirements(run);
}

enum exit_status run_new(const struct request *request, struct error *error)
{
	enum exit_status status = EXIT_USAGE;
	struct run run;

	error->text[0] = '\0';
	if (run_init(&run, request, error) && claim_folder(&run, error)) {
		announce(&run);
		if (begin(&run, error))
			status = session(&run, error);
		else
			status = interrupts > 0 ? EXIT_INTERRUPTED : EXIT_FAILED;
	}
	run_release(&run);
	return status;
}
