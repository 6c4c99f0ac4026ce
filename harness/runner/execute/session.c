#include "harness/runner/execute/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <glib.h>

#include "harness/runner/execute/pilot.h"
#include "harness/runner/execute/rows.h"
#include "harness/runner/plan/extension.h"
#include "harness/runner/process/interrupts.h"
#include "harness/runner/process/verbs.h"

/* The pilot, and machine.json with its result. False, with an empty error, if it was interrupted.
 */
static bool do_pilot(struct run *run, struct error *error)
{
	uint64_t start = process_now_ns();
	char duration[16];
	size_t predicted = 0;

	/* Without measurements the model's times will do. */
	if ((run->request->passes[PASS_MEASURE] || run->request->passes[PASS_PATTERN]) &&
	    !pilot_run(&run->plan, &run->pool, &run->progress))
		return false;
	for (size_t i = 0; i < run->plan.cell_count; i++)
		predicted += run->plan.cells[i].skip == CELL_PREDICTED;
	(void)json_object_set_new(run->description, "pilot", pilot_save(&run->plan));
	(void)json_object_set_new(json_object_get(run->description, "run"), "pilot_s",
				  json_real((double)(process_now_ns() - start) / 1e9));
	progress_duration(plan_expected_ns(&run->plan) + extension_expected_ns(&run->plan),
			  duration, sizeof duration);
	progress_note(&run->progress,
		      "pilot done: %zu of %zu cells are predicted, not measured; the rounds will "
		      "take about %s",
		      predicted, run->plan.cell_count, duration);
	return description_write(run->description, &run->folder, error);
}

static void summarise(struct run *run)
{
	if (run->request->given.no_summary || run->rows_written == 0)
		return;
	if (!verb_run("summarise", run->folder.path))
		progress_warn(&run->progress,
			      "summary.csv was not written; the rows are safe, and "
			      "growbench summarise %s makes it from them",
			      run->folder.path);
}

/* What the run saw of its host, into its description; told if it changed. */
static void describe_host(struct run *run)
{
	g_autofree char *changes = host_changes(&run->host);

	(void)json_object_set_new(run->description, "host", host_describe(&run->host));
	if (changes != NULL)
		progress_warn(
			&run->progress,
			"the host changed while the run went on: %s; compare what stands next "
			"to each other in it, and no times with other runs",
			changes);
}

static double runner_share(const struct run *run)
{
	return run->rounds_ns == 0 ? 0 : 1 - (double)run->alive_ns / (double)run->rounds_ns;
}

/* Are all rows there? Those of an extension are not planned before it is chosen. */
static bool is_whole(const struct run *run)
{
	return run->rows_written == plan_row_count(&run->plan) &&
	       (run->request->extra_rounds == 0 ||
		json_object_get(run->description, "extension") != NULL);
}

/* What the preset is for, of a whole run of all that it measures. */
static void answer(struct run *run)
{
	const struct request *request = run->request;
	const char *verb = request->preset->answer;

	if (verb == NULL || request->given.no_summary || request->given.strategies != NULL ||
	    !request->passes[PASS_MEASURE] || !is_whole(run))
		return;
	if (!verb_run(verb, run->folder.path))
		progress_warn(&run->progress,
			      "the run is whole, but was not told of; see growbench %s %s", verb,
			      run->folder.path);
}

/* Prints how a run ended that could write all it had. */
static enum exit_status tell_end(struct run *run)
{
	const uint64_t planned = plan_row_count(&run->plan);
	g_auto(GStrv) unmet = requirements_unmet(&run->requirements);
	char duration[16];

