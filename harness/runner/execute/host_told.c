/* What a host is told to be: what changed, in words, and as a part of machine.json and back. */
#include "harness/runner/execute/host.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#define LEAST_CHANGE 0.10
#define SPREADS 2.0

static const char *const moments[HOST_MOMENTS] = {"start", "middle", "end"};

/* ---- what changed ---- */

struct change {
	size_t price;
	enum host_moment from;
	enum host_moment to;
	double ratio; /* later to earlier; 1 where one of them is not known */
	double limit; /* above which, or below its inverse, it has changed */
};

static double apart(double ratio)
{
	return fmax(ratio, 1 / ratio);
}

static double spread(const struct host_price *price)
{
	return price->median_ns / price->min_ns - 1;
}

static struct change compare(const struct host *host, size_t price, enum host_moment from,
			     enum host_moment to)
{
	const struct host_price *before = &host->looks[from].prices[price];
	const struct host_price *after = &host->looks[to].prices[price];
	struct change change = {price, from, to, 1, 1};

	if (before->median_ns > 0 && after->median_ns > 0) {
		change.ratio = after->median_ns / before->median_ns;
		change.limit += fmax(LEAST_CHANGE, SPREADS * fmax(spread(before), spread(after)));
	}
	return change;
}

/* Of the pairs of moments between which the price changed, the one that is furthest apart; false if
 * there is none. */
static bool find_change(const struct host *host, size_t price, struct change *most)
{
	*most = (struct change){.ratio = 1};
	for (enum host_moment from = HOST_START; from < HOST_MOMENTS; from++) {
		for (enum host_moment to = from + 1; to < HOST_MOMENTS; to++) {
			const struct change change = compare(host, price, from, to);

			if (apart(change.ratio) > fmax(change.limit, apart(most->ratio)))
				*most = change;
		}
	}
	return apart(most->ratio) > 1;
}

/* All changes, the largest first; returns how many. */
static size_t find_changes(const struct host *host, struct change changes[HOST_PRICES])
{
	size_t count = 0;

	for (size_t i = 0; i < HOST_PRICES; i++) {
		struct change change;
		size_t place = count;

		if (!find_change(host, i, &change))
			continue;
		for (; place > 0 && apart(changes[place - 1].ratio) < apart(change.ratio); place--)
			changes[place] = changes[place - 1];
		changes[place] = change;
		count++;
	}
	return count;
}

char *host_changes(const struct host *host)
{
	struct change changes[HOST_PRICES];
	const size_t count = find_changes(host, changes);
	GString *list = g_string_new(NULL);

	for (size_t i = 0; i < count; i++)
		g_string_append_printf(list, "%s%s %+.0f%% (%s to %s)", i > 0 ? ", " : "",
				       host_sources[changes[i].price].name,
				       100 * (changes[i].ratio - 1), moments[changes[i].from],
				       moments[changes[i].to]);
	return g_string_free(list, count == 0);
}

/* ---- in words ---- */

static void append_ns(GString *text, double ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	size_t unit = 0;

	for (; ns >= 1000 && unit + 1 < G_N_ELEMENTS(units); unit++)
		ns /= 1000;
	g_string_append_printf(text, "%.3g %s", ns, units[unit]);
}

/* The middle one of the moments' medians, the lower of two; 0: none is known. */
static double price_ns(const struct host *host, size_t price)
{
	double ns[HOST_MOMENTS] = {0};
	size_t count = 0;

	for (enum host_moment moment = HOST_START; moment < HOST_MOMENTS; moment++)
		if (host->looks[moment].prices[price].median_ns > 0)
			ns[count++] = host->looks[moment].prices[price].median_ns;
	if (count < HOST_MOMENTS)
		return count == 2 ? fmin(ns[0], ns[1]) : ns[0];
	return fmax(fmin(ns[0], ns[1]), fmin(fmax(ns[0], ns[1]), ns[2]));
}

/* Are there two moments at which any price is known? */
static bool is_watched(const struct host *host)
{
	unsigned known = 0;

	for (enum host_moment moment = HOST_START; moment < HOST_MOMENTS; moment++)
		for (size_t i = 0; i < HOST_PRICES; i++)
			known |= (unsigned)(host->looks[moment].prices[i].median_ns > 0) << moment;
	return (known & (known - 1)) != 0;
}

char *host_text(const struct host *host)
{
	g_autofree char *changes = host_changes(host);
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < HOST_PRICES; i++) {
		const double ns = price_ns(host, i);

		if (ns <= 0)
			continue;
		g_string_append_printf(text, "%s%s ", text->len > 0 ? ", " : "",
				       host_sources[i].name);
		append_ns(text, ns);
	}
	if (text->len == 0)
		g_string_append(text, "no price is known");
	if (changes != NULL)
		g_string_append_printf(text, "; changed during the run: %s", changes);
	else if (is_watched(host))
		g_string_append(text, "; steady");
	return g_string_free(text, FALSE);
}

