#include "harness/runner/execute/host.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/runner/machine/cpu.h"
#include "harness/runner/process/interrupts.h"
#include "harness/runner/process/process.h"
#include "harness/worker/probes.h"

/* What a run has to take for a change within it to mean something, and a look to be no burden. */
#define WORTH_LOOKING_NS UINT64_C(2000000000)
#define LEAST_CHANGE 0.10
#define SPREADS 2.0

enum {
	MOST_SIZES = 32
};

/* Which of the sizes that a probe is meant for. */
enum size_choice {
	SIZE_FIRST,
	SIZE_SECOND,
	SIZE_LAST
};

static const struct {
	const char *name;
	const char *probe;
	enum size_choice size;
	bool of_pass_only; /* takes too long for a run without the pass probe */
} prices[HOST_PRICES] = {
	{"instruction", "instruction", SIZE_FIRST, false},
	{"call", "system_call", SIZE_FIRST, false},
	{"page", "touch", SIZE_SECOND, false},
	{"copy_near", "copy", SIZE_FIRST, false},
	{"copy_far", "copy", SIZE_LAST, true},
};

static const char *const moments[HOST_MOMENTS] = {"start", "middle", "end"};

static uint64_t choose_bytes(const struct topology *topology, size_t price)
{
	uint64_t sizes[MOST_SIZES];
	uint64_t caches[TOPOLOGY_MAX_CACHES];
	size_t cache_count = 0;
	size_t count;

	for (size_t i = 0; i < topology->cache_count; i++)
		if (topology->caches[i].type != 'i')
			caches[cache_count++] = topology->caches[i].bytes;
	count = probe_sizes(probe_find(prices[price].probe), caches, cache_count, sizes,
			    MOST_SIZES);
	return prices[price].size == SIZE_LAST     ? sizes[count - 1]
	       : prices[price].size == SIZE_SECOND ? sizes[1]
						   : sizes[0];
}

/* The first that is there, or the first of all. */
static const struct allocator *first_allocator(const struct request *request)
{
	for (size_t i = 0; i < request->allocator_count; i++)
		if (request->allocators[i].missing == NULL)
			return &request->allocators[i];
	return &request->allocators[0];
}

struct host host_init(const struct topology *topology, const struct request *request,
		      const struct plan *plan, const struct visit *visits)
{
	struct host host = {
		.topology = topology,
		.allocator = first_allocator(request),
		.load = {INFINITY, -INFINITY},
		.mhz = {INFINITY, -INFINITY},
	};

	for (size_t i = 0; i < HOST_PRICES; i++)
		host.bytes[i] = choose_bytes(topology, i);
	for (uint64_t i = 0; plan != NULL && i < plan_row_count(plan); i++)
		if (visits[i].pass == PASS_PROBE && visits[i].round >= host.probe_visits)
			host.probe_visits = visits[i].round + 1;
	return host;
}

/* Do the probes of the plan have prices of that moment? */
static bool is_planned(const struct host *host, enum host_moment moment)
{
	return host->probe_visits > 0 && (moment != HOST_MIDDLE || host->probe_visits > 2);
}

/* Of two visits the last is at the end. */
static enum host_moment moment_of(const struct host *host, uint64_t visit)
{
	if (visit == 0)
		return HOST_START;
	return visit + 1 == host->probe_visits ? HOST_END : HOST_MIDDLE;
}

/* From a picosecond to 16 minutes: what a file says may be anything. */
static bool is_price(double median_ns, double min_ns)
{
	return min_ns >= 1e-3 && median_ns >= min_ns && median_ns <= 1e12;
}

static void set_price(struct host *host, enum host_moment moment, size_t price,
		      const struct record *record)
{
	const double median_ns = record_get_real(record, "probe_ns", 0);
	const double min_ns = record_get_real(record, "probe_min_ns", 0);

	if (record_has_status(record, "ok") && is_price(median_ns, min_ns))
		host->looks[moment].prices[price] = (struct host_price){median_ns, min_ns};
	else
		record_copy(record, "status_detail", host->why_not[price],
			    sizeof host->why_not[price]);
}

