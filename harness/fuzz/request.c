/*
 * options - the words of a command line, one a line.
 *
 * What is refused has a message. What is taken lies within the limits that --help names, can be
 * planned or says why not, and comes back the same from machine.json, with whose words a run goes
 * on.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "harness/runner/execute/description.h"
#include "harness/runner/request/read.h"
#include "harness/runner/plan/plan.h"

enum {
	MOST_WORDS = 64,
	/* A plan of more cells takes too long to be made thousands of times. */
	MOST_CELLS = 400
};

static const char answer[] = "growbench-report 1\n"
			     "strategy loop_and_append quadratic Append to a list\n"
			     "strategy push linear\n"
			     "passes measure trace\n"
			     "status ok\n"
			     "end\n";

void fuzz_prepare(void)
{
	MUST(setenv("PATH", "/bin", 1) == 0);
	fuzz_set_library("/proc/self/exe");
	fuzz_set_answer(PROCESS_EXITED, 0, "", answer, sizeof answer - 1);
}

static void check_counts(const struct counts *counts, uint64_t most)
{
	for (size_t i = 0; i < counts->count; i++) {
		MUST(counts->values[i] >= 1 && counts->values[i] <= most);
		MUST(i == 0 || counts->values[i - 1] < counts->values[i]);
	}
}

static void check_shapes(const struct request *request)
{
	const struct shape *shapes = request->shapes;

	MUST(request->shape_count >= 1 && request->row_bytes.count >= 1);
	MUST(request->row_bytes.count <= request->shape_count);
	for (size_t i = 0; i < request->shape_count; i++) {
		MUST(shapes[i].rows >= 1 && shapes[i].row_bytes >= 1);
		MUST(i == 0 || shapes[i - 1].row_bytes < shapes[i].row_bytes ||
		     (shapes[i - 1].row_bytes == shapes[i].row_bytes &&
		      shapes[i - 1].rows < shapes[i].rows));
	}
}

static void check_names(const struct request *request)
{
	for (size_t i = 0; i < request->allocator_count; i++)
		for (size_t k = 0; k < i; k++)
			MUST(strcmp(request->allocators[i].name, request->allocators[k].name) != 0);
	for (size_t i = 0; i < request->implementation_count; i++)
		for (size_t k = 0; k < i; k++)
			MUST(strcmp(request->implementations[i].name,
				    request->implementations[k].name) != 0);
	for (size_t i = 0; i < request->strategy_count; i++)
		for (size_t k = 0; k < i; k++)
			MUST(request->strategies[i] != request->strategies[k]);
	MUST(request->strategies[request->strategy_count] == NULL);
}

static void check_limits(const struct request *request)
{
	MUST(request->preset != NULL);
	MUST(request->rounds >= 1 && request->rounds <= 10000);
	MUST(request->latency_rounds >= 1 && request->latency_rounds <= 10000);
	MUST(request->timeline_points >= 1 && request->timeline_points <= 1000);
	MUST(request->budget_s >= 1 && request->budget_s <= 31536000);
	MUST(request->timeout_s >= 1 && request->timeout_s <= 86400);
	MUST(request->cpu >= -1 && request->cpu <= 65535);
	MUST(request->warm_limit_ns >= 0);
	MUST(request->given.seed.given || request->seed < 1000000);
	MUST(request->allocator_count >= 1 && request->threads.count >= 1);
	MUST(!request->given.overwrite || request->given.out != NULL);
	MUST(request->given.out == NULL || *request->given.out != '\0');
	check_counts(&request->row_bytes, UINT64_MAX);
	check_counts(&request->threads, 4096);
	check_counts(&request->timeline, UINT64_MAX);
	check_shapes(request);
	check_names(request);
}

static void check_plan(const struct request *request)
{
	static const struct topology topology = {
		.cache_count = 1, .caches = {{.level = 1, .type = 'd', .bytes = 32 << 10}}};
	const size_t cells = request->strategy_count * request->shape_count *
			     request->threads.count * request->allocator_count;
	struct error error = {""};
	struct plan plan;

	if (cells > MOST_CELLS)
		return;
	if (plan_make(&plan, request, &topology, UINT64_C(1) << 30, &error)) {
		MUST(plan_row_count(&plan) >= 1);
		MUST(isfinite(plan_expected_ns(&plan)) && plan_expected_ns(&plan) >= 0);
		for (size_t b = 0; b < plan.block_count; b++)
			MUST(plan.blocks[b].iterations >= 1);
		for (size_t i = 0; i < plan.cell_count; i++)
			MUST(plan.cells[i].values >= 1);
	} else {
		MUST(error.text[0] != '\0');
	}
	plan_release(&plan);
}

static void check_equal(const struct request *a, const struct request *b)
{
	MUST(a->preset == b->preset && a->rounds == b->rounds && a->work == b->work);
	MUST(a->latency_rounds == b->latency_rounds);
	MUST(a->timeline_points == b->timeline_points && a->cpu == b->cpu);
	MUST(a->budget_s == b->budget_s && a->timeout_s == b->timeout_s);
	MUST(a->given.seed.given == b->given.seed.given &&
	     (!a->given.seed.given || a->seed == b->seed));
	MUST(memcmp(a->passes, b->passes, sizeof a->passes) == 0);
	MUST(a->warm_limit_ns >= b->warm_limit_ns && a->warm_limit_ns <= b->warm_limit_ns);
	MUST(a->shape_count == b->shape_count && a->threads.count == b->threads.count);
	MUST(memcmp(a->shapes, b->shapes, a->shape_count * sizeof *a->shapes) == 0);
	MUST(a->timeline.count == b->timeline.count);
	MUST(a->strategy_count == b->strategy_count && a->allocator_count == b->allocator_count);
	for (size_t i = 0; i < a->strategy_count; i++)
		MUST(strcmp(a->strategies[i]->name, b->strategies[i]->name) == 0);
	for (size_t i = 0; i < a->allocator_count; i++)
		MUST(strcmp(a->allocators[i].name, b->allocators[i].name) == 0);
}

/* With the words that machine.json has of it, a run goes on as it was begun. */
static void check_resumed(const struct request *request)
{
	struct plan no_plan = {.request = request};
	struct topology no_topology = {.worker_cpu_count = 0};
	const struct description_facts facts = {
		.run_id = "machine-20250101T000000Z",
		.machine_id = "machine",
		.request = request,
		.plan = &no_plan,
		.topology = &no_topology,
	};
	json_t *description = description_begin(&facts);
	struct error error = {""};
	struct request again;
	int words;
	char **begun = description_arguments(description, &words, &error);

	MUST(begun != NULL);
	MUST(request_read(words, begun, &again, &error));
	MUST(again.given.out == NULL && !again.given.overwrite);
	check_equal(request, &again);
	request_release(&again);
	free(begun);
	json_decref(description);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char subcommand[] = "run";
	char *words[MOST_WORDS + 2] = {subcommand};
	struct request request;
	struct error error = {""};
	char *text = fuzz_text(data, size);
	char *rest = text;
	int count = 1;

	while (*rest != '\0' && count <= MOST_WORDS)
		words[count++] = fuzz_line(&rest);
	if (!request_read(count, words, &request, &error)) {
		MUST(error.text[0] != '\0');
		/* Of a word that was given. */
		MUST(strstr(error.text, "'run'") == NULL || memmem(data, size, "run", 3) != NULL);
	} else if (!request.given.help && request.given.resume == NULL) {
		check_limits(&request);
		check_plan(&request);
		check_resumed(&request);
	}
	request_release(&request);
	free(text);
	return 0;
}
