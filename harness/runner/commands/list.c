#include <stdio.h>
#include <string.h>

#include "harness/common/columns.h"
#include "harness/runner/commands/command.h"
#include "harness/worker/probes.h"
#include "kernels/row_source.h"

static void list_columns(void)
{
	static const char *const types[] = {
		[COLUMN_TEXT] = "text",
		[COLUMN_COUNT] = "count",
		[COLUMN_REAL] = "real",
	};

	for (size_t i = 0; i < column_count(); i++)
		(void)printf("%-32s %-5s %s\n", columns[i].name, types[columns[i].type],
			     columns[i].help);
}

static void list_strategy(const struct strategy *strategy)
{
	const char *counterpart = strategy->counterpart;

	const struct strategy_parameter *parameter = strategy->parameter;
	const char *name = strategy->name;
	struct strategy_instance usual;

	if (parameter != NULL) {
		strategy_of_value(strategy, strategy->value, &usual);
		name = usual.name;
	}
	(void)printf("  %-24s %-6s %s%s%s%s%s%s\n", name, strategy->implementation, strategy->help,
		     parameter == NULL ? "" : ": ", parameter == NULL ? "" : parameter->range,
		     counterpart == NULL ? "" : " (as ", counterpart == NULL ? "" : counterpart,
		     counterpart == NULL ? "" : ")");
}

static void list_implementation(const struct implementation *implementation, bool of_patterns)
{
	if (strcmp(implementation->status, "ok") != 0 && !of_patterns)
		(void)printf("  %-24s %-6s %s\n", implementation->status, implementation->name,
			     implementation->detail);
	for (size_t i = 0; i < implementation->strategy_count; i++)
		if (implementation->strategies[i].is_pattern == of_patterns)
			list_strategy(&implementation->strategies[i]);
}

static void list_strategies(const struct request *request)
{
	(void)puts("Strategies:");
	for (size_t i = 0; strategies[i] != NULL; i++)
		list_strategy(strategies[i]);
	for (size_t i = 0; i < request->implementation_count; i++)
		list_implementation(&request->implementations[i], false);
	(void)puts("\nCopying patterns:");
	for (size_t i = 0; patterns[i] != NULL; i++)
		list_strategy(patterns[i]);
	for (size_t i = 0; i < request->implementation_count; i++)
		list_implementation(&request->implementations[i], true);
}

static void list_allocators(const struct request *request)
{
	(void)puts("\nAllocators:");
	for (size_t i = 0; i < request->allocator_count; i++) {
		const struct allocator *allocator = &request->allocators[i];

		(void)printf("  %-24s %s", allocator->name,
			     allocator->missing != NULL ? allocator->missing
							: allocator->expected_path);
		if (allocator->worker != NULL)
			(void)printf(", measured with %s", allocator->worker);
		(void)printf("\n");
	}
}

static void list_presets(void)
{
	(void)puts("\nPresets:");
	for (const struct preset *preset = presets; preset->name != NULL; preset++)
		(void)printf("  %-24s %s\n", preset->name, preset->help);
}

static void list_probes(void)
{
	(void)puts("\nProbes of the machine:");
	for (const struct probe *probe = probes; probe->name != NULL; probe++)
		(void)printf("  %-24s %s\n", probe->name, probe->help);
}

static int run(const struct request *request)
{
	if (request->given.columns) {
		list_columns();
		return finish_output();
	}
	list_strategies(request);
	list_allocators(request);
	list_presets();
	list_probes();
	(void)puts("\nWork:");
	for (const char *const *name = row_work_names; *name != NULL; name++)
		(void)printf("  %s\n", *name);
	return finish_output();
}

const struct command command_list = {
	.name = "list",
	.run = run,
	.help = "strategies, allocators, presets, and the columns of runs.csv",
	.examples = "  growbench list\n  growbench list --columns\n",
};