/* ---- in machine.json ---- */

static json_t *known_real(bool known, double value)
{
	return known ? json_real(value) : json_null();
}

static json_t *describe_look(const struct host *host, enum host_moment moment)
{
	const struct host_look *look = &host->looks[moment];
	json_t *taken = json_object();

	for (size_t i = 0; i < HOST_PRICES; i++) {
		const struct host_price *price = &look->prices[i];

		if (price->median_ns > 0)
			(void)json_object_set_new(taken, host_sources[i].name,
						  json_pack("{s:f, s:f}", "median_ns",
							    price->median_ns, "min_ns",
							    price->min_ns));
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "moment", moments[moment], "utc", look->utc,
			 "load", known_real(look->load >= 0, look->load), "cpu_mhz",
			 known_real(look->mhz > 0, look->mhz), "prices", taken);
}

/* Which probe a price is of, and why it was not taken if it was not. */
static json_t *describe_probes(const struct host *host)
{
	json_t *object = json_object();

	for (size_t i = 0; i < HOST_PRICES; i++) {
		const char *why = host->why_not[i][0] != '\0' ? host->why_not[i]
				  : host_sources[i].of_pass_only
					  ? "only the pass probe takes it: --passes"
					  : "nobody has taken it";
		json_t *probe = json_pack("{s:s, s:I}", "probe", host_sources[i].probe, "bytes",
					  (json_int_t)host->bytes[i]);

		if (price_ns(host, i) <= 0)
			(void)json_object_set_new(probe, "why_not", json_string(why));
		(void)json_object_set_new(object, host_sources[i].name, probe);
	}
	return object;
}

static json_t *describe_changes(const struct host *host)
{
	struct change changes[HOST_PRICES];
	const size_t count = find_changes(host, changes);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:f, s:f}", "price",
							     host_sources[changes[i].price].name,
							     "from", moments[changes[i].from], "to",
							     moments[changes[i].to], "ratio",
							     changes[i].ratio, "limit_ratio",
							     changes[i].limit));
	return array;
}

static json_t *describe_range(const struct host_range *range)
{
	if (range->most < range->least)
		return json_null();
	return json_pack("{s:f, s:f}", "least", range->least, "most", range->most);
}

json_t *host_describe(const struct host *host)
{
	g_autofree char *text = host_text(host);
	json_t *changes = describe_changes(host);
	json_t *looks = json_array();
	json_t *changed =
		is_watched(host) ? json_boolean(json_array_size(changes) > 0) : json_null();

	for (enum host_moment moment = HOST_START; moment < HOST_MOMENTS; moment++)
		if (host->looks[moment].utc[0] != '\0')
			(void)json_array_append_new(looks, describe_look(host, moment));
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "state", text, "changed", changed,
			 "changes", changes, "moments", looks, "probes", describe_probes(host),
			 "load", describe_range(&host->load), "cpu_mhz",
			 describe_range(&host->mhz));
}

/* ---- and back ---- */

static double number_at(const json_t *object, const char *key, double fallback)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : fallback;
}

static void load_look(struct host_look *look, const json_t *described)
{
	const char *utc = json_string_value(json_object_get(described, "utc"));
	const json_t *taken = json_object_get(described, "prices");

	/* As long as those that we write. */
	if (utc == NULL || strlen(utc) != strlen("2026-01-31T23:59:59Z"))
		return;
	(void)snprintf(look->utc, sizeof look->utc, "%s", utc);
	look->load = fmax(number_at(described, "load", -1), -1);
	look->mhz = fmax(number_at(described, "cpu_mhz", 0), 0);
	for (size_t i = 0; i < HOST_PRICES; i++) {
		const json_t *price = json_object_get(taken, host_sources[i].name);

		(void)host_set_price(&look->prices[i], number_at(price, "median_ns", 0),
				     number_at(price, "min_ns", 0));
	}
}

static void load_range(struct host_range *range, const json_t *described)
{
	const struct host_range found = {number_at(described, "least", INFINITY),
					 number_at(described, "most", -INFINITY)};

	if (found.least >= 0 && found.most >= found.least)
		*range = found;
}

void host_load(struct host *host, const json_t *described)
{
	const json_t *looks = json_object_get(described, "moments");

	for (size_t i = 0; i < json_array_size(looks); i++) {
		const json_t *look = json_array_get(looks, i);
		const char *name = json_string_value(json_object_get(look, "moment"));

		for (enum host_moment moment = HOST_START; moment < HOST_MOMENTS; moment++)
			if (name != NULL && strcmp(name, moments[moment]) == 0)
				load_look(&host->looks[moment], look);
	}
	load_range(&host->load, json_object_get(described, "load"));
	load_range(&host->mhz, json_object_get(described, "cpu_mhz"));
}
