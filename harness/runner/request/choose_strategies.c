#include "harness/runner/request/choose_strategies.h"

#include <string.h>

#include <glib.h>

#include "harness/common/strategy_value.h"
#include "harness/common/text.h"

static bool has_implementation(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->implementation_count; i++)
		if (g_strcmp0(request->implementations[i].name, name) == 0)
			return true;
	return false;
}

static bool is_compiled(const char *name)
{
	for (size_t i = 0; strategies[i] != NULL; i++)
		if (strcmp(strategies[i]->implementation, name) == 0)
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
		    g_strcmp0(implementation, request->implementations[i].name) == 0)
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
	if (is_compiled(added->name) || g_strv_contains(known_implementations, added->name))
		return error_set(error, "--worker %s: the name is one of ours; choose another",
				 added->name);
	if (is_wanted(request, added->name))
		implementation_ask(added, request->timeout_s);
	return true;
}

static void add_known(struct request *request, const char *name)
{
	struct implementation *added = &request->implementations[request->implementation_count];

	if (has_implementation(request, name))
		return;
	implementation_find(name, added);
	request->implementation_count++;
	implementation_ask(added, request->timeout_s);
}

/* Is every name of --implementations one that there is? */
static bool check_implementations(const struct request *request, struct error *error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (size_t i = 0; strategies[i] != NULL; i++)
		if (i == 0 ||
		    strcmp(strategies[i - 1]->implementation, strategies[i]->implementation) != 0)
			g_ptr_array_add(names, (char *)strategies[i]->implementation);
	for (size_t i = 0; known_implementations[i] != NULL; i++)
		g_ptr_array_add(names, (char *)known_implementations[i]);
	for (size_t i = 0; i < request->implementation_count; i++)
		g_ptr_array_add(names, request->implementations[i].name);
	g_ptr_array_add(names, NULL);
	return check_list("implementation", request->given.implementations,
			  (const char *const *)names->pdata, error);
}

/* Starts no program but those whose strategies are meant. */
static bool ask_implementations(struct request *request, struct error *error)
{
	const size_t known = g_strv_length((char **)known_implementations);

	request->implementations = g_new0(struct implementation, known + request->workers.count);
	for (size_t i = 0; i < request->workers.count; i++)
		if (!add_worker(request, request->workers.items[i], error))
			return false;
	if (request->given.implementations != NULL && !check_implementations(request, error))
		return false;
	for (size_t i = 0; i < known; i++)
		if (is_wanted(request, known_implementations[i]))
			add_known(request, known_implementations[i]);
	return true;
}

/* All strategies that are known by now. */
static GPtrArray *all_strategies(const struct request *request)
{
	const struct strategy *const *const tables[] = {strategies, patterns};
	GPtrArray *all = g_ptr_array_new();

	for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
		for (size_t i = 0; tables[t][i] != NULL; i++)
			g_ptr_array_add(all, (void *)tables[t][i]);
	for (size_t i = 0; i < request->implementation_count; i++)
		for (size_t s = 0; s < request->implementations[i].strategy_count; s++)
			g_ptr_array_add(all, &request->implementations[i].strategies[s]);
	return all;
}

/* Has an implementation that is meant a strategy of that name? */
static bool is_among_wanted(const struct request *request, const GPtrArray *all, const char *name)
{
	for (size_t i = 0; i < all->len; i++) {
		const struct strategy *strategy = all->pdata[i];

		if (strcmp(strategy->name, name) == 0 &&
		    is_wanted(request, strategy->implementation))
			return true;
	}
	return false;
}

/* ---- values of parameters ---- */

enum {
	MOST_IN_RANGE = 1000
};

static const struct strategy *find_base(const GPtrArray *all, const char *name)
{
	for (size_t i = 0; i < all->len; i++) {
		const struct strategy *strategy = all->pdata[i];

		if (strcmp(strategy->name, name) == 0)
			return strategy;
	}
	return NULL;
}

