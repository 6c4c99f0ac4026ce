#include "harness/runner/request/choose_strategies.h"

#include <stdlib.h>
#include <string.h>

#include "harness/common/text.h"

static bool has_implementation(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->implementation_count; i++) {
		const char *other = request->implementations[i].name;

		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

static bool is_compiled(const char *name)
{
	for (size_t i = 0; strategies[i] != NULL; i++)
		if (strcmp(strategies[i]->implementation, name) == 0)
			return true;
	return false;
}

static bool is_known(const char *name)
{
	for (size_t i = 0; known_implementations[i] != NULL; i++)
		if (strcmp(known_implementations[i], name) == 0)
			return true;
	return false;
}

/*
 * Are strategies of this implementation meant? Those of --implementations are; without it those of
 * the preset, but where strategies are named, all that are compiled in: a program in another
 * language takes long to start, and is to be asked for. Workers that were given always are.
 */
static bool is_wanted(const struct request *request, const char *implementation)
{
	if (request->given.implementations != NULL)
		return is_in_list(implementation, request->given.implementations);
	for (size_t i = 0; i < request->implementation_count; i++)
		if (!request->implementations[i].is_known &&
		    is_in_list(implementation, request->implementations[i].name))
			return true;
	if (request->given.strategies != NULL)
		return is_compiled(implementation);
	return is_in_list(implementation, request->preset->implementations);
}

static bool add_worker(struct request *request, const char *text, struct error *error)
{
	struct implementation *added = &request->implementations[request->implementation_count];

	if (!implementation_parse(text, added, error))
		return false;
	request->implementation_count++;
	for (struct implementation *other = request->implementations; other < added; other++)
		if (strcmp(other->name, added->name) == 0)
			return error_set(error, "--worker %s: the name is taken; choose another",
					 added->name);
	if (is_compiled(added->name) || is_known(added->name))
		return error_set(error, "--worker %s: the name is one of ours; choose another",
				 added->name);
	if (is_wanted(request, added->name))
		implementation_ask(added, request->timeout_s);
	return true;
}

static bool add_known(struct request *request, const char *name, struct error *error)
{
	struct implementation *added = &request->implementations[request->implementation_count];

	if (has_implementation(request, name))
		return true;
	if (!implementation_find(name, added, error))
		return false;
	request->implementation_count++;
	implementation_ask(added, request->timeout_s);
	return true;
}

/* Is every name of --implementations one that there is? */
static bool check_implementations(const struct request *request, struct error *error)
{
	const char *names[64] = {NULL};
	size_t count = 0;

	if (request->given.implementations == NULL)
		return true;
	for (size_t i = 0; strategies[i] != NULL && count < 32; i++)
		if (count == 0 || strcmp(names[count - 1], strategies[i]->implementation) != 0)
			names[count++] = strategies[i]->implementation;
	for (size_t i = 0; known_implementations[i] != NULL; i++)
		names[count++] = known_implementations[i];
	for (size_t i = 0; i < request->implementation_count; i++)
		if (!request->implementations[i].is_known)
			names[count++] = request->implementations[i].name;
	return check_list("implementation", request->given.implementations, names, error);
}

/* Starts no program but those whose strategies are meant. */
static bool ask_implementations(struct request *request, struct error *error)
{
	size_t known = 0;

	while (known_implementations[known] != NULL)
		known++;
	request->implementations =
		calloc(known + request->workers.count, sizeof *request->implementations);
	if (request->implementations == NULL)
		return error_set(error, "no memory");
	for (size_t i = 0; i < request->workers.count; i++)
		if (!add_worker(request, request->workers.items[i], error))
			return false;
	if (!check_implementations(request, error))
		return false;
	for (size_t i = 0; i < known; i++)
		if (is_wanted(request, known_implementations[i]) &&
		    !add_known(request, known_implementations[i], error))
			return false;
	return true;
}

/* All strategies that are known by now: an array to be freed, NULL-terminated. */
static const struct strategy **all_strategies(const struct request *request)
{
	const struct strategy *const *const tables[] = {strategies, patterns};
	size_t count = 1;
	const struct strategy **all;

	for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
		for (size_t i = 0; tables[t][i] != NULL; i++)
			count++;
	for (size_t i = 0; i < request->implementation_count; i++)
		count += request->implementations[i].strategy_count;
	all = calloc(count, sizeof(struct strategy *));
	if (all == NULL)
		return NULL;
	count = 0;
	for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
		for (size_t i = 0; tables[t][i] != NULL; i++)
			all[count++] = tables[t][i];
	for (size_t i = 0; i < request->implementation_count; i++)
		for (size_t s = 0; s < request->implementations[i].strategy_count; s++)
			all[count++] = &request->implementations[i].strategies[s];
	return all;
}

/* Is the list's name one of a strategy? Of implementations that are meant only, if `wanted`. */
static bool is_strategy(const struct request *request, const struct strategy *const *all,
			const char *name, size_t length, bool wanted)
{
	for (size_t i = 0; all[i] != NULL; i++)
		if (strlen(all[i]->name) == length && strncmp(all[i]->name, name, length) == 0 &&
		    (!wanted || is_wanted(request, all[i]->implementation)))
			return true;
	return false;
}

/* Has an implementation that is meant all strategies that were named? */
static bool are_all_wanted(const struct request *request, const struct strategy *const *all)
{
	const char *next = request->given.strategies;

	while (next != NULL) {
		size_t length = strcspn(next, ",");

		if (!is_strategy(request, all, next, length, true))
			return false;
		next = next[length] == ',' ? next + length + 1 : NULL;
	}
	return true;
}

/* A strategy that was named is taken from the implementations that are meant, or, where none of
 * these has it and they were not asked for, from whichever has it. Where none was named, it is for
 * the preset to say. */
static bool is_chosen(const struct request *request, const struct strategy *const *all,
		      const struct strategy *strategy)
{
	const struct preset *preset = request->preset;
	const struct implementation *implementation = request_implementation(request, strategy);
	const char *name = strategy->name;

	/* What could not be asked has to be told of, in whatever run. */
	if (strcmp(name, IMPLEMENTATION_UNLISTED) == 0)
		return is_wanted(request, strategy->implementation);
	if (request->given.strategies != NULL)
		return is_in_list(name, request->given.strategies) &&
		       (is_wanted(request, strategy->implementation) ||
			(request->given.implementations == NULL &&
			 !is_strategy(request, all, name, strlen(name), true)));
	if (!is_wanted(request, strategy->implementation))
		return false;
	if (strategy->is_pattern != preset->patterns)
		return false;
	if (implementation != NULL && implementation->is_known && preset->slow_strategies != NULL)
		return is_in_list(name, preset->slow_strategies);
	return preset->strategies == NULL || is_in_list(name, preset->strategies);
}

static bool check_strategies(const struct request *request, const struct strategy *const *all,
			     struct error *error)
{
	size_t count = 0;
	const char **names;
	bool known;

	while (all[count] != NULL)
		count++;
	names = calloc(count + 1, sizeof *names);
	count = 0;
	for (size_t i = 0; names != NULL && all[i] != NULL; i++) {
		bool twice = false;

		for (size_t k = 0; k < count; k++)
			twice |= strcmp(names[k], all[i]->name) == 0;
		if (!twice)
			names[count++] = all[i]->name;
	}
	known = names != NULL && check_list("strategy", request->given.strategies, names, error);
	free(names);
	return known;
}

bool choose_strategies(struct request *request, struct error *error)
{
	const struct strategy **all;
	size_t count = 0;

	if (!ask_implementations(request, error))
		return false;
	all = all_strategies(request);
	if (all != NULL && request->given.strategies != NULL &&
	    request->given.implementations == NULL && !are_all_wanted(request, all)) {
		/* It may be one of a program that was not asked yet. */
		for (size_t i = 0; known_implementations[i] != NULL; i++)
			if (!add_known(request, known_implementations[i], error)) {
				free(all);
				return false;
			}
		free(all);
		all = all_strategies(request);
	}
	if (all == NULL)
		return error_set(error, "no memory");
	while (all[count] != NULL)
		count++;
	request->strategies = calloc(count + 1, sizeof(struct strategy *));
	for (size_t i = 0; i < count; i++)
		if (is_chosen(request, all, all[i]))
			request->strategies[request->strategy_count++] = all[i];
	if (request->given.strategies != NULL && !check_strategies(request, all, error)) {
		free(all);
		return false;
	}
	free(all);
	return true;
}