	progress_duration((double)run->rounds_ns, duration, sizeof duration);
	progress_note(&run->progress,
		      "%" PRIu64 " of %" PRIu64 " rows in %s, the runner's own "
		      "share of it %.1f%%",
		      run->rows_written, planned, duration, 100 * runner_share(run));
	if (!is_whole(run)) {
		(void)fprintf(stderr, "interrupted; go on with: %s run --resume %s\n",
			      program_invocation_name, run->folder.path);
		return EXIT_INTERRUPTED;
	}
	if (printf("%s\n", run->folder.path) < 0 || fflush(stdout) != 0) {
		progress_warn(&run->progress,
			      "standard output cannot be written; the run is whole, in %s",
			      run->folder.path);
		return EXIT_FAILED;
	}
	if (run->rows_failed > 0)
		progress_warn(&run->progress,
			      "%" PRIu64
			      " worker%s failed (%s%s); the status columns of runs.csv say how",
			      run->rows_failed, run->rows_failed == 1 ? "" : "s",
			      run->rows_failed == 1 ? "" : "the first: ", run->first_failure);
	progress_warn_all(&run->progress, unmet);
	if (*unmet != NULL)
		return EXIT_UNMEASURED;
	return run->rows_failed > 0 ? EXIT_WORKERS : EXIT_DONE;
}

/* Chooses the extension, and writes it down. */
static bool extend(struct run *run, struct error *error)
{
	const uint64_t end = plan_rounds_end(&run->plan, run->visits);
	const uint64_t count = plan_row_count(&run->plan);
	const json_t *of_run = json_object_get(run->description, "run");
	double used_ns = 1e9 * json_real_value(json_object_get(of_run, "pilot_s"));
	char duration[16];

	used_ns += plan_visits_ns(&run->plan, &run->visits[end], count - end);
	extend_choose(&run->plan, &run->notes, used_ns);
	run_renew_visits(run, end);
	if (extension_row_count(&run->plan) > 0) {
		progress_duration(plan_visits_ns(&run->plan, &run->visits[end],
						 extension_row_count(&run->plan)),
				  duration, sizeof duration);
		progress_note(&run->progress,
			      "rounds done: %" PRIu64
			      " rows more, where intervals are widest, will take about %s",
			      extension_row_count(&run->plan), duration);
	} else {
		progress_note(
			&run->progress,
			"rounds done; none is added: there is no time left, or no wide interval");
	}
	(void)json_object_set_new(run->description, "extension", extend_save(&run->plan));
	return description_write(run->description, &run->folder, error);
}

/* The rounds that all have, the extension, and what stands at the end. */
static bool make_all(struct run *run, struct error *error)
{
	const bool extends = run->request->extra_rounds > 0 &&
			     json_object_get(run->description, "extension") == NULL;
	const uint64_t end = plan_rounds_end(&run->plan, run->visits);

	if (!extends)
		return rows_make(run, "rounds", 0, plan_row_count(&run->plan), error);
	return rows_make(run, "rounds", 0, end, error) &&
	       (interrupts > 0 ||
		(extend(run, error) &&
		 rows_make(run, "the rest", end, plan_row_count(&run->plan), error)));
}

/* All rows that are not there yet, until there is an interrupt. */
static bool make_rows(struct run *run, struct error *error)
{
	const uint64_t start = process_now_ns();
	bool ok;

	rows_look_at_host(run, HOST_START);
	ok = make_all(run, error);
	if (ok)
		rows_look_at_host(run, HOST_END);
	run->rounds_ns = process_now_ns() - start;
	return ok;
}

enum exit_status session(struct run *run, struct error *error)
{
	const json_t *pilot = json_object_get(run->description, "pilot");
	bool ok = (pilot != NULL ? pilot_load(&run->plan, pilot, error) : do_pilot(run, error)) &&
		  make_rows(run, error);
	bool failed = !ok && error->text[0] != '\0';
	struct error ignored;

	describe_host(run);
	description_end(run->description,
			is_whole(run) ? "complete"
			: failed      ? "failed"
				      : "interrupted",
			run->rows_written, run->rounds_ns, runner_share(run));
	if (!failed)
		failed = !folder_sync(&run->folder, error) ||
			 !description_write(run->description, &run->folder, error);
	else
		/* As far as the disk allows; what failed first is the message. */
		(void)description_write(run->description, &run->folder, &ignored);
	summarise(run);
	answer(run);
	return failed ? EXIT_FAILED : tell_end(run);
}