void host_note(struct host *host, const struct record *record)
{
	const char *pass = record_get(record, "pass");
	const char *probe = record_get(record, "strategy");
	const double bytes = record_get_real(record, "row_bytes", 0);
	const double round = record_get_real(record, "round", 0);

	if (pass == NULL || strcmp(pass, pass_names[PASS_PROBE]) != 0 || probe == NULL ||
	    round < 1 || round > (double)host->probe_visits)
		return;
	for (size_t i = 0; i < HOST_PRICES; i++)
		if (strcmp(probe, prices[i].probe) == 0 && bytes == (double)host->bytes[i])
			set_price(host, moment_of(host, (uint64_t)round - 1), i, record);
}

static void widen(struct host_range *range, double value)
{
	range->least = fmin(range->least, value);
	range->most = fmax(range->most, value);
}

/* Into the look, if there is one. */
static void sample(struct host *host, struct host_look *look)
{
	const unsigned cpu =
		host->topology->worker_cpu_count > 0 ? host->topology->worker_cpus[0] : 0;
	const double load = cpu_load("");
	const double mhz = cpu_mhz("", cpu);

	if (load >= 0)
		widen(&host->load, load);
	if (mhz > 0)
		widen(&host->mhz, mhz);
	if (look != NULL) {
		look->load = load;
		look->mhz = mhz;
	}
}

void host_sample(struct host *host)
{
	sample(host, NULL);
}

static uint64_t take_price(struct host *host, enum host_moment moment, size_t price,
			   struct worker_pool *pool)
{
	const struct worker_task task = {
		.pass = pass_names[PASS_PROBE],
		.probe = prices[price].probe,
		.size = {.rows = 1, .row_bytes = host->bytes[price], .threads = 1},
		.allocator = host->allocator,
	};
	struct record record = record_init();
	const uint64_t alive_ns = worker_run(pool, &task, &record);

	set_price(host, moment, price, &record);
	record_release(&record);
	return alive_ns;
}

static uint64_t take_prices(struct host *host, enum host_moment moment, struct worker_pool *pool)
{
	uint64_t alive_ns = 0;

	for (size_t i = 0; i < HOST_PRICES && interrupts == 0; i++)
		if (!prices[i].of_pass_only)
			alive_ns += take_price(host, moment, i, pool);
	return alive_ns;
}

uint64_t host_look(struct host *host, enum host_moment moment, struct worker_pool *pool)
{
	struct host_look *look = &host->looks[moment];
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *utc = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
	const uint64_t now_ns = process_now_ns();

	if (host->since_ns == 0)
		host->since_ns = now_ns;
	if (look->utc[0] != '\0')
		return 0;
	(void)snprintf(look->utc, sizeof look->utc, "%s", utc);
	sample(host, look);
	if (is_planned(host, moment) ||
	    (moment != HOST_START && now_ns - host->since_ns < WORTH_LOOKING_NS))
		return 0;
	return take_prices(host, moment, pool);
}

/* ---- from an earlier session ---- */

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
	if (utc == NULL || strlen(utc) != strlen("2026-01-31T23:59:59Z") || look->utc[0] != '\0')
		return;
	(void)snprintf(look->utc, sizeof look->utc, "%s", utc);
	look->load = fmax(number_at(described, "load", -1), -1);
	look->mhz = fmax(number_at(described, "cpu_mhz", 0), 0);
	for (size_t i = 0; i < HOST_PRICES; i++) {
		const json_t *price = json_object_get(taken, prices[i].name);
		const double median_ns = number_at(price, "median_ns", 0);
		const double min_ns = number_at(price, "min_ns", 0);

		if (look->prices[i].median_ns <= 0 && is_price(median_ns, min_ns))
			look->prices[i] = (struct host_price){median_ns, min_ns};
	}
}