/* A name that is in the list already is not added once more. */
static void add_instance(struct request *request, GPtrArray *names,
			 const struct strategy_instance *made, const struct strategy *base)
{
	struct strategy_instance *kept;

	if (g_ptr_array_find_with_equal_func(names, made->name, g_str_equal, NULL))
		return;
	kept = g_new(struct strategy_instance, 1);
	strategy_of_value(base, made->strategy.value, kept);
	g_ptr_array_add(request->instances, kept);
	g_ptr_array_add(names, g_strdup(kept->name));
}

/* "FIRST..LAST/COUNT": so many values, equally far apart. */
static bool add_range(struct request *request, GPtrArray *names, const struct strategy *base,
		      const char *range, struct error *error)
{
	g_auto(GStrv) ends = g_strsplit_set(range, "/", -1);
	g_auto(GStrv) limits = g_strsplit(ends[0], "..", -1);
	struct strategy_instance first;
	struct strategy_instance last;
	struct strategy_instance made;
	uint64_t count;

	if (g_strv_length(ends) != 2 || g_strv_length(limits) != 2)
		return error_set(error,
				 "strategy '%s:%.64s' is not a range; give FIRST..LAST/COUNT, such "
				 "as %s:%s..%s/4",
				 base->name, range, base->name, base->parameter->examples[0],
				 base->parameter->examples[1]);
	if (!strategy_value(base, limits[0], &first, error) ||
	    !strategy_value(base, limits[1], &last, error) ||
	    !parse_count(ends[1], "the number of values in a range", &count, error))
		return false;
	/* The unit of a step is its highest bit. */
	if (count < 2 || count > MOST_IN_RANGE || first.strategy.value >= last.strategy.value ||
	    (first.strategy.value ^ last.strategy.value) >> 63 != 0)
		return error_set(error,
				 "strategy '%s:%.64s': a range ascends, in one unit, and has 2 to "
				 "%d values",
				 base->name, range, MOST_IN_RANGE);
	for (uint64_t i = 0; i < count; i++) {
		const uint64_t width = last.strategy.value - first.strategy.value;

		strategy_of_value(
			base,
			first.strategy.value +
				(width / (count - 1) * i +
				 (width % (count - 1) * i + (count - 1) / 2) / (count - 1)),
			&made);
		add_instance(request, names, &made, base);
	}
	return true;
}

/* Adds what one item of a list of strategies names. */
static bool add_named(struct request *request, const GPtrArray *all, GPtrArray *names,
		      const char *item, struct error *error)
{
	const char *value = strchr(item, ':');
	g_autofree char *name = g_strndup(item, strcspn(item, ":"));
	const struct strategy *base = find_base(all, name);
	struct strategy_instance made;

	/* What is unknown is for check_strategies to say. */
	if (base == NULL || (value == NULL && base->parameter == NULL)) {
		g_ptr_array_add(names, g_strdup(base == NULL ? name : item));
		return true;
	}
	if (value != NULL && base->parameter != NULL && strstr(value, "..") != NULL)
		return add_range(request, names, base, value + 1, error);
	if (!strategy_value(base, value == NULL ? NULL : value + 1, &made, error))
		return false;
	add_instance(request, names, &made, base);
	return true;
}

/* Makes the strategies that the list names with a value, and the list of all names with each value
 * written in the one way that it is. */
static bool name_strategies(struct request *request, const GPtrArray *all, const char *list,
			    struct error *error)
{
	g_auto(GStrv) items = g_strsplit(list, ",", -1);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	for (char **item = items; *item != NULL; item++)
		if (!add_named(request, all, names, *item, error))
			return false;
	g_ptr_array_add(names, NULL);
	request->strategy_names = g_strjoinv(",", (char **)names->pdata);
	return true;
}

