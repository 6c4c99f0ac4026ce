/*
 * machine - machine.json of a run that goes on.
 *
 * It is of this run, or is refused with a message; a plan that is taken over is one that can be
 * carried out, and is written again as it was read. What it says of the host is left out or taken
 * over, and then stands in the next one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "harness/runner/execute/description.h"
#include "harness/runner/execute/host.h"
#include "harness/runner/execute/extend.h"
#include "harness/runner/execute/pilot.h"
#include "harness/runner/request/read.h"

static const struct topology no_topology;
static struct allocator_check checks[8];
static struct request request;
static struct plan whole;
static struct visit *visits;

static const char answer[] = "growbench-report 1\nstrategy push linear\nstatus ok\nend\n";

void fuzz_prepare(void)
{
	char text[] = "run\n--preset\nquick\n--strategies\nchunked_list,loop_and_append\n"
		      "--allocators\nglibc\n--rows\n100,1k\n--seed\n1";
	char *rest = text;
	char *words[12] = {NULL};
	int count = 0;
	struct error error;

	fuzz_set_answer(PROCESS_EXITED, 0, "", answer, sizeof answer - 1);
	while (*rest != '\0')
		words[count++] = fuzz_line(&rest);
	MUST(request_read(count, words, &request, &error));
	MUST(request.allocator_count == 1);
	MUST(plan_make(&whole, &request, &no_topology, 1 << 30, &error));
	visits = plan_order(&whole);
	MUST(visits != NULL);
	(void)strcpy(checks[0].status, "ok");
	(void)strcpy(checks[0].version, "2.36");
}

static void check_plan(const struct plan *plan)
{
	json_t *saved = pilot_save(plan);
	struct error error;
	struct plan again;

	MUST(isfinite(plan_expected_ns(plan)) && plan_expected_ns(plan) >= 0);
	for (size_t b = 0; b < plan->block_count; b++)
		MUST(plan->blocks[b].iterations >= 1);
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];

		MUST(cell->cold_ns >= 0 && cell->warm_ns >= 0 && cell->worker_ns >= 0);
		MUST(isfinite(cell->cold_ns) && isfinite(cell->warm_ns));
		MUST(cell->values >= 1 && cell->rounds <= request.rounds);
	}
	MUST(plan_make(&again, &request, &no_topology, 1 << 30, &error));
	MUST(pilot_load(&again, saved, &error));
	for (size_t i = 0; i < plan->cell_count; i++) {
		MUST(plan->cells[i].cold_ns >= again.cells[i].cold_ns);
		MUST(plan->cells[i].cold_ns <= again.cells[i].cold_ns);
		MUST(plan->cells[i].skip == again.cells[i].skip);
		MUST(plan->cells[i].values == again.cells[i].values);
	}
	for (size_t b = 0; b < plan->block_count; b++)
		MUST(plan->blocks[b].iterations == again.blocks[b].iterations);
	plan_release(&again);
	json_decref(saved);
}

static void check_pilot(const json_t *pilot)
{
	struct error error = {""};
	struct plan plan;

	MUST(plan_make(&plan, &request, &no_topology, 1 << 30, &error));
	if (pilot_load(&plan, pilot, &error))
		check_plan(&plan);
	else
		MUST(error.text[0] != '\0');
	plan_release(&plan);
}

static void check_host(const json_t *described)
{
	struct host host = host_init(&no_topology, &request, NULL);
	struct host again = host_init(&no_topology, &request, NULL);
	json_t *first;
	json_t *second;
	char *text;

	host_load(&host, described);
	text = host_text(&host);
	MUST(fuzz_is_printable(text) && *text != '\0');
	free(text);
	first = host_describe(&host);
	MUST(first != NULL);
	host_load(&again, first);
	second = host_describe(&again);
	MUST(json_equal(first, second));
	json_decref(first);
	json_decref(second);
}

/* What is loaded is saved as it was, and of rounds that intervals have. */
static void check_extension(const json_t *extension)
{
	struct request more = request;
	struct error error = {""};
	struct plan plan;

	more.rounds = 9;
	MUST(plan_make(&plan, &more, &no_topology, 1 << 30, &error));
	if (extend_load(&plan, extension, &error)) {
		json_t *saved = extend_save(&plan);

		MUST(json_equal(json_object_get(saved, "row_count"),
				json_object_get(extension, "row_count")));
		MUST(json_array_size(json_object_get(saved, "blocks")) ==
		     json_array_size(json_object_get(extension, "blocks")));
		free(plan_order(&plan));
		json_decref(saved);
	} else {
		MUST(error.text[0] != '\0');
	}
	plan_release(&plan);
}

static void check_arguments(const json_t *description)
{
	struct error error = {""};
	struct request begun;
	int count;
	char **words = description_arguments(description, &count, &error);

	MUST(words != NULL || error.text[0] != '\0');
	if (words == NULL)
		return;
	MUST(count >= 1 && words[count] == NULL);
	MUST(request_read(count, words, &begun, &error) || error.text[0] != '\0');
	request_release(&begun);
	free(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct description_facts facts = {
		.machine_id = "machine",
		.request = &request,
		.topology = &no_topology,
		.plan = &whole,
		.visits = visits,
	};
	json_error_t reason;
	json_t *description = json_loadb((const char *)data, size, 0, &reason);
	struct error error = {""};

	if (description != NULL) {
		MUST((description_check_same(description, &facts, &error) &&
		      description_check_allocators(description, &facts, checks, &error)) ||
		     error.text[0] != '\0');
		check_arguments(description);
		check_pilot(json_object_get(description, "pilot"));
		check_host(json_object_get(description, "host"));
		check_extension(json_object_get(description, "extension"));
	}
	json_decref(description);
	return 0;
}