static void load_range(struct host_range *range, const json_t *described)
{
	const double least = number_at(described, "least", INFINITY);
	const double most = number_at(described, "most", -INFINITY);

	if (least < 0 || most < least)
		return;
	widen(range, least);
	widen(range, most);
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

/* ---- what changed ---- */

struct change {
	size_t price;
	enum host_moment from;
	enum host_moment to;
	double ratio; /* later to earlier */
	double limit; /* above which, or below its inverse, it has changed */
};

static double spread(const struct host_price *price)
{
	return price->median_ns / price->min_ns - 1;
}

/* Sets the ratio and the limit; have they changed? */
static bool is_change(const struct host_price *before, const struct host_price *after,
		      struct change *change)
{
	if (before->median_ns <= 0 || after->median_ns <= 0)
		return false;
	change->ratio = after->median_ns / before->median_ns;
	change->limit = 1 + fmax(LEAST_CHANGE, SPREADS * fmax(spread(before), spread(after)));
	return fmax(change->ratio, 1 / change->ratio) > change->limit;
}

/* Of the pairs of moments between which the price changed, that with the largest ratio; false if
 * there is none. */
static bool find_change(const struct host *host, size_t price, struct change *most)
{
	bool found = false;

	for (enum host_moment from = HOST_START; from < HOST_MOMENTS; from++) {
		for (enum host_moment to = from + 1; to < HOST_MOMENTS; to++) {
			struct change change = {price, from, to, 1, 1};

			if (!is_change(&host->looks[from].prices[price],
				       &host->looks[to].prices[price], &change) ||
			    (found && fabs(log(change.ratio)) <= fabs(log(most->ratio))))
				continue;
			*most = change;
			found = true;
		}
	}
	return found;
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
		for (; place > 0 && fabs(log(changes[place - 1].ratio)) < fabs(log(change.ratio));
		     place--)
			changes[place] = changes[place - 1];
		changes[place] = change;
		count++;
	}
	return count;
}

/* At how many moments is any price known? */
static unsigned moments_known(const struct host *host)
{
	unsigned count = 0;

	for (enum host_moment moment = HOST_START; moment < HOST_MOMENTS; moment++) {
		bool known = false;

		for (size_t i = 0; i < HOST_PRICES; i++)
			known |= host->looks[moment].prices[i].median_ns > 0;
		count += known;
	}
	return count;
}

bool host_changed(const struct host *host, char *text, size_t size)
{
	struct change changes[HOST_PRICES];
	const size_t count = find_changes(host, changes);
	g_autoptr(GString) list = g_string_new(NULL);

	for (size_t i = 0; i < count; i++)
		g_string_append_printf(list, "%s%s %+.0f%% (%s to %s)", i > 0 ? ", " : "",
				       prices[changes[i].price].name, 100 * (changes[i].ratio - 1),
				       moments[changes[i].from], moments[changes[i].to]);
	(void)snprintf(text, size, "%s", list->str);
	return count > 0;
}

/* ---- in words and in JSON ---- */

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
	double sorted[HOST_MOMENTS] = {0};
	size_t count = 0;

	for (enum host_moment moment = HOST_START; moment < HOST_MOMENTS; moment++) {
		const double ns = host->looks[moment].prices[price].median_ns;
		size_t place = count;

		if (ns <= 0)
			continue;
		for (; place > 0 && sorted[place - 1] > ns; place--)
			sorted[place] = sorted[place - 1];
		sorted[place] = ns;
		count++;
	}
	return count == 0 ? 0 : sorted[(count - 1) / 2];
}

char *host_text(const struct host *host)
{
	GString *text = g_string_new(NULL);
	char changes[300];

	for (size_t i = 0; i < HOST_PRICES; i++) {
		const double ns = price_ns(host, i);

		if (ns <= 0)
			continue;
		g_string_append_printf(text, "%s%s ", text->len > 0 ? ", " : "", prices[i].name);
		append_ns(text, ns);
	}
	if (text->len == 0)
		g_string_append(text, "no price is known");
	if (host_changed(host, changes, sizeof changes))
		g_string_append_printf(text, "; changed during the run: %s", changes);
	else if (moments_known(host) > 1)
		g_string_append(text, "; steady");
	return g_string_free(text, FALSE);
}

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
			(void)json_object_set_new(taken, prices[i].name,
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
				  : prices[i].of_pass_only
					  ? "only the pass probe takes it: --passes"
					  : "nobody has taken it";
		json_t *probe = json_pack("{s:s, s:I}", "probe", prices[i].probe, "bytes",
					  (json_int_t)host->bytes[i]);

		if (price_ns(host, i) <= 0)
			(void)json_object_set_new(probe, "why_not", json_string(why));
		(void)json_object_set_new(object, prices[i].name, probe);
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
							     prices[changes[i].price].name, "from",
							     moments[changes[i].from], "to",
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
		moments_known(host) < 2 ? json_null() : json_boolean(json_array_size(changes) > 0);

	for (enum host_moment moment = HOST_START; moment < HOST_MOMENTS; moment++)
		if (host->looks[moment].utc[0] != '\0')
			(void)json_array_append_new(looks, describe_look(host, moment));
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "state", text, "changed", changed,
			 "changes", changes, "moments", looks, "probes", describe_probes(host),
			 "load", describe_range(&host->load), "cpu_mhz",
			 describe_range(&host->mhz));
}