/* Puts the strategies that were made in place of the one that they were made of. */
static GPtrArray *with_instances(const struct request *request, GPtrArray *all)
{
	GPtrArray *expanded = g_ptr_array_new();

	for (size_t i = 0; i < all->len; i++) {
		const struct strategy *base = all->pdata[i];

		if (base->parameter == NULL)
			g_ptr_array_add(expanded, (void *)base);
		for (size_t m = 0; base->parameter != NULL && m < request->instances->len; m++) {
			struct strategy_instance *made = request->instances->pdata[m];

			if (made->strategy.parameter == base->parameter &&
			    g_str_has_prefix(made->name, base->name) &&
			    made->name[strlen(base->name)] == ':')
				g_ptr_array_add(expanded, &made->strategy);
		}
	}
	g_ptr_array_unref(all);
	return expanded;
}

/* Have implementations that are meant all strategies that were named? */
static bool are_all_wanted(const struct request *request, const GPtrArray *all)
{
	g_auto(GStrv) names = g_strsplit(request->given.strategies, ",", -1);

	for (char **name = names; *name != NULL; name++) {
		(*name)[strcspn(*name, ":")] = '\0';
		if (!is_among_wanted(request, all, *name))
			return false;
	}
	return *names != NULL;
}

/* A strategy that was named is taken from the implementations that are meant, or, where none of
 * these has it and they were not asked for, from whichever has it. Where none was named, it is for
 * the preset to say. */
static bool is_chosen(const struct request *request, const GPtrArray *all,
		      const struct strategy *strategy)
{
	const struct preset *preset = request->preset;
	const struct implementation *implementation = request_implementation(request, strategy);
	const char *name = strategy->name;

	/* What could not be asked has to be told of, in whatever run. */
	if (strcmp(name, IMPLEMENTATION_UNLISTED) == 0)
		return is_wanted(request, strategy->implementation);
	if (request->given.strategies != NULL)
		return is_in_list(name, request->strategy_names) &&
		       (is_wanted(request, strategy->implementation) ||
			(request->given.implementations == NULL &&
			 !is_among_wanted(request, all, name)));
	if (!is_wanted(request, strategy->implementation))
		return false;
	if (strategy->is_pattern != preset->patterns)
		return false;
	if (implementation != NULL && implementation->is_known && preset->slow_strategies != NULL)
		return is_in_list(name, preset->slow_strategies);
	if (preset->strategies == NULL)
		return !strategy->on_request;
	return is_in_list(name, request->strategy_names);
}

static bool check_strategies(const struct request *request, const GPtrArray *all,
			     struct error *error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (size_t i = 0; i < all->len; i++) {
		const char *name = ((const struct strategy *)all->pdata[i])->name;

		if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
			g_ptr_array_add(names, (char *)name);
	}
	for (size_t i = 0; i < request->instances->len; i++)
		g_ptr_array_add(names,
				((struct strategy_instance *)request->instances->pdata[i])->name);
	g_ptr_array_add(names, NULL);
	return check_list("strategy", request->strategy_names, (const char *const *)names->pdata,
			  error);
}

bool choose_strategies(struct request *request, struct error *error)
{
	const char *list = request->given.strategies != NULL ? request->given.strategies
							     : request->preset->strategies;
	g_autoptr(GPtrArray) all = NULL;

	if (!ask_implementations(request, error))
		return false;
	all = all_strategies(request);
	if (request->given.strategies != NULL && request->given.implementations == NULL &&
	    !are_all_wanted(request, all)) {
		/* It may be one of a program that was not asked yet. */
		for (size_t i = 0; known_implementations[i] != NULL; i++)
			add_known(request, known_implementations[i]);
		g_ptr_array_unref(all);
		all = all_strategies(request);
	}
	request->instances = g_ptr_array_new_with_free_func(g_free);
	if (list != NULL && !name_strategies(request, all, list, error))
		return false;
	/* Names that are unknown are looked for among all, those without a value too. */
	if (request->given.strategies != NULL && !check_strategies(request, all, error))
		return false;
	all = with_instances(request, all);
	request->strategies = g_new0(const struct strategy *, all->len + 1);
	for (size_t i = 0; i < all->len; i++)
		if (is_chosen(request, all, all->pdata[i]))
			request->strategies[request->strategy_count++] = all->pdata[i];
	return true;
}
